"""Where partitions are consumed from: the stored offset, or the first record of one never consumed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from paykit.consume.store import offsets
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.kafka import client as kafka
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING


@dataclass(frozen=True, slots=True)
class StartPositions:
    """Next offsets by partition, and the reason for each partition that cannot be consumed."""

    next_offsets: dict[TopicPartition, int]
    refused: dict[TopicPartition, str]


async def load(database: Database, bootstrap: str, partitions: Sequence[TopicPartition]) -> StartPositions:
    """Load the stored positions; a partition of another incarnation of cluster or topic is refused.

    Raises:
        UnavailableError: PostgreSQL or Kafka cannot be reached.
    """
    start = StartPositions({}, {})
    if not partitions:
        return start
    topics = sorted({topic for topic, _ in partitions})
    incarnations = await asyncio.to_thread(kafka.incarnations, bootstrap, topics)
    stored = await database.read(lambda tx: offsets.load(tx, partitions))
    for partition in partitions:
        incarnation = incarnations[partition[0]]
        position = stored.get(partition) or await _begin(database, bootstrap, partition, incarnation)
        if (position.cluster_id, position.topic_id) == incarnation:
            start.next_offsets[partition] = position.next_offset
        else:
            reason = f"stored offsets are of cluster {position.cluster_id}, topic id {position.topic_id}"
            start.refused[partition] = reason
    return start


async def _begin(
    database: Database, bootstrap: str, partition: TopicPartition, incarnation: tuple[str, str]
) -> Position:
    """Store the first position of a partition, unless another consumer just did."""
    first_offset = await asyncio.to_thread(kafka.first_offset, bootstrap, partition)

    async def store(tx: Tx) -> Position:
        await offsets.begin(tx, partition, Position(first_offset, *incarnation))
        return (await offsets.load(tx, [partition]))[partition]

    return await database.transaction(store, lane=CONSUMING)
