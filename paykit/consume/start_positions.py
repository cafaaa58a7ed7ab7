"""Where partitions are consumed from: the stored offset, or the first record of one never consumed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from paykit.consume.halting.halt import HaltError, HaltReason
from paykit.consume.store import decisions, halts, offsets
from paykit.consume.store.decisions import Skip
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.kafka.topic_watch import LogRange, TopicWatch
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING

_log = structlog.get_logger()


@dataclass(slots=True)
class StartPositions:
    """Where to start.

    Attributes:
        positions: By partition.
        refused: For each partition that cannot be consumed, why.
        halted: Partitions to start that have a halt.
        skips: Records to go past, by partition and offset.
    """

    positions: dict[TopicPartition, Position] = field(default_factory=dict)
    refused: list[HaltError] = field(default_factory=list)
    halted: set[TopicPartition] = field(default_factory=set)
    skips: dict[TopicPartition, dict[int, Skip]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is kept of partitions; `topics` are those of which any partition was ever consumed."""

    positions: dict[TopicPartition, Position]
    topics: frozenset[str]
    halted: set[TopicPartition]
    skips: dict[TopicPartition, dict[int, Skip]]


async def load(database: Database, watch: TopicWatch, partitions: Sequence[TopicPartition]) -> StartPositions:
    """Load the stored positions; a partition whose log is not the one they were stored of is refused.

    Raises:
        UnavailableError: PostgreSQL or Kafka cannot be reached.
    """
    start = StartPositions()
    if not partitions:
        return start
    cluster_id = await watch.cluster_id()
    topic_ids = await watch.topic_ids({topic for topic, _ in partitions})
    ranges = await watch.ranges(partitions)
    stored = await database.read(lambda tx: _load(tx, partitions))
    for partition in partitions:
        topic_id, position = topic_ids[partition[0]], stored.positions.get(partition)
        if topic_id is None or partition not in ranges:
            start.refused.append(HaltError(HaltReason.TOPIC_MISSING, "the cluster does not have it", partition))
            continue
        log = ranges[partition]
        if position is None:
            halt = _refused_first(stored, partition, log)
        else:
            halt = _refused(partition, position, (cluster_id, topic_id), log)
        if halt is not None:
            start.refused.append(halt)
        elif position is not None:
            start.positions[partition] = position
        elif log is not None:
            if log.first_offset:
                _log.warning("first_records_gone", partition=partition, first_offset=log.first_offset)
            first = Position(log.first_offset, cluster_id, topic_id)
            start.positions[partition] = await _begin(database, partition, first)
    start.halted = stored.halted & start.positions.keys()
    start.skips = stored.skips
    return start


async def _load(tx: Tx, partitions: Sequence[TopicPartition]) -> _Stored:
    positions = await offsets.load(tx, partitions)
    topics = frozenset({topic for topic, _ in await offsets.load_all(tx)} if len(positions) < len(partitions) else ())
    return _Stored(positions, topics, await halts.halted(tx, partitions), await decisions.skips(tx, partitions))


def _refused(
    partition: TopicPartition, position: Position, incarnation: tuple[str, str], log: LogRange | None
) -> HaltError | None:
    """Why a stored position means nothing in the log that is there; one that is not told is found out by fetching."""
    if (position.cluster_id, position.topic_id) != incarnation:
        stored = f"cluster {position.cluster_id}, topic id {position.topic_id}"
        there = f"cluster {incarnation[0]}, topic id {incarnation[1]}"
        return HaltError(HaltReason.TOPIC_REPLACED, f"stored offsets are of {stored}; there is {there}", partition)
    if log is not None and position.next_offset < log.first_offset:
        gone = f"next is {position.next_offset}, and the first record there is {log.first_offset}"
        return HaltError(HaltReason.RECORDS_GONE, gone, partition)
    if log is not None and position.next_offset > log.end_offset:
        cut = f"next is {position.next_offset}, and the log ends at {log.end_offset}"
        return HaltError(HaltReason.LOG_TRUNCATED, cut, partition)
    return None


def _refused_first(stored: _Stored, partition: TopicPartition, log: LogRange | None) -> HaltError | None:
    """Why a partition of which no position is stored is not begun: a reader of its topic has missed records."""
    if log is None:
        return HaltError(HaltReason.LOG_UNKNOWN, "the cluster does not tell where it begins", partition)
    if log.first_offset == 0 or partition[0] not in stored.topics:
        return None
    missed = f"nothing of it was consumed, and the first record there is {log.first_offset}"
    return HaltError(HaltReason.RECORDS_GONE, missed, partition)


async def _begin(database: Database, partition: TopicPartition, first: Position) -> Position:
    """Store the first position of a partition, unless another consumer just did."""

    async def store(tx: Tx) -> Position:
        await offsets.begin(tx, partition, first)
        return (await offsets.load(tx, [partition]))[partition]

    return await database.transaction(store, lane=CONSUMING)
