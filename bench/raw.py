"""Rows (a) and (a+): what this PostgreSQL books when nothing but the booking is done, by hand-written asyncpg.

The tables are the ledger's of before the journal, with all their keys, indexes, checks and the trigger that proves the
balance: what figures have always been held against. Rows are made before the clock starts; accounts are open already,
so that balances need no more than an UPDATE.

(a)   in one transaction: COPY transactions, COPY entries, add to balances.
(a2)  the same in the tables of now: COPY the journal, COPY legs, add to balances.
(a+)  as (a), with what exactly-once consuming needs: what is booked already is left out by its key, the offset is
      locked and moved, the outbox is written; then, in a second transaction, it is read and deleted.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench import captures
from bench.ground import Ground, connected, plot
from paykit.errors import InvariantError
from services.accounting import store
from services.accounting.domain import booking, transaction_key
from services.accounting.domain.transaction import Transaction
from services.accounting.store import journal

BATCH_PAYMENTS = 1_000
SECONDS_MAX = 120.0
EVENT_BYTES = 900
"""About the size of TransactionCreated with four entries."""

_TRANSACTION_COLUMNS = (
    "transaction_id",
    "transaction_type",
    "related_no",
    "root_reference",
    "merchant_id",
    "direction",
    "amount_minor",
    "currency_code",
    "effective_at",
    "create_time",
    "account_ids",
)
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
_OUTBOX_COLUMNS = ("topic", "key", "event_id", "event_type", "dataschema", "occurred_at", "traceparent", "value")

_INSERT_TRANSACTIONS = """
INSERT INTO former_transaction (transaction_id, transaction_type, related_no, root_reference, merchant_id, direction,
    amount_minor, currency_code, effective_at, create_time, account_ids)
SELECT transaction_id, transaction_type, related_no, root_reference, merchant_id, direction, amount_minor,
    currency_code, effective_at, create_time, string_to_array(account_ids, ',')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
    $9::timestamptz[], $10::timestamptz[], $11::text[])
    AS new (transaction_id, transaction_type, related_no, root_reference, merchant_id, direction, amount_minor,
        currency_code, effective_at, create_time, account_ids)
ON CONFLICT DO NOTHING
RETURNING transaction_id
"""

_ADD_TO_BALANCES = """
UPDATE balance SET balance_minor = balance.balance_minor + change.effect_minor
FROM unnest($1::text[], $3::bigint[]) AS change (account_id, effect_minor)
WHERE balance.account_id = change.account_id AND balance.stripe = $2
"""

_OPEN_BALANCES = """
INSERT INTO balance (account_id, stripe, balance_minor)
SELECT account_id, stripe, 0 FROM unnest($1::text[]) AS account_id, generate_series(0, 1) AS stripe ORDER BY 1, 2
"""

_BEGIN_OFFSET = """
INSERT INTO consumer_offset (topic, partition, next_offset, cluster_id, topic_id) VALUES ('raw', 0, 0, 'raw', 'raw')
"""
_LOCK_OFFSET = "SELECT next_offset FROM consumer_offset WHERE topic = 'raw' AND partition = 0 FOR UPDATE"
_MOVE_OFFSET = "UPDATE consumer_offset SET next_offset = next_offset + $1 WHERE topic = 'raw' AND partition = 0"
_READ_OUTBOX = """
SELECT id, topic, key, event_id, event_type, dataschema, occurred_at, traceparent, value
FROM outbox ORDER BY id LIMIT $1
"""
_DELETE_OUTBOX = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of BATCH_PAYMENTS payments, in primary-key order.

    Attributes:
        effects: account_id and what is added to it, one each.
    """

    transactions: list[tuple[Any, ...]]
    entries: list[tuple[Any, ...]]
    effects: list[tuple[str, int]]
    outbox: list[tuple[Any, ...]]


async def measure(ground: Ground, *, payments: int, merchants: int) -> dict[str, float]:
    """Measure (a) on one connection and on two; payments/s."""
    booked = make_batches(payments, captures.merchant_ids(merchants))
    batches = [_batch(each) for each in booked]
    return {
        "raw_posting": await _measure(ground, [batches], full=False),
        "raw_posting_two": await _measure(ground, [batches[::2], batches[1::2]], full=False),
        "raw_journal": await _measure_journal(ground, booked),
    }


async def measure_full(ground: Ground, *, payments: int, merchants: int) -> dict[str, float]:
    """Measure (a+) on one connection; payments/s."""
    batches = [_batch(each) for each in make_batches(payments, captures.merchant_ids(merchants))]
    return {"raw_posting_full": await _measure(ground, [batches], full=True)}


