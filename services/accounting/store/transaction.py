"""The SQL that reads transactions with their entries; `journal` books them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found
from paykit.postgres.table import Table
from paystream.accounting.v1.events import Entry, Side
from services.accounting.domain import transaction_key
from services.accounting.domain.archive import ARCHIVED_TYPES, transaction_archived
from services.accounting.domain.transaction import Transaction, transaction_id
from services.accounting.store.archive import carried, pairs
from services.accounting.store.transaction_page import (
    TransactionFilter,
    asked_of_rows,
    bound_statement,
    keys_and_months,
    page_statement,
)

# By the key and its month, which is that of its partition.
_OF_KEYS = "key = ANY($1::uuid[]) AND month = ANY($2::smallint[])"

# What was booked before types had numbers is known by its UUIDv5, in the journal as well.
_SELECT_FORMER = """
SELECT {columns} FROM journal_transaction AS "transaction" WHERE former_id = ANY($1::uuid[])
UNION ALL
SELECT {columns} FROM former_transaction AS "transaction" WHERE transaction_id = ANY($2::text[])
"""

_SELECT_ENTRIES = """
SELECT entry.transaction_id, entry.account_id, account.account_kind, account.merchant_id, entry.side, entry.effect,
    entry.amount_minor, entry.currency_code, entry.line
FROM journal_entry AS entry LEFT JOIN account ON account.account_id = entry.account_id
WHERE key = ANY($1::uuid[]) AND month = ANY($2::smallint[])
ORDER BY 1, 9
"""

# By way of the accounts that the transaction names, which is where the primary key of its entries begins.
_SELECT_FORMER_ENTRIES = """
SELECT entry.transaction_id, entry.account_id, account.account_kind, account.merchant_id, entry.side, entry.effect,
    entry.amount_minor, entry.currency_code, entry.line
FROM former_transaction AS booked
CROSS JOIN LATERAL unnest(booked.account_ids) AS named (account_id)
JOIN former_entry AS entry ON entry.account_id = named.account_id AND entry.effective_at = booked.effective_at
    AND entry.transaction_id = booked.transaction_id
