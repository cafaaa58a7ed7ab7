"""The offsets of a service's consumers, kept with the effects of what was consumed.

The row of a partition is locked by the first statement of every batch and compared with the position its consumer
holds: a consumer whose partition was given to another meanwhile sees a mismatch and drops its records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paykit.postgres.database import Tx

TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition's consumption stands, and in which incarnation of cluster and topic."""

    next_offset: int
    cluster_id: str
    topic_id: str


_LOCK = """
SELECT o.topic, o.partition, o.next_offset
FROM consumer_offset o JOIN unnest($1::text[], $2::int[]) AS p (topic, partition) USING (topic, partition)
ORDER BY o.topic, o.partition FOR UPDATE OF o
"""

_SELECT = """
SELECT o.topic, o.partition, o.next_offset, o.cluster_id, o.topic_id
FROM consumer_offset o JOIN unnest($1::text[], $2::int[]) AS p (topic, partition) USING (topic, partition)
"""

_SELECT_TOPIC = "SELECT partition, next_offset FROM consumer_offset WHERE topic = $1"

_INSERT = """
INSERT INTO consumer_offset (topic, partition, next_offset, cluster_id, topic_id)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""

_ADVANCE = """
UPDATE consumer_offset o SET next_offset = p.next_offset
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS p (topic, partition, next_offset)
WHERE (o.topic, o.partition) = (p.topic, p.partition)
"""


async def lock(tx: Tx, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Lock the rows of these partitions, in order, and read their next offsets."""
    topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
    rows = await tx.lock("consumer_offset", _LOCK, topics, numbers)
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def of_topic(tx: Tx, topic: str) -> dict[int, int]:
    """Read the next offset to apply of each partition of a topic that was ever consumed."""
    return {row["partition"]: row["next_offset"] for row in await tx.fetch(_SELECT_TOPIC, topic)}


async def load(tx: Tx, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
    """Load the stored positions of these partitions; one that was never consumed is missing."""
    rows = await tx.fetch(_SELECT, [topic for topic, _ in partitions], [partition for _, partition in partitions])
    return {
        (row["topic"], row["partition"]): Position(row["next_offset"], row["cluster_id"], row["topic_id"])
        for row in rows
    }


async def begin(tx: Tx, partition: TopicPartition, position: Position) -> None:
    """Store the first position of a partition, unless another consumer just did."""
    await tx.run(_INSERT, *partition, position.next_offset, position.cluster_id, position.topic_id)


async def advance(tx: Tx, next_offsets: Mapping[TopicPartition, int]) -> None:
    """Move locked positions forward."""
    keys = list(next_offsets)
    await tx.run(_ADVANCE, [topic for topic, _ in keys], [part for _, part in keys], list(next_offsets.values()))