async def _measure(ground: Ground, shares: Sequence[Sequence[Batch]], *, full: bool) -> float:
    async with plot(ground, topics=False) as own, asyncio.timeout(SECONDS_MAX):
        accounts = sorted({account for share in shares for batch in share for account, _ in batch.effects})
        async with connected(own.admin_url, schema="accounting") as first:
            await open_balances(first, accounts)
            await first.execute(_BEGIN_OFFSET)
            async with connected(own.admin_url, schema="accounting") as second:
                began = time.perf_counter()
                async with asyncio.TaskGroup() as group:
                    for stripe, (connection, share) in enumerate(zip((first, second), shares, strict=False)):
                        group.create_task(_book(connection, share, stripe=stripe, full=full))
                seconds = time.perf_counter() - began
            await _check(first, sum(map(len, shares)) * BATCH_PAYMENTS)
    return sum(map(len, shares)) * BATCH_PAYMENTS / seconds


async def _book(connection: asyncpg.Connection, batches: Sequence[Batch], *, stripe: int, full: bool) -> None:
    for batch in batches:
        async with connection.transaction():
            if full:
                await connection.fetchval(_LOCK_OFFSET)
                await connection.fetch(_INSERT_TRANSACTIONS, *_columns(batch.transactions))
            else:
                await _copy(connection, "former_transaction", _TRANSACTION_COLUMNS, batch.transactions)
            await _copy(connection, "former_entry", _ENTRY_COLUMNS, batch.entries)
            accounts, effects = [account for account, _ in batch.effects], [effect for _, effect in batch.effects]
            await connection.execute(_ADD_TO_BALANCES, accounts, stripe, effects)
            if full:
                await connection.execute(_MOVE_OFFSET, BATCH_PAYMENTS)
                await _copy(connection, "outbox", _OUTBOX_COLUMNS, batch.outbox)
        if full:
            rows = await connection.fetch(_READ_OUTBOX, BATCH_PAYMENTS)
            await connection.execute(_DELETE_OUTBOX, [row["id"] for row in rows])


async def _copy(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
    await connection.copy_records_to_table(table, records=rows, columns=columns)


async def _check(connection: asyncpg.Connection, payments: int) -> None:
    """Refuse a figure whose ledger does not hold what it is said to hold."""
    booked = await connection.fetchval("SELECT count(*) FROM former_transaction")
    entries, total = await connection.fetchrow("SELECT count(*), sum(effect * amount_minor) FROM former_entry")
    balances = await connection.fetchval("SELECT sum(balance_minor) FROM balance")
    if (booked, entries, total) != (payments, payments * 4, balances):
        raise InvariantError(
            f"{payments} payments left {booked} transactions, {entries} entries, {balances} in balances"
        )


async def _measure_journal(ground: Ground, booked: Sequence[Sequence[Transaction]]) -> float:
    """Do as `_measure` on one connection, in the tables that the ledger books in now."""
    async with (
        plot(ground, topics=False) as own,
        asyncio.timeout(SECONDS_MAX),
        connected(own.admin_url, schema="accounting") as connection,
    ):
        accounts = await open_accounts(connection, booked)
        await open_balances(connection, accounts)
        rows = journal_rows(booked, accounts)
        began = time.perf_counter()
        for each in rows:
            await book(connection, each)
        seconds = time.perf_counter() - began
        kept = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM journal), (SELECT sum(effect * amount_minor) FROM entry), "
            "(SELECT sum(balance_minor) FROM balance)"
        )
    payments = sum(map(len, booked))
    if (kept[0], kept[1]) != (payments, kept[2]):
        raise InvariantError(f"{payments} payments left {kept[0]} transactions of {kept[1]}, {kept[2]} in balances")
    return payments / seconds


@dataclass(frozen=True, slots=True)
class JournalRows:
    """A batch for the journal, its legs, and what is added to the balance of each account."""

    transactions: list[tuple[Any, ...]]
    legs: list[tuple[Any, ...]]
    effects: dict[str, int]


def journal_rows(booked: Sequence[Sequence[Transaction]], accounts: Mapping[str, int]) -> list[JournalRows]:
    """Make the rows of batches; accounts give their numbers."""
    rows = []
    for at, batch in enumerate(booked):
        # A batch for each month that its ids are of: two where one begins while they are made.
        months = {transaction_key.month_of(each.transaction_id) for each in batch}
        places = journal.Places(dict(accounts), journal.batches_of(batch, [2 * at, 2 * at + 1][: len(months)]))
        rows.append(JournalRows(journal.rows_of(places), journal.legs_of(places), _effects(batch)))
    return rows


