"""What people see of a service's consumers, and what they decide about halted partitions, from any process.

Decisions are rows, and the consumers look at them: nobody talks to a process.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.base.errors import UnavailableError
from paykit.consume.halting.halt import HaltReason
from paykit.consume.store import decisions, halts, offsets
from paykit.consume.store.decisions import HaltDecision
from paykit.consume.store.halts import StoredHalt
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.errors import DomainError, Kind
from paykit.kafka.topic_watch import LogRange, TopicWatch
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING


class PartitionNotHalted(DomainError):
    """The partition is consumed, or not by this service: there is nothing to decide."""

    kind = Kind.FAILED_PRECONDITION
    reason = "PARTITION_NOT_HALTED"


class OffsetNotAhead(DomainError):
    """The record was applied before, or is not in the log."""

    kind = Kind.FAILED_PRECONDITION
    reason = "OFFSET_NOT_AHEAD"


class AdoptionRefused(DomainError):
    """The partition's log is the one that its offsets are of, or there is none to adopt."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ADOPTION_REFUSED"


class OffsetOutOfRange(DomainError):
    """The partition does not go from there."""

    kind = Kind.INVALID_ARGUMENT
    reason = "OFFSET_OUT_OF_RANGE"


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How one partition is consumed.

    Attributes:
        next_offset: None where nothing of it was ever consumed.
        lag: Offsets from the next one to apply to the end; None where Kafka does not tell, or the log is another.
        halt: Why it rests, if it does.
    """

    partition: TopicPartition
    next_offset: int | None
    lag: int | None
    halt: StoredHalt | None


class Steering:
    """The consumers of one service, as rows of its schema."""

    def __init__(self, database: Database, topics: TopicWatch) -> None:
        self._database = database
        self._topics = topics

    async def list(self) -> Sequence[PartitionStatus]:
        """Return every partition that was ever consumed or is halted, in order.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
        """

        async def load(tx: Tx) -> tuple[dict[TopicPartition, Position], dict[TopicPartition, StoredHalt]]:
            return await offsets.load_all(tx), {halt.partition: halt for halt in await halts.load_all(tx)}

        positions, halted = await self._database.read(load)
        places = sorted(positions.keys() | halted.keys())
        logs = await self._logs(places)
        return [_status(place, positions.get(place), logs.get(place), halted.get(place)) for place in places]

    async def resume(self, partition: TopicPartition, *, reason: str, actor: str) -> None:
        """Have a halted partition tried now, as if nothing had failed in it before.

        Raises:
            PartitionNotHalted: It is not halted.
        """

        async def work(tx: Tx) -> None:
            position = await _halted(tx, partition)
            topic_id = position.topic_id if position else ""
            decision = HaltDecision(partition=partition, kind="RESUME", topic_id=topic_id, reason=reason, actor=actor)
            await decisions.insert(tx, decision)
            await halts.try_now(tx, partition)

        await self._database.transaction(work, lane=CONSUMING)

    async def skip(self, partition: TopicPartition, offset: int, *, reason: str, actor: str) -> None:
        """Have the consumer go past one record, which becomes a dead letter, and try the halted partition now.

        Raises:
            PartitionNotHalted: It is not halted.
            OffsetNotAhead: The record was applied, or set aside, before; or it is not in the log.
        """
        log = await self._log(partition)

        async def work(tx: Tx) -> None:
            position = await _halted(tx, partition)
            if position is None or not position.next_offset <= offset < log.end_offset:
                ahead = f"{position.next_offset if position else log.first_offset} to {log.end_offset - 1}"
                raise OffsetNotAhead(f"{offset} is not among what is not applied: {ahead}", field="offset")
            decision = HaltDecision(
                partition=partition,
                kind="SKIP",
                record_offset=offset,
                topic_id=position.topic_id,
                reason=reason,
                actor=actor,
            )
            await decisions.insert(tx, decision)
            await halts.try_now(tx, partition)

        await self._database.transaction(work, lane=CONSUMING)

    async def adopt(self, partition: TopicPartition, offset: int | None, *, reason: str, actor: str) -> int:
        """Have the log that is there consumed instead of the one that the stored offset is of; where from.

        Args:
            partition: One that is halted for its log.
            offset: From where on; None for the first record that is there.
            reason: Why nothing is lost by it, or what is.
            actor: Who says so.

        Raises:
            PartitionNotHalted: It is not halted.
            AdoptionRefused: It is halted for something else.
            OffsetOutOfRange: The log does not go from there.
            UnavailableError: PostgreSQL or Kafka cannot be reached, or Kafka does not have the partition.
        """
        log = await self._log(partition)
        topic_id = (await self._topics.topic_ids([partition[0]]))[partition[0]]
        next_offset = log.first_offset if offset is None else offset
        if topic_id is None:
            raise AdoptionRefused(f"the cluster has no topic {partition[0]}", field="topic")
        if not log.first_offset <= next_offset <= log.end_offset:
            raise OffsetOutOfRange(f"the log goes from {log.first_offset} to {log.end_offset}", field="offset")
        adopted = Position(next_offset, await self._topics.cluster_id(), topic_id)

        async def work(tx: Tx) -> None:
            replaced = await _halted(tx, partition)
            [halt] = [halt for halt in await halts.load_all(tx) if halt.partition == partition]
            if not HaltReason(halt.reason).adoptable:
                raise AdoptionRefused(f"it is halted for {halt.reason}: its log is the right one", field="partition")
            decision = HaltDecision(
                partition=partition,
                kind="ADOPT",
                record_offset=next_offset,
                topic_id=topic_id,
                replaced=_text(replaced),
                reason=reason,
                actor=actor,
            )
            await decisions.insert(tx, decision, applied=True)
            await offsets.replace(tx, partition, adopted)
            await halts.try_now(tx, partition)

        await self._database.transaction(work, lane=CONSUMING)
        return next_offset

    async def _logs(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[str | None, LogRange]]:
        """The logs that are there and told of, with their topics' ids; none without Kafka."""
        try:
            topic_ids = await self._topics.topic_ids({topic for topic, _ in places}) if places else {}
        except UnavailableError:
            return {}
        ranges = await self._topics.ranges(places)
        return {place: (topic_ids[place[0]], log) for place, log in ranges.items() if log is not None}

    async def _log(self, partition: TopicPartition) -> LogRange:
        log = (await self._topics.ranges([partition])).get(partition)
        if log is None:
            raise UnavailableError(f"Kafka does not tell what {partition[0]}/{partition[1]} holds", part="kafka")
        return log


async def _halted(tx: Tx, partition: TopicPartition) -> Position | None:
    """Lock the position of a halted partition; None if nothing of it was ever consumed."""
    position = (await offsets.lock(tx, [partition])).get(partition)
    if not await halts.halted(tx, [partition]):
        raise PartitionNotHalted(f"{partition[0]}/{partition[1]} is not halted", field="partition")
    return position


def _status(
    place: TopicPartition,
    position: Position | None,
    there: tuple[str | None, LogRange] | None,
    halt: StoredHalt | None,
) -> PartitionStatus:
    lag = None
    if position is not None and there is not None and there[0] == position.topic_id:
        lag = max(0, there[1].end_offset - position.next_offset)
    return PartitionStatus(place, position.next_offset if position else None, lag, halt)


def _text(position: Position | None) -> str | None:
    if position is None:
        return None
    return f"offset {position.next_offset} of cluster {position.cluster_id}, topic id {position.topic_id}"
