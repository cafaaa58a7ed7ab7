"""Every statement on channel's tables. Payments come in batches, so all of it is set-based and most of it is COPY."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import require_all_changed
from services.channel.domain.behaviour import Behaviour, Outcome
from services.channel.domain.transaction import Action, Authorization, Transaction

GLOBAL = ""
"""The merchant_id under which the global behaviour is kept."""

_TRANSACTION_COLUMNS = tuple(field.name for field in fields(Transaction))
_AUTHORIZATION_COLUMNS = tuple(field.name for field in fields(Authorization))
_BEHAVIOUR_COLUMNS = tuple(field.name for field in fields(Behaviour))
_AMOUNTS = ("taken_minor", "captured_minor", "refunded_minor", "disputed_minor")

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
    refunded_minor = n.refunded_minor, disputed_minor = n.disputed_minor
FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS n (authorization_reference, status, cancelled, taken_minor, captured_minor, refunded_minor, disputed_minor)
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

_UPDATE_RETURNED = """
UPDATE channel_transaction AS s SET return_time = n.return_time, update_time = n.update_time, version = n.version
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[])
    AS n (attempt_id, return_time, update_time, version)
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
    names = ("attempt_id", "outcome", "decline_code", "update_time", "line_date", "version")
    changed = await tx.run(_UPDATE_RESOLVED, *columns(transactions, names))
    require_all_changed("channel_transaction", changed, len(transactions))


async def save_returned(tx: Tx, transactions: Sequence[Transaction]) -> None:
    """Write which payouts came back."""
    names = ("attempt_id", "return_time", "update_time", "version")
    changed = await tx.run(_UPDATE_RETURNED, *columns(transactions, names))
    require_all_changed("channel_transaction", changed, len(transactions))


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
        names = ("authorization_reference", "status", "cancelled", *_AMOUNTS)
        changed = await tx.run(_UPDATE_AUTHORIZATIONS, *columns(authorizations, names))
        require_all_changed("card_authorization", changed, len(authorizations))


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


def columns(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    """Give the named attributes of rows, one list for each name: the arguments of a set-based statement."""
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