async def book(connection: asyncpg.Connection, rows: JournalRows) -> None:
    """Book a batch in one transaction; the accounts and their balances are there."""
    async with connection.transaction():
        await _copy(connection, "journal", [*journal.COLUMNS], rows.transactions)
        await _copy(connection, "leg", journal.LEG_COLUMNS, rows.legs)
        await connection.execute(_ADD_TO_BALANCES, [*rows.effects], 0, [*rows.effects.values()])


async def open_accounts(connection: asyncpg.Connection, booked: Sequence[Sequence[Transaction]]) -> dict[str, int]:
    """Open all accounts, without balances; give their numbers."""
    entries = {entry.account_id: entry for batch in booked for each in batch for entry in each.entries}
    kinds = store.load_chart("merchant_asset").kinds
    columns = ("account_id", "account_kind", "merchant_id", "currency_code", "normal_side", "create_time")
    rows = [
        (
            *(account_id, entry.account_kind, entry.merchant_id, entry.currency_code),
            *(kinds[entry.account_kind].normal_side, datetime.now(UTC)),
        )
        for account_id, entry in sorted(entries.items())
    ]
    await _copy(connection, "account", columns, rows)
    return dict(await connection.fetch("SELECT account_id, account_no FROM account"))


async def open_balances(connection: asyncpg.Connection, account_ids: Iterable[str]) -> None:
    """Give each account a balance of nothing, on two stripes."""
    await connection.execute(_OPEN_BALANCES, sorted(account_ids))


async def copy_former(connection: asyncpg.Connection, booked: Sequence[Transaction]) -> None:
    """Write transactions and their entries into the tables of before the journal."""
    batch = _batch(booked)
    await _copy(connection, "former_transaction", _TRANSACTION_COLUMNS, batch.transactions)
    await _copy(connection, "former_entry", _ENTRY_COLUMNS, batch.entries)


def make_batches(payments: int, merchants: Sequence[str]) -> list[list[Transaction]]:
    """Make whole batches, by the chart and the rules of the accounting service."""
    chart = store.load_chart("merchant_asset")
    events = captures.make(payments, merchants=merchants)
    now = datetime.now(UTC)
    booked = [each for event in events if isinstance(each := booking.book(chart, event, now), Transaction)]
    return [booked[at : at + BATCH_PAYMENTS] for at in range(0, payments, BATCH_PAYMENTS)]


def _batch(booked: Sequence[Transaction]) -> Batch:
    ordered = sorted(booked, key=lambda each: each.transaction_id)
    return Batch(
        transactions=[_transaction_row(each) for each in ordered],
        entries=sorted(row for each in ordered for row in _entry_rows(each)),
        effects=[*_effects(booked).items()],
        outbox=[_outbox_row(each) for each in ordered],
    )


def _effects(booked: Sequence[Transaction]) -> dict[str, int]:
    """Sum up what a batch does to each account, in the order of their ids."""
    effects: dict[str, int] = {}
    for each in booked:
        for entry in each.entries:
            effects[entry.account_id] = effects.get(entry.account_id, 0) + entry.effect * entry.amount_minor
    return dict(sorted(effects.items()))


def _transaction_row(each: Transaction) -> tuple[Any, ...]:
    return (
        each.transaction_id,
        each.transaction_type,
        each.related_no,
        each.root_reference,
        each.merchant_id,
        each.direction,
        each.amount_minor,
        each.currency_code,
        each.effective_at,
        each.create_time,
        list(dict.fromkeys(entry.account_id for entry in each.entries)),
    )


def _entry_rows(each: Transaction) -> list[tuple[Any, ...]]:
    return [
        (
            entry.account_id,
            each.effective_at,
            each.transaction_id,
            line,
            entry.side,
            entry.effect,
            entry.amount_minor,
            entry.currency_code,
        )
        for line, entry in enumerate(each.entries)
    ]


def _outbox_row(each: Transaction) -> tuple[Any, ...]:
    return (
        "accounting.events",
        each.root_reference,
        each.transaction_id,
        "paystream.accounting.v1.TransactionCreated",
        "accounting.events/TransactionCreated/1",
        each.effective_at,
        None,
        bytes(EVENT_BYTES),
    )


def _columns(transactions: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Turn rows into columns; account ids as text, because unnest takes arrays of arrays apart to the last element."""
    *others, account_ids = map(list, zip(*transactions, strict=True))
    return [*others, [",".join(each) for each in account_ids]]