JOIN account ON account.account_id = entry.account_id
WHERE booked.transaction_id = ANY($1::text[])
ORDER BY 1, 9
"""

_SELECT_TAKEN = """
SELECT root_reference, transaction_type, related_no, amount_minor FROM journal_transaction
WHERE (root = ANY($1::uuid[]) OR root_text = ANY($2::text[])) AND transaction_type = ANY($3::text[])
UNION ALL
SELECT root_reference, transaction_type, related_no, amount_minor FROM former_transaction
WHERE root_reference = ANY($2::text[]) AND transaction_type = ANY($3::text[])
"""

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


class Transactions(Table[str, Transaction]):
    """The view `journal_transaction`, and what still stands in the former tables; read with their entries."""

    async def by_key(self, tx: Tx, keys: Collection[str]) -> dict[str, Transaction]:
        """Read transactions with their entries, by the ids asked for; those that are not there are left out.

        An id is one that `transaction_id` says, or one from before types had numbers: both lead to it.
        """
        if not keys:
            return {}
        found = {row.transaction_id: row for row in await self._by_key(tx, keys)}
        by_key = {transaction_id(row.transaction_type, row.related_no): row for row in found.values()}
        asked = {key: row for key in keys if (row := by_key.get(key) or found.get(key)) is not None}
        others = {key: transaction_key.former_id(key) for key in keys if key not in asked}
        if others:
            former = await self._former(tx, others.values())
            asked |= {key: former[other] for key, other in others.items() if other in former}
        return await _with_entries(tx, asked)

    async def _by_key(self, tx: Tx, keys: Collection[str]) -> list[Transaction]:
        statement = f'SELECT {self.selected} FROM journal_transaction AS "transaction" WHERE {_OF_KEYS}'
        return [*map(self.read, await tx.fetch(statement, *keys_and_months(keys)))]

    async def _former(self, tx: Tx, former_ids: Collection[str]) -> dict[str, Transaction]:
        """Read transactions, without their entries, by the ids from before types had numbers."""
        known = [each for each in former_ids if transaction_key.is_id(each)]
        statement = _SELECT_FORMER.format(columns=self.selected)
        rows = await tx.fetch(statement, [each[4:] for each in known], known)
        return {row.transaction_id: row for row in map(self.read, rows)}

    async def former(self, tx: Tx, former_ids: Collection[str]) -> dict[str, Transaction]:
        """Read transactions with their entries by the ids from before types had numbers."""
        return await _with_entries(tx, await self._former(tx, former_ids))

    async def taken(
        self, tx: Tx, root_references: Collection[str], types: Collection[str]
    ) -> dict[str, dict[str, int]]:
        """Read the amounts of transactions of some types, by root_reference and what `transaction_id` says."""
        amounts: dict[str, dict[str, int]] = {}
        digits = {each[4:] for each in root_references if transaction_key.has_digits(each)}
        wanted = set(root_references)
        for row in await tx.fetch(_SELECT_TAKEN, sorted(digits), sorted(wanted), sorted(types)):
            if row["root_reference"] in wanted:
                key = transaction_id(row["transaction_type"], row["related_no"])
                amounts.setdefault(row["root_reference"], {})[key] = row["amount_minor"]
        return amounts

    async def list(
        self, tx: Tx, selection: TransactionFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Transaction]:
        """List transactions with their entries, the latest effective time first, from after a key if one is given.

        Without a start and an id, what was archived is left out.

        Raises:
            MonthArchived: Transactions from `start` on, or of the root_reference or related_no, were archived.
        """
        await carried.hold_journal(tx)
        await _refuse_archived(tx, selection)
        sql, args = page_statement(self.selected, selection, after=after, limit=limit)
        page = {row.transaction_id: row for row in map(self.read, await tx.fetch(sql, *args))}
        rows = [*(await _with_entries(tx, page)).values()]
        if len(rows) == limit or not asked_of_rows(selection):
            return Found(rows, None)
        sql, args = bound_statement(self.selected, selection, after=after)
        return Found(rows, next(((row[0], row[1]) for row in await tx.fetch(sql, *args)), None))


transactions = Transactions(
    Transaction,
    "transaction",
    key="transaction_id",
    without=("entries", "channel", "channel_reference", "fee_minor"),
)


@dataclass(frozen=True, slots=True)
class CreatedTransactions:
    """The view of what calls created, by which a repeated call finds it."""

    quoted: str = "created_transaction"
    key: str = "transaction_id"


async def _refuse_archived(tx: Tx, selection: TransactionFilter) -> None:
    if selection.related_no is not None:
        ids = [transaction_id(each, selection.related_no) for each in sorted(ARCHIVED_TYPES)]
        for key, known in (await pairs.archived_among(tx, ids)).items():
            raise transaction_archived(key, known.archived)
    if selection.root_reference is not None:
        await pairs.require_whole_root(tx, selection.root_reference)
    if selection.start is not None:
        await carried.require_kept(tx, selection.start, selection.end or _LAST_MOMENT)


async def _with_entries(tx: Tx, transactions: Mapping[str, Transaction]) -> dict[str, Transaction]:
    """Read the entries of transactions, which keep the ids that they are given under."""
    entries: dict[str, list[Entry]] = {row.transaction_id: [] for row in transactions.values()}
    if not entries:
        return {}
    keys = [transaction_id(row.transaction_type, row.related_no) for row in transactions.values()]
    _gather(entries, await tx.fetch(_SELECT_ENTRIES, *keys_and_months(keys)))
    former = [key for key, found in entries.items() if not found]
    if former:
        _gather(entries, await tx.fetch(_SELECT_FORMER_ENTRIES, former))
    return {key: replace(row, entries=tuple(entries[row.transaction_id])) for key, row in transactions.items()}


def _gather(entries: Mapping[str, list[Entry]], rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        entries[row["transaction_id"]].append(_entry(row))


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
