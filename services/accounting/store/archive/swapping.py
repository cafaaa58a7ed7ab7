"""The SQL of archiving a month: what of it is archived, and the table that takes the place of the month's own.

All of it runs as the owner of the tables, for the service's role may neither delete nor change what is booked. What is
kept of a month moves into a new table under the old one's name, so that what is told late of the month is booked as
before and meets the same unique index. Source: docs/adr/0051.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from paykit.postgres.database import Tx
from services.accounting.domain.archive import (
    ARCHIVED_TYPES,
    KEPT_KINDS,
    ArchivedMonth,
    CarriedSum,
    first_digits,
    month_start,
)
from services.accounting.domain.transaction_key import BY_NAME, FIRST_YEAR
from services.accounting.store.journal import BATCH_ROWS_MAX

MonthStep = Callable[[Tx, int], Awaitable[None]]
"""What is done to the tables of a month."""

LOCK_TIMEOUT_MS = 1_000
"""For each lock, and so how long bookings may have to wait behind it."""

_PART = re.compile(r"journal_(20|21)\d{4}")

_PREPARE = (
    'SET LOCAL ROLE "paystream_accounting_owner"',
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL enable_seqscan = on",
)

_SELECT_PARTS = """
SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'journal'::regclass
"""

_SELECT_STANDING = """
SELECT (SELECT max(end_at) FROM period WHERE state = 'CLOSED') AS closed_through,
    EXISTS (SELECT FROM former_transaction) AS has_former
"""

# $1: numbers of types, $2: end of the month, $3: kinds of account, $4: the least UUIDv7 behind the month.
_ARCHIVABLE = f"""
(journal.type_no = ANY ($1::smallint[]) AND journal.effective_at < $2::timestamptz
    AND journal.root >= '{first_digits(FIRST_YEAR * 12)}' AND journal.root < $4::uuid
    AND substr(journal.root::text, 15, 1) = '7' AND substr(journal.root::text, 20, 1) IN ('8', '9', 'a', 'b')
    AND NOT EXISTS (
        SELECT FROM account WHERE account.account_kind = ANY ($3::text[])
            AND account.account_no = ANY (coalesce(journal.accounts,
                ARRAY[journal.account1, journal.contra1, journal.account2, journal.contra2]))))
"""

_LINES = """
CROSS JOIN LATERAL unnest(
    coalesce(journal.accounts, CASE WHEN journal.amount2 IS NULL
        THEN ARRAY[journal.account1, journal.contra1]
        ELSE ARRAY[journal.account1, journal.contra1, journal.account2, journal.contra2] END),
    coalesce(journal.amounts, CASE WHEN journal.amount2 IS NULL
        THEN ARRAY[journal.amount1, -journal.amount1]
        ELSE ARRAY[journal.amount1, -journal.amount1, journal.amount2, -journal.amount2] END)
) AS line (account_no, debit_minor)
"""

_COUNT = f"""
SELECT count(*) FILTER (WHERE {_ARCHIVABLE}) AS archived, count(*) FILTER (WHERE NOT {_ARCHIVABLE}) AS kept
FROM {{part}} AS journal
"""

_SELECT_KEYS = f"SELECT transaction_id FROM {{part}} AS journal WHERE {_ARCHIVABLE} ORDER BY transaction_id"

_INSERT_MONTH = """
INSERT INTO archived_month (month, transactions, kept, manifest_hash, archiver, archive_time)
VALUES ($1, $2, $3, $4, session_user, $5)
"""

# The digest is the one of `account_flows`, so that another service's books are held against what they always were.
_INSERT_CARRIED = f"""
INSERT INTO carried (account_no, month, type_no, transactions, moving, debit_minor, credit_minor, digest,
    first_at, last_at)
SELECT account_no, $5::smallint, type_no, count(*), count(*) FILTER (WHERE effect_minor <> 0), sum(debited),
    sum(credited), coalesce(sum(hashtextextended(told || ' ' || effect_minor, 0)::numeric)
        FILTER (WHERE effect_minor <> 0), 0),
    min(effective_at), max(effective_at)
