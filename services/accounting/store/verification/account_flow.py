"""What went through accounts of one kind, in a form that another service's books can be held against."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.postgres.database import Tx
from paykit.postgres.long_reading import read_for_long
from services.accounting.store.archive import carried


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFlow:
    """One merchant's account of the kind.

    Attributes:
        transactions: How many did something to it.
        digest: Sum of hashes of each such transaction's id and effect: two sets of transactions with one digest are
            equal.
        balance_minor: As kept, all types of transactions included.
    """

    merchant_id: str
    currency_code: str
    transactions: int
    digest: int
    balance_minor: int


# The hash is PostgreSQL's own, so that both sides compute it where their rows are.
_SELECT = """
WITH effect AS (
    SELECT entry.account_id, entry.transaction_id, sum(entry.effect * entry.amount_minor) AS effect_minor
    FROM entry
    JOIN account ON account.account_id = entry.account_id AND account.account_kind = $1
    JOIN transaction ON transaction.transaction_id = entry.transaction_id
        AND transaction.transaction_type <> ALL ($2::text[])
    GROUP BY entry.account_id, entry.transaction_id
), through AS (
    SELECT account_id, count(*) AS transactions,
        sum(hashtextextended(transaction_id || ' ' || effect_minor, 0)::numeric) AS digest
    FROM effect WHERE effect_minor <> 0 GROUP BY account_id
), before AS (
    SELECT carried.account_no, sum(carried.moving) AS transactions, sum(carried.digest) AS digest
    FROM carried JOIN transaction_type ON transaction_type.type_no = carried.type_no
        AND transaction_type.transaction_type <> ALL ($2::text[])
    GROUP BY carried.account_no
), kept AS (
    SELECT account_id, sum(balance_minor) AS balance_minor FROM balance GROUP BY account_id
)
SELECT account.merchant_id, account.currency_code,
    coalesce(through.transactions, 0) + coalesce(before.transactions, 0) AS transactions,
    coalesce(through.digest, 0) + coalesce(before.digest, 0) AS digest, coalesce(balance_minor, 0) AS balance_minor
FROM account
LEFT JOIN through ON through.account_id = account.account_id
LEFT JOIN before ON before.account_no = account.account_no
LEFT JOIN kept ON kept.account_id = account.account_id
WHERE account.account_kind = $1
ORDER BY account.merchant_id, account.currency_code
"""


async def account_flows(tx: Tx, account_kind: str, *, leaving_out: Sequence[str]) -> list[AccountFlow]:
    """Sum up what went through the accounts of a kind that merchants own, on the transaction's snapshot.

    It comes first in its transaction. What was archived counts as if it were there.

    Args:
        tx: The transaction.
        account_kind: As in `merchant.settlement`.
        leaving_out: Types of transactions that are not counted; their effects are in the balances all the same.
    """
    await carried.hold_journal(tx)
    await read_for_long(tx)
    return [
        AccountFlow(
            merchant_id=row["merchant_id"],
            currency_code=row["currency_code"],
            transactions=int(row["transactions"]),
            digest=int(row["digest"]),
            balance_minor=int(row["balance_minor"]),
        )
        for row in await tx.fetch(_SELECT, account_kind, list(leaving_out))
    ]
