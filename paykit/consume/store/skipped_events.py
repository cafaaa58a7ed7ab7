"""Skipped events: those of a type that is newer than the build, kept for a replay after the upgrade."""

from collections.abc import Sequence

from paykit.consume.delivery import Record
from paykit.consume.store.records import columns_of, record_of
from paykit.postgres.database import Tx

_INSERT = """
INSERT INTO skipped_event (topic, topic_id, partition, record_offset, key, value, header_names, header_values, record,
                           create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""

# Where a topic was made again, what was skipped of the one before it comes first.
_SELECT = """
SELECT * FROM skipped_event WHERE record = $1
ORDER BY topic, partition, min(create_time) OVER (PARTITION BY topic, topic_id, partition), record_offset LIMIT $2
"""

_DELETE = "DELETE FROM skipped_event WHERE (topic, topic_id, partition, record_offset) = ($1, $2, $3, $4)"


async def insert(tx: Tx, record: Record, *, record_name: str) -> None:
    """Keep an event of a type that this build does not know."""
    await tx.run(_INSERT, *columns_of(record), record_name, tx.now)


async def select(tx: Tx, record_name: str, *, limit: int) -> Sequence[Record]:
    """Skipped events of a type, in order."""
    return [record_of(row) for row in await tx.fetch(_SELECT, record_name, limit)]


async def delete(tx: Tx, record: Record) -> None:
    """Forget a skipped event that was applied."""
    await tx.run(_DELETE, record.topic, record.topic_id, record.partition, record.offset)