FROM (
    SELECT line.account_no, journal.type_no, journal.effective_at,
        'txn_' || id_digits(coalesce(journal.former_id, journal.transaction_id)) AS told,
        sum(greatest(line.debit_minor, 0)) AS debited, sum(greatest(-line.debit_minor, 0)) AS credited,
        sum(line.debit_minor) * min(CASE account.normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END) AS effect_minor
    FROM {{part}} AS journal {_LINES} JOIN account ON account.account_no = line.account_no
    WHERE {_ARCHIVABLE}
    GROUP BY journal.transaction_id, journal.former_id, line.account_no, journal.type_no, journal.effective_at
) AS moved
GROUP BY account_no, type_no
"""

_SELECT_CARRIED = """
SELECT account.account_id, transaction_type.transaction_type, account.currency_code, transactions, debit_minor,
    credit_minor, first_at, last_at
FROM carried JOIN account ON account.account_no = carried.account_no
JOIN transaction_type ON transaction_type.type_no = carried.type_no
WHERE month = $1
"""

_SELECT_ARCHIVED_PAIRS = """
SELECT transaction_id, digest FROM archived_transaction WHERE transaction_id = ANY ($1::uuid[]) AND month = $2
"""

_COUNT_ARCHIVED_PAIRS = "SELECT count(*) AS pairs FROM archived_transaction WHERE month = $1 AND NOT former"

_LOCK_PARTS = "LOCK TABLE {part}, {leg_part} IN SHARE ROW EXCLUSIVE MODE"

_KEEP_ROWS = f"INSERT INTO {{part}}_kept SELECT * FROM {{part}} AS journal WHERE NOT {_ARCHIVABLE}"

# A leg of all of a batch may lead to some of it now, so each is made anew from the lines that are kept.
_KEEP_LEGS = f"""
INSERT INTO {{leg_part}}_kept (batch, first_at, last_at, debit_minor, account_no, month, transactions, positions)
SELECT journal.position / {BATCH_ROWS_MAX} * {BATCH_ROWS_MAX}, min(journal.effective_at), max(journal.effective_at),
    sum(line.debit_minor), line.account_no, min(journal.month), count(DISTINCT journal.position),
    array_agg(DISTINCT (journal.position % {BATCH_ROWS_MAX})::smallint)
FROM {{part}}_kept AS journal {_LINES}
WHERE line.account_no <> journal.account_no
GROUP BY journal.position / {BATCH_ROWS_MAX}, line.account_no, (journal.effective_at AT TIME ZONE 'UTC')::date
"""

# Every entry but those of the month's table, those that are kept of it, and what was carried of this and other months.
_SELECT_UNBALANCED = f"""
WITH booked AS (
    SELECT account_no, sum(debit_minor) AS debit_minor FROM journal_line WHERE month <> $1 GROUP BY account_no
    UNION ALL
    SELECT line.account_no, sum(line.debit_minor) FROM {{part}}_kept AS journal {_LINES} GROUP BY line.account_no
    UNION ALL
    SELECT account_no, sum(debit_minor - credit_minor) FROM carried GROUP BY account_no
), summed AS (
    SELECT account_no, sum(debit_minor) AS debit_minor FROM booked GROUP BY account_no
), kept AS (
    SELECT account_id, sum(balance_minor) AS balance_minor FROM balance GROUP BY account_id
)
SELECT account.account_id FROM account
LEFT JOIN summed ON summed.account_no = account.account_no
LEFT JOIN kept ON kept.account_id = account.account_id
WHERE coalesce(kept.balance_minor, 0)
    <> coalesce(summed.debit_minor, 0) * CASE account.normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END
ORDER BY account.account_id LIMIT 1
"""


async def act_as_owner(tx: Tx) -> None:
    """Have the transaction act as the owner of the tables, read for long, and wait for no lock for long."""
    for statement in _PREPARE:
        await tx.fetch(statement)


async def months_with_tables(tx: Tx) -> list[int]:
    """Read which months have a table of their own, in order."""
    names = [row["name"] for row in await tx.fetch(_SELECT_PARTS)]
    return sorted(int(name[8:12]) * 12 + int(name[12:]) - 1 for name in names if _PART.fullmatch(name))


async def standing(tx: Tx) -> tuple[datetime | None, bool]:
    """Read through when the books are closed, and whether there are former transactions that have not moved."""
    row = (await tx.fetch(_SELECT_STANDING))[0]
    return row["closed_through"], row["has_former"]


async def count(tx: Tx, month: int) -> tuple[int, int]:
    """Count the transactions of a month's table that are archived, and those that are kept."""
    row = (await tx.fetch(_of(_COUNT, month), *_condition(month)))[0]
    return row["archived"], row["kept"]


