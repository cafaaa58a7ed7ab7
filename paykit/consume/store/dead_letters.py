"""Dead letters: events that cannot be applied, each until a person has replayed or discarded it, and a while longer.

Those that were decided on are put away some days later, into partitions that are dropped when old; open ones never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from paykit.consume.delivery import Record
from paykit.consume.store.records import columns_of, record_of
from paykit.postgres.database import Tx
from paykit.postgres.partitions.time_partitions import TimePartitions

PUT_AWAY_AFTER_DAYS = 7
"""Since a person decided. Builds that know nothing of what is put away find it in its place for so long."""
CLOSED_KEPT_DAYS = 90
"""Since it was put away, at least."""
PUT_AWAY_ROWS_MAX = 500
"""Dead letters put away in one transaction; each may have the bytes of the largest record."""

CLOSED = TimePartitions(table="closed_dead_letter", kept=timedelta(days=CLOSED_KEPT_DAYS), period_days=30)

_INSERT = """
INSERT INTO dead_letter (topic, topic_id, partition, record_offset, key, value, header_names, header_values, record,
                         reason, error, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING dead_letter_id
"""

_LOCK = "SELECT * FROM dead_letter WHERE dead_letter_id = $1 FOR UPDATE"

_COLUMNS = """dead_letter_id, topic, topic_id, partition, record_offset, key, record, value, header_names,
    header_values, reason, error, status, actor, create_time, resolve_time"""

_CLOSED = f"SELECT {_COLUMNS} FROM closed_dead_letter WHERE dead_letter_id = $1"

_LIST = f"""
SELECT {_COLUMNS} FROM dead_letter WHERE status = $1 AND dead_letter_id > $2
UNION ALL SELECT {_COLUMNS} FROM closed_dead_letter WHERE status = $1 AND dead_letter_id > $2
ORDER BY dead_letter_id LIMIT $3
"""

# When it is put away is real time, so the database's; when it was decided on, business time.
_PUT_AWAY = f"""
WITH moved AS (
    DELETE FROM dead_letter WHERE status <> 'OPEN' AND dead_letter_id = ANY(ARRAY(
        SELECT dead_letter_id FROM dead_letter WHERE status <> 'OPEN' AND resolve_time < $1
        ORDER BY resolve_time LIMIT $2))
    RETURNING *
), discarded AS (
    INSERT INTO discarded_event (topic, topic_id, partition, record_offset)
    SELECT topic, topic_id, partition, record_offset FROM moved WHERE status = 'DISCARDED'
    ON CONFLICT DO NOTHING
)
INSERT INTO closed_dead_letter ({_COLUMNS}, day) SELECT {_COLUMNS}, (now() AT TIME ZONE 'UTC')::date FROM moved
"""

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
    """Lock a dead letter; None if there is none of this id. One that is put away does not change any more."""
    rows = await tx.lock("dead_letter", _LOCK, dead_letter_id) or await tx.fetch(_CLOSED, dead_letter_id)
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


async def put_away(tx: Tx) -> bool:
    """Put away dead letters that were decided on some days ago; say whether there may be more of them."""
    before = tx.now - timedelta(days=PUT_AWAY_AFTER_DAYS)
    return await tx.run(_PUT_AWAY, before, PUT_AWAY_ROWS_MAX) == PUT_AWAY_ROWS_MAX


def _dead_letter(row: Any) -> DeadLetter:
    decision = row["status"], row["actor"], row["create_time"]
    return DeadLetter(row["dead_letter_id"], record_of(row), row["record"], row["reason"], row["error"], *decision)
