"""The books as a whole: what is on each kind of account, and what the accounts in transit are waiting for.

`paystream ledger balances` shows it. What is in transit is explained from the ledger alone: by the disputes,
settlements and withdrawals that were opened and not ended, and by journals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from services.accounting.domain import lifecycle

EXPLAINED = (*lifecycle.IN_TRANSIT, "merchant.settlement", "merchant.receivable")
"""Kinds of account that an amount passes through: what is on them is on its way, or owed."""

_BY_RELATED_NO = ("merchant.disputed", "channel.disputed")
"""Kinds of which one root_reference may have several things in transit: a payment's disputes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindBalance:
    """All accounts of one kind and currency; `balance_minor` is positive on the kind's normal side."""

    currency_code: str
    account_kind: str
    accounts: int
    balance_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InTransit:
    """A part of what is on an account in transit.

    Attributes:
        reference: The dispute, settlement or withdrawal that waits for its end; a journal's root_reference; what awaits
            settlement is many, so there it is the transaction type.
        transactions: How many it is made of.
        since: The earliest effective time among them.
    """

    currency_code: str
    account_kind: str
    merchant_id: str | None
    reference: str
    amount_minor: int
    transactions: int
    since: datetime


_SELECT_KINDS = """
SELECT account.currency_code, account.account_kind, count(*) AS accounts, sum(present.balance_minor) AS balance_minor
FROM account
CROSS JOIN LATERAL (
    SELECT coalesce(sum(balance_minor), 0) AS balance_minor FROM balance WHERE balance.account_id = account.account_id
) AS present
WHERE ($1::text IS NULL OR account.currency_code = $1) AND ($2::text IS NULL OR account.merchant_id = $2)
GROUP BY account.currency_code, account.account_kind
ORDER BY account.currency_code, account.account_kind
"""

# An account with nothing on it has nothing to explain, whatever went through it. What has come and gone leaves nothing:
# the steps of a dispute have one related_no, all others and journals with their reversals one root_reference. What was
# carried forward of archived months stands on accounts that are explained by type alone.
_SELECT_IN_TRANSIT = """
WITH looked_at AS (
    SELECT account.* FROM account
    WHERE account.account_kind = ANY ($1::text[])
        AND ($3::text IS NULL OR account.currency_code = $3) AND ($4::text IS NULL OR account.merchant_id = $4)
        AND (SELECT sum(balance_minor) FROM balance WHERE balance.account_id = account.account_id) <> 0
), part AS (
    SELECT account.currency_code, account.account_kind, account.merchant_id, named.reference,
        sum(entry.effect * entry.amount_minor) AS amount_minor,
        count(DISTINCT transaction.transaction_id) AS transactions, min(transaction.effective_at) AS since
    FROM looked_at AS account
    JOIN entry ON entry.account_id = account.account_id
    JOIN transaction ON transaction.transaction_id = entry.transaction_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN account.account_kind IN ('merchant.settlement', 'merchant.receivable')
                THEN transaction.transaction_type
            WHEN account.account_kind = ANY ($2::text[]) AND transaction.transaction_type = ANY ($6::text[])
                THEN transaction.related_no
            ELSE transaction.root_reference END AS reference
    ) AS named
    GROUP BY account.currency_code, account.account_kind, account.merchant_id, named.reference
    UNION ALL
    SELECT account.currency_code, account.account_kind, account.merchant_id, transaction_type.transaction_type,
        sum(carried.debit_minor - carried.credit_minor)
            * min(CASE account.normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END),
        sum(carried.transactions), min(carried.first_at)
    FROM looked_at AS account
    JOIN carried ON carried.account_no = account.account_no
    JOIN transaction_type ON transaction_type.type_no = carried.type_no
    GROUP BY account.currency_code, account.account_kind, account.merchant_id, transaction_type.transaction_type
)
SELECT currency_code, account_kind, merchant_id, reference, sum(amount_minor) AS amount_minor,
    sum(transactions)::bigint AS transactions, min(since) AS since
FROM part
GROUP BY currency_code, account_kind, merchant_id, reference
HAVING sum(amount_minor) < 0
    OR (sum(amount_minor) > 0 AND ($7::timestamptz IS NULL OR min(since) < $7))
ORDER BY currency_code, account_kind, merchant_id, since, reference
LIMIT $5
"""


_SELECT_OWING = """
SELECT account.account_kind, account.currency_code, account.merchant_id, sum(balance.balance_minor) AS balance_minor
FROM account JOIN balance ON balance.account_id = account.account_id
WHERE account.account_kind IN ('merchant.settlement', 'merchant.receivable')
GROUP BY account.account_kind, account.currency_code, account.merchant_id
HAVING sum(balance.balance_minor) * CASE account.account_kind WHEN 'merchant.settlement' THEN -1 ELSE 1 END > 0
ORDER BY account.account_kind DESC, account.currency_code, account.merchant_id
LIMIT $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """A merchant that owes: its settlement account is below zero, or its receivable above."""

    account_kind: str
    currency_code: str
    merchant_id: str
    balance_minor: int


async def owing(tx: Tx, *, limit: int) -> list[Owing]:
    """Read who owes, on which kind of account and how much, below zero on the settlement account."""
    rows = await tx.fetch(_SELECT_OWING, limit)
    return [Owing(**{**row, "balance_minor": int(row["balance_minor"])}) for row in rows]


async def kind_balances(
    tx: Tx, *, currency_code: str | None = None, merchant_id: str | None = None
) -> list[KindBalance]:
    """Sum up accounts by currency and kind, in that order; with a merchant its own accounts alone."""
    rows = await tx.fetch(_SELECT_KINDS, currency_code, merchant_id)
    return [KindBalance(**{**row, "balance_minor": int(row["balance_minor"])}) for row in rows]


async def in_transit(
    tx: Tx,
    *,
    currency_code: str | None = None,
    merchant_id: str | None = None,
    kinds: Sequence[str] = EXPLAINED,
    before: datetime | None = None,
    limit: int,
) -> list[InTransit]:
    """Explain what is on accounts in transit, by currency, kind and merchant, the longest waiting first.

    `hold_journal` comes first in the transaction.

    Args:
        tx: The transaction.
        currency_code: Only this currency.
        merchant_id: Only this merchant's accounts.
        kinds: Kinds of account.
        before: Only what has waited since before then, and what is below zero whenever it began.
        limit: Parts at most.
    """
    # Every entry of an account is looked at, which takes longer than any call on one with millions of them.
    await tx.fetch("SELECT set_config('statement_timeout', '0', true)")
    steps = sorted(lifecycle.STEPS)
    rows = await tx.fetch(_SELECT_IN_TRANSIT, kinds, _BY_RELATED_NO, currency_code, merchant_id, limit, steps, before)
    return [InTransit(**{**row, "amount_minor": int(row["amount_minor"])}) for row in rows]