async def archivable_ids(tx: Tx, month: int, *, rows_max: int) -> AsyncIterator[list[str]]:
    """Read pages of the ids, as `transaction_id` says them, of what is archived of a month, in order."""
    async for page in tx.pages(_of(_SELECT_KEYS, month), *_condition(month), rows_max=rows_max):
        yield [f"txn_{row['transaction_id'].hex}" for row in page]


async def lock_month(tx: Tx, month: int) -> None:
    """Keep others from booking in a month's tables until the transaction ends; reading goes on."""
    await tx.fetch(_of(_LOCK_PARTS, month))


async def insert_month(tx: Tx, archived: ArchivedMonth, *, transactions: int, kept: int, now: datetime) -> None:
    """Insert that a month is archived, and what is carried forward of it.

    Rows: archived_month, carried.
    """
    month = archived.month
    await tx.run(_INSERT_MONTH, month, transactions, kept, archived.manifest_hash, now)
    await tx.run(_of(_INSERT_CARRIED, month), *_condition(month), month)


async def carried_of(tx: Tx, month: int) -> list[CarriedSum]:
    """Read what is carried forward of a month, in order."""
    rows = await tx.fetch(_SELECT_CARRIED, month)
    return sorted(
        CarriedSum(**{**row, "debit_minor": int(row["debit_minor"]), "credit_minor": int(row["credit_minor"])})
        for row in rows
    )


async def digests_of(tx: Tx, month: int, transaction_ids: Sequence[str]) -> dict[str, int]:
    """Read the digests of archived transactions of a month, by id."""
    rows = await tx.fetch(_SELECT_ARCHIVED_PAIRS, [each[4:] for each in transaction_ids], month)
    return {f"txn_{row['transaction_id'].hex}": row["digest"] for row in rows}


async def count_pairs(tx: Tx, month: int) -> int:
    """Count the archived transactions of a month that are known."""
    return int((await tx.fetch(_COUNT_ARCHIVED_PAIRS, month))[0]["pairs"])


async def keep_the_rest(tx: Tx, month: int) -> None:
    """Make the tables of what is kept of a month with their indexes, and fill them."""
    start, end = first_digits(month), first_digits(month + 1)
    await tx.fetch(
        _of(
            f"CREATE TABLE {{part}}_kept (LIKE journal INCLUDING CONSTRAINTS INCLUDING INDEXES, "
            f"CHECK (month = {month}), CHECK (transaction_id >= '{start}' AND transaction_id < '{end}'))",
            month,
        )
    )
    await tx.fetch(
        _of(
            "CREATE TABLE {leg_part}_kept (LIKE leg INCLUDING CONSTRAINTS INCLUDING INDEXES, "
            f"CHECK (month = {month}))",
            month,
        )
    )
    await tx.fetch(_of('REVOKE ALL ON {part}_kept, {leg_part}_kept FROM "paystream_accounting"', month))
    await tx.run(_of(_KEEP_ROWS, month), *_condition(month))
    await tx.run(_of(_KEEP_LEGS, month))


async def unbalanced_account(tx: Tx, month: int) -> str | None:
    """Return an account whose balance is not the sum of what is kept and what is carried; None where all are."""
    for row in await tx.fetch(_of(_SELECT_UNBALANCED, month), month):
        return str(row["account_id"])
    return None


async def put_in_place(tx: Tx, month: int) -> None:
    """Drop a month's tables, and put those of what is kept in their place.

    Raises:
        asyncpg.LockNotAvailableError: The journal is in use; nothing was done.
    """
    for parent, name in (("journal", "{part}"), ("leg", "{leg_part}")):
        await tx.fetch(_of(f"ALTER TABLE {parent} DETACH PARTITION {name}", month))
        await tx.fetch(_of(f"DROP TABLE {name}", month))
        await tx.fetch(_of(f"ALTER TABLE {name}_kept RENAME TO {name}", month))
        await tx.fetch(_of(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES IN ({month})", month))


def _condition(month: int) -> tuple[Any, ...]:
    """Return the first arguments of the statements that say what of a month is archived."""
    numbers = [BY_NAME[each].number for each in ARCHIVED_TYPES]
    return numbers, month_start(month + 1), list(KEPT_KINDS), first_digits(month + 1)


def _of(statement: str, month: int) -> str:
    name = f"{month // 12}{month % 12 + 1:02d}"
    return statement.format(part=f"journal_{name}", leg_part=f"leg_{name}")
