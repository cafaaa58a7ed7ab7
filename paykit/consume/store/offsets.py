"""The offsets of a service's consumers, kept with the effects of what was consumed.

The row of a partition is locked by the first statement of every batch and compared with the position its consumer
holds: a consumer whose partition was given to another meanwhile sees a mismatch and drops its records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paykit.postgres.database import Tx

TopicPartition = tuple[str, int]
UNKNOWN_EPOCH = -1


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition's consumption stands, and in which incarnation of cluster and topic.

    Attributes:
        leader_epoch: Of the leader that wrote the last record applied; UNKNOWN_EPOCH where that was not told.
    """

    next_offset: int
    cluster_id: str
    topic_id: str
    leader_epoch: int = UNKNOWN_EPOCH


_LOCK = """
SELECT o.topic, o.partition, o.next_offset, o.cluster_id, o.topic_id, o.leader_epoch
FROM consumer_offset o JOIN unnest($1::text[], $2::int[]) AS p (topic, partition) USING (topic, partition)
ORDER BY o.topic, o.partition FOR UPDATE OF o
"""

_SELECT = """
SELECT o.topic, o.partition, o.next_offset, o.cluster_id, o.topic_id, o.leader_epoch
FROM consumer_offset o JOIN unnest($1::text[], $2::int[]) AS p (topic, partition) USING (topic, partition)
"""

_SELECT_ALL = """
SELECT topic, partition, next_offset, cluster_id, topic_id, leader_epoch FROM consumer_offset ORDER BY topic, partition
"""

_SELECT_TOPIC = "SELECT partition, next_offset FROM consumer_offset WHERE topic = $1"

_INSERT = """
INSERT INTO consumer_offset (topic, partition, next_offset, cluster_id, topic_id, leader_epoch)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""

_REPLACE = """
INSERT INTO consumer_offset (topic, partition, next_offset, cluster_id, topic_id, leader_epoch)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (topic, partition) DO UPDATE
SET next_offset = excluded.next_offset, cluster_id = excluded.cluster_id, topic_id = excluded.topic_id,
    leader_epoch = excluded.leader_epoch
"""

_ADVANCE = """
UPDATE consumer_offset o SET next_offset = p.next_offset, leader_epoch = coalesce(p.leader_epoch, o.leader_epoch)
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) AS p (topic, partition, next_offset, leader_epoch)
WHERE (o.topic, o.partition) = (p.topic, p.partition)
"""


async def lock(tx: Tx, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
    """Lock the rows of these partitions, in order, and read their positions."""
    topics, numbers = [topic for topic, _ in partitions], [number for _, number in partitions]
    return _positions(await tx.lock("consumer_offset", _LOCK, topics, numbers))


async def of_topic(tx: Tx, topic: str) -> dict[int, int]:
    """Read the next offset to apply of each partition of a topic that was ever consumed."""
    return {row["partition"]: row["next_offset"] for row in await tx.fetch(_SELECT_TOPIC, topic)}


async def load(tx: Tx, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
    """Load the stored positions of these partitions; one that was never consumed is missing."""
    return _positions(
        await tx.fetch(_SELECT, [topic for topic, _ in partitions], [partition for _, partition in partitions])
    )


async def load_all(tx: Tx) -> dict[TopicPartition, Position]:
    """Load all that was ever consumed, in order of topic and partition."""
    return _positions(await tx.fetch(_SELECT_ALL))


async def begin(tx: Tx, partition: TopicPartition, position: Position) -> None:
    """Store the first position of a partition, unless another consumer just did."""
    await tx.run(_INSERT, *partition, *_columns(position))


async def replace(tx: Tx, partition: TopicPartition, position: Position) -> None:
    """Store another position of a partition, whatever was stored; its row is locked by then, if there is one."""
    await tx.run(_REPLACE, *partition, *_columns(position))


async def advance(
    tx: Tx, next_offsets: Mapping[TopicPartition, int], leader_epochs: Mapping[TopicPartition, int] | None = None
) -> None:
    """Move locked positions forward; a leader epoch that is not given stays."""
    keys, epochs = list(next_offsets), leader_epochs or {}
    topics, numbers = [topic for topic, _ in keys], [number for _, number in keys]
    await tx.run(_ADVANCE, topics, numbers, list(next_offsets.values()), [epochs.get(key) for key in keys])


def _positions(rows: Sequence[Any]) -> dict[TopicPartition, Position]:
    return {
        (row["topic"], row["partition"]): Position(
            row["next_offset"], row["cluster_id"], row["topic_id"], row["leader_epoch"]
        )
        for row in rows
    }


def _columns(position: Position) -> tuple[int, str, str, int]:
    return position.next_offset, position.cluster_id, position.topic_id, position.leader_epoch
