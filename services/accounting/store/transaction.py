"""The SQL of transactions and their entries: set-based, one round trip whatever the number of transactions."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from paykit.base.four_eyes import folded
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.faults import UniqueViolation
from paykit.postgres.table import Table, where
from paystream.accounting.v1.events import Entry, Side
from services.accounting.domain.booked_event import BOOKED_TYPES
from services.accounting.domain.transaction import REVERSAL, Transaction, transaction_id

COPY_ROWS_MIN = 32
"""From this many transactions on, COPY with a savepoint is quicker than INSERT."""

_ENTRY_COLUMNS = (
    "account_id",
    "effective_at",
    "transaction_id",
    "line",
    "side",
    "effect",
    "amount_minor",
    "currency_code",
)

# By way of the accounts that the transaction names, which is where the primary key of entry begins.
_SELECT_ENTRIES = """
SELECT entry.transaction_id, entry.account_id, account.account_kind, account.merchant_id, entry.side, entry.effect,
    entry.amount_minor, entry.currency_code
FROM transaction
CROSS JOIN LATERAL unnest(transaction.account_ids) AS named (account_id)
JOIN entry ON entry.account_id = named.account_id AND entry.effective_at = transaction.effective_at
    AND entry.transaction_id = transaction.transaction_id
JOIN account ON account.account_id = entry.account_id
WHERE transaction.transaction_id = ANY($1::text[])
ORDER BY entry.transaction_id, entry.line
"""


_ALONE_LOCK = 0x616C_6F6E
"""Advisory lock of what people book alone: two calls at once must not both find room below one limit."""

_LOCK_ALONE = "SELECT pg_advisory_xact_lock($1)"

_SELECT_ALONE = """
SELECT coalesce(actor, '') AS actor, currency_code, sum(amount_minor) AS amount_minor FROM transaction
WHERE reason IS NOT NULL AND create_time > $1 AND transaction_type <> ALL ($2::text[]) AND NOT EXISTS (
    SELECT FROM journal_proposal WHERE journal_proposal.transaction_id = transaction.transaction_id)
GROUP BY 1, 2
"""

_SELECT_TAKEN = """
SELECT root_reference, transaction_id, amount_minor FROM transaction
WHERE root_reference = ANY($1::text[]) AND transaction_type = ANY($2::text[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Which transactions to list: from `start` on, before `end`; None does not filter."""

    merchant_id: str | None = None
    root_reference: str | None = None
    related_no: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Transactions(Table[str, Transaction]):
    """The tables `transaction` and `entry`; transactions are read with their entries."""

    async def insert_new(self, tx: Tx, transactions: Sequence[Transaction]) -> set[str]:
        """Insert transactions without their entries; return the ids of those that were not booked before.

        Many are tried by COPY first, which costs half as much but refuses all when one was booked before: that is as
        rare as a replay. One of two that book the same pair at once waits here for the other's commit.

        Rows: transaction.
        """
        if len(transactions) >= COPY_ROWS_MIN:
            with contextlib.suppress(UniqueViolation):
                async with tx.savepoint():
                    await self.insert(tx, transactions)
                return {transaction.transaction_id for transaction in transactions}
        return set(await self.insert_absent(tx, transactions))

    async def insert_entries(self, tx: Tx, transactions: Sequence[Transaction]) -> None:
        """Insert the entries of transactions, all in one statement, which is what the trigger checks the balance of.

        Rows: entry.
        """
        rows = [
            (
                entry.account_id,
                transaction.effective_at,
                transaction.transaction_id,
                line,
                entry.side,
                entry.effect,
                entry.amount_minor,
                entry.currency_code,
            )
            for transaction in transactions
            for line, entry in enumerate(transaction.entries)
        ]
        await tx.copy("entry", _ENTRY_COLUMNS, rows)

    async def by_key(self, tx: Tx, keys: Collection[str]) -> dict[str, Transaction]:
        """Read transactions with their entries; those that are not there are left out."""
        return await _with_entries(tx, await super().by_key(tx, keys))

    async def booked_alone(self, tx: Tx, *, since: datetime) -> dict[tuple[str, str], int]:
        """Sum up what people booked alone, by folded name and currency, and keep others from booking so meanwhile."""
        await tx.fetch(_LOCK_ALONE, _ALONE_LOCK)
        sums: dict[tuple[str, str], int] = {}
        for row in await tx.fetch(_SELECT_ALONE, since, sorted(BOOKED_TYPES)):
            key = folded(row["actor"]), row["currency_code"]
            sums[key] = sums.get(key, 0) + int(row["amount_minor"])
        return sums

    async def taken(
        self, tx: Tx, root_references: Collection[str], types: Collection[str]
    ) -> dict[str, dict[str, int]]:
        """Read the amounts of transactions of some types, by root_reference and transaction_id."""
        amounts: dict[str, dict[str, int]] = {}
        for row in await tx.fetch(_SELECT_TAKEN, sorted(root_references), sorted(types)):
            amounts.setdefault(row["root_reference"], {})[row["transaction_id"]] = row["amount_minor"]
        return amounts

    async def list(
        self, tx: Tx, selection: TransactionFilter, *, after: TimeKey | None, limit: int
    ) -> list[Transaction]:
        """Read transactions with their entries, the latest effective time first, from after a key if one is given."""
        condition, args = where(
            ("merchant_id = {}", selection.merchant_id),
            ("root_reference = {}", selection.root_reference),
            *_of_related_no(selection.related_no),
            ("effective_at >= {}", selection.start),
            ("effective_at < {}", selection.end),
            ("(effective_at, transaction_id) < ({}, {})", *(after or (None, None))),
        )
        order = f"ORDER BY effective_at DESC, transaction_id DESC LIMIT ${len(args) + 1}"
        page = await self.select(tx, f"{condition} {order}", *args, limit)
        return [*(await _with_entries(tx, {row.transaction_id: row for row in page})).values()]


def _account_ids(transaction: Transaction) -> list[str]:
    return list(dict.fromkeys([entry.account_id for entry in transaction.entries]))


transactions = Transactions(
    Transaction,
    "transaction",
    key="transaction_id",
    without=("entries", "channel", "channel_reference", "fee_minor"),
    sql_types={"account_ids": "text[]"},
    writers={"account_ids": _account_ids},
)


def _of_related_no(related_no: str | None) -> list[tuple[Any, ...]]:
    """Lead to a related_no without an index of its own, which every payment would pay for.

    What events book and reversals have ids made of it; for a manual journal it is the root_reference.
    """
    if related_no is None:
        return []
    ids = [transaction_id(transaction_type, related_no) for transaction_type in (*sorted(BOOKED_TYPES), REVERSAL)]
    condition = "(transaction_id = ANY({}::text[]) OR root_reference = {})"
    return [("related_no = {}", related_no), (condition, ids, related_no)]


async def _with_entries(tx: Tx, transactions: Mapping[str, Transaction]) -> dict[str, Transaction]:
    entries: dict[str, list[Entry]] = {key: [] for key in transactions}
    for row in await tx.fetch(_SELECT_ENTRIES, list(transactions)) if transactions else ():
        entries[row["transaction_id"]].append(_entry(row))
    return {key: replace(row, entries=tuple(entries[key])) for key, row in transactions.items()}


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        account_id=row["account_id"],
        account_kind=row["account_kind"],
        merchant_id=row["merchant_id"],
        side=Side(row["side"]),
        effect=row["effect"],
        amount_minor=row["amount_minor"],
        currency_code=row["currency_code"],
    )
