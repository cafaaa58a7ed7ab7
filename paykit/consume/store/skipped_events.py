"""Skipped events: those of a type that is newer than the build, kept for a replay after the upgrade."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.consume.delivery import Record
from paykit.consume.store.records import columns_of, record_of
from paykit.postgres.database import Tx

_INSERT = """
INSERT INTO skipped_event (topic, topic_id, partition, record_offset, key, value, header_names, header_values, record,
                           create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""

# Whoever applies, discards or converts them holds their rows: two at once do not do it twice. Where a topic was made
# again, what was skipped of the one before it comes first.
_LOCK = """
SELECT * FROM skipped_event s WHERE record = $1
ORDER BY topic, partition, (
    SELECT min(create_time) FROM skipped_event f
    WHERE (f.topic, f.topic_id, f.partition) = (s.topic, s.topic_id, s.partition)), record_offset
LIMIT $2 FOR UPDATE OF s
"""

_COUNTS = """
SELECT record, count(*) AS events, min(create_time) AS first_time, max(create_time) AS last_time
FROM skipped_event GROUP BY record ORDER BY record
"""

_COUNT = "SELECT count(*) AS n FROM (SELECT FROM skipped_event LIMIT $1) AS counted"

_DELETE = "DELETE FROM skipped_event WHERE (topic, topic_id, partition, record_offset) = ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class SkippedType:
    """How many events of a type were skipped, the first when and the last when."""

    record_name: str
    events: int
    first_time: datetime
    last_time: datetime


async def insert(tx: Tx, record: Record, *, record_name: str) -> None:
    """Keep an event of a type that this build does not know."""
    await tx.run(_INSERT, *columns_of(record), record_name, tx.now)


async def lock(tx: Tx, record_name: str, *, limit: int) -> Sequence[Record]:
    """Lock the first skipped events of a type, in order."""
    return [record_of(row) for row in await tx.lock("skipped_event", _LOCK, record_name, limit)]


async def counts(tx: Tx) -> Sequence[SkippedType]:
    """Count skipped events by type."""
    return [SkippedType(*row) for row in await tx.fetch(_COUNTS)]


async def count(tx: Tx, *, up_to: int) -> int:
    """Count the skipped events, up to a bound."""
    return int((await tx.fetch(_COUNT, up_to))[0]["n"])


async def delete(tx: Tx, record: Record) -> None:
    """Forget a skipped event that was applied, or became a dead letter."""
    await tx.run(_DELETE, record.topic, record.topic_id, record.partition, record.offset)
