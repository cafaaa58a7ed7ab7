"""Every statement on channel's tables. Payments come in batches, so all of it is set-based and most of it is COPY."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from paykit.errors import InvariantError
from paykit.runtime.db import Tx
from services.channel.domain import Action, Authorization, Transaction
from services.channel.fate import Behaviour, Outcome

GLOBAL = ""
"""The merchant_id under which the global behaviour is kept."""

_TRANSACTION_COLUMNS = tuple(field.name for field in fields(Transaction))
_AUTHORIZATION_COLUMNS = tuple(field.name for field in fields(Authorization))
_BEHAVIOUR_COLUMNS = tuple(field.name for field in fields(Behaviour))

# Waits for a concurrent transaction that has the same attempt, in key order so that two batches cannot deadlock.
_CLAIM_ATTEMPTS = """
INSERT INTO attempt (attempt_id) SELECT a FROM unnest($1::text[]) AS a ORDER BY a ON CONFLICT DO NOTHING
RETURNING attempt_id
"""

_RELEASE_ATTEMPTS = "DELETE FROM attempt WHERE attempt_id = ANY($1::text[])"

_SELECT_TRANSACTIONS = "SELECT * FROM channel_transaction WHERE attempt_id = ANY($1::text[])"

_LOCK_AUTHORIZATIONS = """
SELECT * FROM card_authorization WHERE authorization_reference = ANY($1::text[])
ORDER BY authorization_reference FOR UPDATE
"""

_UPDATE_AUTHORIZATIONS = """
UPDATE card_authorization AS s
SET status = n.status, cancelled = n.cancelled, taken_minor = n.taken_minor, captured_minor = n.captured_minor,
    refunded_minor = n.refunded_minor
FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS n (authorization_reference, status, cancelled, taken_minor, captured_minor, refunded_minor)
WHERE s.authorization_reference = n.authorization_reference
"""

# Several processes resolve side by side: each takes rows that no other holds.
_LOCK_OPEN_TRANSACTIONS = """
SELECT * FROM channel_transaction WHERE resolve_time <= $1
ORDER BY resolve_time, attempt_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""

_UPDATE_RESOLVED = """
UPDATE channel_transaction AS s
SET outcome = n.outcome, decline_code = n.decline_code, later = NULL, resolve_time = NULL, update_time = n.update_time,
    line_date = n.line_date, version = n.version
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[])
    AS n (attempt_id, outcome, decline_code, update_time, line_date, version)
WHERE s.attempt_id = n.attempt_id
"""

_SELECT_BEHAVIOURS = "SELECT * FROM behaviour WHERE merchant_id = ANY($1::text[])"

_SELECT_ALL_BEHAVIOURS = "SELECT * FROM behaviour"

_UPSERT_BEHAVIOUR = f"""
INSERT INTO behaviour (merchant_id, {", ".join(_BEHAVIOUR_COLUMNS)})
VALUES ({", ".join(f"${i}" for i in range(1, len(_BEHAVIOUR_COLUMNS) + 2))})
ON CONFLICT (merchant_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _BEHAVIOUR_COLUMNS)}
"""

_DELETE_BEHAVIOUR = "DELETE FROM behaviour WHERE merchant_id = $1"

_INSERT_CALLBACKS = """
INSERT INTO callback (attempt_id, due_time) SELECT * FROM unnest($1::text[], $2::timestamptz[])
"""

# A callback that was taken, or whose last call failed, waits until its retry_time; real time, as it is about processes
# and networks.
_LEASE_CALLBACKS = """
UPDATE callback SET tries = tries + 1, retry_time = clock_timestamp() + make_interval(secs => $3)
WHERE callback_id IN (
    SELECT callback_id FROM callback
    WHERE due_time <= $1 AND (retry_time IS NULL OR retry_time <= clock_timestamp())
    ORDER BY due_time, callback_id LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING callback_id, attempt_id, tries
"""

_POSTPONE_CALLBACKS = """
UPDATE callback AS c SET retry_time = clock_timestamp() + make_interval(secs => p.wait_s)
FROM unnest($1::bigint[], $2::double precision[]) AS p (callback_id, wait_s) WHERE c.callback_id = p.callback_id
"""

_DELETE_CALLBACKS = "DELETE FROM callback WHERE callback_id = ANY($1::bigint[])"

