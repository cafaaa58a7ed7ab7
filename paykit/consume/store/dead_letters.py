"""Dead letters: events that cannot be applied, each until a person has replayed or discarded it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paykit.consume.delivery import Record
from paykit.consume.store.records import columns_of, record_of
from paykit.postgres.database import Tx

_INSERT = """
INSERT INTO dead_letter (topic, topic_id, partition, record_offset, key, value, header_names, header_values, record,
                         reason, error, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING dead_letter_id
"""

_LOCK = "SELECT * FROM dead_letter WHERE dead_letter_id = $1 FOR UPDATE"

_LIST = "SELECT * FROM dead_letter WHERE status = $1 AND dead_letter_id > $2 ORDER BY dead_letter_id LIMIT $3"

# Walks the index of those that are open.
_COUNT_OPEN = "SELECT count(*) AS n FROM (SELECT FROM dead_letter WHERE status = 'OPEN' LIMIT $1) AS counted"

_RESOLVE = "UPDATE dead_letter SET status = $2, actor = $3, resolve_time = $4 WHERE dead_letter_id = $1"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it is kept.

    Attributes:
        record_name: Full name of the Avro record; None where the bytes name no schema.
        status: `OPEN`, `REPLAYED` or `DISCARDED`.
        actor: Who decided on it; None while it is open.
    """

    dead_letter_id: int
    record: Record
    record_name: str | None
    reason: str
    error: str
    status: str
    actor: str | None
    create_time: datetime


async def insert(tx: Tx, record: Record, *, record_name: str | None, reason: str, error: str) -> int:
    """Keep a record as an open dead letter, and return its id."""
    rows = await tx.fetch(_INSERT, *columns_of(record), record_name, reason, error, tx.now)
    return int(rows[0]["dead_letter_id"])


async def lock(tx: Tx, dead_letter_id: int) -> DeadLetter | None:
    """Lock a dead letter; None if there is none of this id."""
    rows = await tx.lock("dead_letter", _LOCK, dead_letter_id)
    return _dead_letter(rows[0]) if rows else None


async def list_by_status(tx: Tx, status: str, *, after: int, limit: int) -> Sequence[DeadLetter]:
    """Dead letters of larger ids than `after`, in order of arrival."""
    return [_dead_letter(row) for row in await tx.fetch(_LIST, status, after, limit)]


async def count_open(tx: Tx, *, up_to: int) -> int:
    """Count the dead letters that nobody has decided on, up to a bound."""
    return int((await tx.fetch(_COUNT_OPEN, up_to))[0]["n"])


async def resolve(tx: Tx, dead_letter_id: int, *, status: str, actor: str) -> None:
    """Close a dead letter; the events parked behind it may go on."""
    await tx.run(_RESOLVE, dead_letter_id, status, actor, tx.now)


def _dead_letter(row: Any) -> DeadLetter:
    decision = row["status"], row["actor"], row["create_time"]
    return DeadLetter(row["dead_letter_id"], record_of(row), row["record"], row["reason"], row["error"], *decision)