# Statements are closed in order of their days, so days up to the newest one that has a statement need no second look.
_SUM_OPEN_DAYS = """
SELECT line_date AS statement_date, currency_code, count(*) AS line_count,
       coalesce(sum(amount_minor) FILTER (WHERE action IN ('AUTHORIZE', 'CAPTURE')), 0) AS captured_minor,
       coalesce(sum(amount_minor) FILTER (WHERE action = 'REFUND'), 0) AS refunded_minor,
       coalesce(sum(amount_minor) FILTER (WHERE action = 'PAY'), 0) AS paid_minor,
       sum(fee_minor + wrong_fee_minor) AS channel_fee_minor
FROM channel_transaction
WHERE line_date < $1 AND line_date > coalesce((SELECT max(statement_date) FROM statement), '')
GROUP BY line_date, currency_code
ORDER BY line_date, currency_code
"""

# Of two processes that close the same day the second waits, and then finds its rows there.
_INSERT_STATEMENTS = """
INSERT INTO statement (statement_id, statement_date, currency_code, line_count, captured_minor, refunded_minor,
                       paid_minor, channel_fee_minor, create_time)
SELECT s.*, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::numeric[], $6::numeric[],
                           $7::numeric[], $8::numeric[])
    AS s (statement_id, statement_date, currency_code, line_count, captured_minor, refunded_minor, paid_minor,
          channel_fee_minor)
ORDER BY s.statement_date, s.currency_code
ON CONFLICT DO NOTHING
RETURNING statement_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A result to tell.

    Attributes:
        tries: Calls so far, the one under way included.
    """

    callback_id: int
    attempt_id: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    """The sums of one day's lines in one currency, in minor units."""

    statement_date: str
    currency_code: str
    line_count: int
    captured_minor: int
    refunded_minor: int
    paid_minor: int
    channel_fee_minor: int


async def claim_attempts(tx: Tx, attempt_ids: Iterable[str]) -> set[str]:
    """Take attempts that nobody took before; give those taken now."""
    return {row["attempt_id"] for row in await tx.fetch(_CLAIM_ATTEMPTS, list(set(attempt_ids)))}


async def release_attempts(tx: Tx, attempt_ids: Iterable[str]) -> None:
    """Give back attempts that were taken in this transaction and of which nothing came."""
    released = list(attempt_ids)
    if released:
        await tx.run(_RELEASE_ATTEMPTS, released)


async def get_transactions(tx: Tx, attempt_ids: Iterable[str]) -> dict[str, Transaction]:
    """Read the attempts on record among these, by id."""
    wanted = list(attempt_ids)
    rows = await tx.fetch(_SELECT_TRANSACTIONS, wanted) if wanted else []
    return {row["attempt_id"]: _transaction(row) for row in rows}


async def insert_transactions(tx: Tx, transactions: Sequence[Transaction]) -> None:
    """Write new transactions, and hold their references for events."""
    if transactions:
        ordered = sorted(transactions, key=lambda each: each.attempt_id)
        await tx.copy("channel_transaction", _TRANSACTION_COLUMNS, map(_values, ordered))
        tx.hold(*(each.channel_reference for each in transactions))


async def lock_open_transactions(tx: Tx, *, due: datetime, limit: int) -> list[Transaction]:
    """Lock transactions whose decision is due and that no other process decides; hold their references for events."""
    transactions = [_transaction(row) for row in await tx.fetch(_LOCK_OPEN_TRANSACTIONS, due, limit)]
    tx.hold(*(each.channel_reference for each in transactions))
    return transactions


async def save_resolved(tx: Tx, transactions: Sequence[Transaction]) -> None:
    """Write what was decided about locked transactions."""
    columns = ("attempt_id", "outcome", "decline_code", "update_time", "line_date", "version")
    changed = await tx.run(_UPDATE_RESOLVED, *_columns(transactions, columns))
    _expect(changed, len(transactions))


async def lock_authorizations(tx: Tx, references: Iterable[str]) -> dict[str, Authorization]:
    """Lock the authorizations that exist among these, in key order."""
    wanted = sorted(set(references))
    rows = await tx.fetch(_LOCK_AUTHORIZATIONS, wanted) if wanted else []
    return {row["authorization_reference"]: _authorization(row) for row in rows}


async def insert_authorizations(tx: Tx, authorizations: Sequence[Authorization]) -> None:
    """Write new authorizations."""
    if authorizations:
        ordered = sorted(authorizations, key=lambda each: each.authorization_reference)
        await tx.copy("card_authorization", _AUTHORIZATION_COLUMNS, map(_authorization_values, ordered))


async def save_authorizations(tx: Tx, authorizations: Sequence[Authorization]) -> None:
    """Overwrite locked authorizations."""
    if authorizations:
        columns = ("authorization_reference", "status", "cancelled", "taken_minor", "captured_minor", "refunded_minor")
        changed = await tx.run(_UPDATE_AUTHORIZATIONS, *_columns(authorizations, columns))
        _expect(changed, len(authorizations))


async def get_behaviours(tx: Tx, merchant_ids: Iterable[str]) -> dict[str, Behaviour]:
    """Read the behaviours set for these merchants and globally, by merchant_id."""
    return _behaviours(await tx.fetch(_SELECT_BEHAVIOURS, [*set(merchant_ids), GLOBAL]))


async def get_all_behaviours(tx: Tx) -> dict[str, Behaviour]:
    """Read every behaviour that is set: a handful, for they are set by people who test something."""
    return _behaviours(await tx.fetch(_SELECT_ALL_BEHAVIOURS))


async def set_behaviour(tx: Tx, merchant_id: str, behaviour: Behaviour | None) -> None:
    """Set or remove the behaviour of a merchant, or the global one."""
    if behaviour is None:
        await tx.run(_DELETE_BEHAVIOUR, merchant_id)
    else:
        await tx.run(_UPSERT_BEHAVIOUR, merchant_id, *(getattr(behaviour, name) for name in _BEHAVIOUR_COLUMNS))


async def insert_callbacks(tx: Tx, callbacks: Sequence[tuple[str, datetime]]) -> None:
    """Remember to call back about attempts at a time; an attempt that stands there twice is called back twice."""
    if callbacks:
        await tx.run(_INSERT_CALLBACKS, [each[0] for each in callbacks], [each[1] for each in callbacks])


async def lease_callbacks(tx: Tx, *, due: datetime, limit: int, lease_s: float) -> list[Callback]:
    """Take callbacks that are due and that no other process has in hand."""
    rows = await tx.fetch(_LEASE_CALLBACKS, due, limit, lease_s)
    return [Callback(**row) for row in rows]


async def postpone_callbacks(tx: Tx, callbacks: Sequence[Callback], waits_s: Sequence[float]) -> None:
    """Let callbacks wait before the next try."""
    if callbacks:
        await tx.run(_POSTPONE_CALLBACKS, [each.callback_id for each in callbacks], list(waits_s))


async def delete_callbacks(tx: Tx, callbacks: Sequence[Callback]) -> None:
    """Forget callbacks that are over."""
    if callbacks:
        await tx.run(_DELETE_CALLBACKS, [each.callback_id for each in callbacks])


async def sum_open_days(tx: Tx, *, before: str) -> list[DayTotal]:
    """Sum the lines of the days before a day that have no statement yet, by day and currency."""
    rows = await tx.fetch(_SUM_OPEN_DAYS, before)
    return [DayTotal(**{name: _whole(value) for name, value in row.items()}) for row in rows]


async def insert_statements(tx: Tx, statements: Sequence[tuple[str, DayTotal]]) -> set[str]:
    """Write statements under their ids, unless their day and currency have one; give and hold the ids written."""
    totals = [total for _, total in statements]
    names = tuple(field.name for field in fields(DayTotal))
    ids = [statement_id for statement_id, _ in statements]
    rows = await tx.fetch(_INSERT_STATEMENTS, ids, *_columns(totals, names), tx.now) if statements else []
    inserted = {row["statement_id"] for row in rows}
    tx.hold(*inserted)
    return inserted


def _columns(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for row in rows] for name in names]


def _values(transaction: Transaction) -> tuple[Any, ...]:
    return tuple(getattr(transaction, name) for name in _TRANSACTION_COLUMNS)


def _authorization_values(authorization: Authorization) -> tuple[Any, ...]:
    return tuple(getattr(authorization, name) for name in _AUTHORIZATION_COLUMNS)


def _transaction(row: Mapping[str, Any]) -> Transaction:
    values = {name: row[name] for name in _TRANSACTION_COLUMNS}
    later = values["later"]
    enums = {"action": Action(values["action"]), "outcome": Outcome(values["outcome"])}
    return Transaction(**values | enums | {"later": Outcome(later) if later else None})


def _behaviours(rows: Iterable[Mapping[str, Any]]) -> dict[str, Behaviour]:
    return {row["merchant_id"]: Behaviour(**{name: row[name] for name in _BEHAVIOUR_COLUMNS}) for row in rows}


def _authorization(row: Mapping[str, Any]) -> Authorization:
    values = {name: row[name] for name in _AUTHORIZATION_COLUMNS}
    return Authorization(**values | {"status": Outcome(values["status"])})


def _whole(value: Any) -> Any:
    """PostgreSQL sums bigint as numeric, which arrives as Decimal."""
    return int(value) if isinstance(value, Decimal) else value


def _expect(changed: int, expected: int) -> None:
    if changed != expected:
        raise InvariantError(f"{changed} rows changed where {expected} should")
