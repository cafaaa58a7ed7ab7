"""librdkafka's consumer in a thread of its own: it fetches batches and reports partitions that come and go.

Its rebalance callbacks run inside a fetch, in that thread; they ask the owner on the event loop, and wait for it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from operator import methodcaller
from typing import Any, Protocol, TypeVar

import confluent_kafka
import structlog

from paykit.consume.delivery import BATCH_RECORDS_MAX, Record
from paykit.consume.store.offsets import UNKNOWN_EPOCH, Position, TopicPartition
from paykit.kafka import client as kafka
from paykit.kafka import cloud_events

T = TypeVar("T")

_NO_SUCH_RECORD = (
    confluent_kafka.KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - a public constant
    confluent_kafka.KafkaError._LOG_TRUNCATION,  # noqa: SLF001 - a public constant
)

FETCH_TIMEOUT_S = 0.1
"""How long a fetch waits for the first record."""
FETCH_WAIT_MAX_MS = 100
"""How long the broker keeps a fetch that finds nothing. A process has a consumer for each topic, which all ask."""
KEY_CHARACTERS_MAX = 500
"""An index takes 2,700 bytes of key and topic."""
SESSION_TIMEOUT_MS = 10_000
HEARTBEAT_INTERVAL_MS = 1_000
"""A member hears of a rebalance with its next heartbeat: partitions stand still for about two of them."""
POLL_INTERVAL_MAX_MS = 300_000
QUEUED_MESSAGES_MIN = 20_000
"""Fetched ahead, as far as QUEUED_KBYTES_MAX has room for so many."""
QUEUED_KBYTES_MAX = 8 * 1024
"""Of messages fetched ahead, unpacked, of one consumer; what is fetched beside them comes on top."""
TAKEN_AT_ONCE_MAX = 250
"""Messages taken from librdkafka before their records are made: a message takes several times the memory of one."""
FETCH_BYTES_MAX = 4 * 1024 * 1024
"""Of one answer of a broker, packed: unpacked it is several times as large, and lies beside what is queued."""
PARTITION_FETCH_BYTES_MAX = 256 * 1024
"""Of one partition in an answer, so that one answer has some of most partitions. A larger record comes all the same."""
ERROR_BACKOFF_MS = 500
"""How long a partition rests whose fetch was refused, as by the broker of a topic that was deleted. Must be longer than
FRESH_S of `paykit.kafka.topic_watch`, which counts on it."""

# The driver returns what it has read so far with its exception still set. This way of calling looks for that; a plain
# call that the interpreter has specialised does not, and the exception appears wherever the next one looks.
_read_headers = methodcaller("headers")

_log = structlog.get_logger()


@dataclass(slots=True)
class Slice:
    """Consecutive records of one partition.

    Attributes:
        start: The fetch position before the first; offsets have gaps, so it may be smaller than the first's offset.
        end: The position after the last.
        topic_id: Of the incarnation that the position is of.
        leader_epoch: Of the leader that wrote the last record; UNKNOWN_EPOCH if not told.
        written_at: When the last record was written, in seconds since the epoch; 0 if not told.
    """

    start: int
    end: int
    topic_id: str
    leader_epoch: int = UNKNOWN_EPOCH
    written_at: float = 0.0
    records: list[Record] = field(default_factory=list)

    def begins_at(self, stored: Position | None) -> bool:
        """Whether it was fetched from the stored position."""
        return stored is not None and (stored.next_offset, stored.topic_id) == (self.start, self.topic_id)

    def halves(self) -> tuple["Slice", "Slice"]:
        """Cut in two; of at least two records."""
        middle = len(self.records) // 2
        cut = self.records[middle].offset
        # An older epoch of the first half would be as good, but is not known by now.
        first = Slice(self.start, cut, self.topic_id, records=self.records[:middle])
        return first, replace(self, start=cut, records=self.records[middle:])


Batch = dict[TopicPartition, Slice]


class Owner(Protocol):
    """Decides about partitions, on the event loop."""

    async def on_assigned(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Position]:
        """Where to start; a partition that is left out is not fetched until it is started."""
        ...

    async def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Let go of partitions, which another consumer gets afterwards."""
        ...

    def on_records_gone(self, partition: TopicPartition, explanation: str) -> None:
        """Stop consuming a partition whose records cannot be fetched from the position wanted."""
        ...


class Fetcher:
    """One member of a consumer group, from `open` to `close`; its client is touched by one thread only."""

    def __init__(
        self,
        *,
        service: str,
        bootstrap: str,
        group: str,
        topic: str,
        owner: Owner,
        records_max: int = BATCH_RECORDS_MAX,
    ) -> None:
        self._service = service
        self._records_max = records_max
        self._bootstrap = bootstrap
        self._group = group
        self._topic = topic
        self._owner = owner
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"consumer-{service}")
        self._loop: asyncio.AbstractEventLoop
        self._consumer: Any = None
        self._headers = cloud_events.Compactor()
        # Positions of the next fetch; touched by the thread only.
        self._fetched: dict[TopicPartition, int] = {}
        self._topic_ids: dict[TopicPartition, str] = {}
        # Partitions that rest until librdkafka is told to compare their epoch with the log: it does so for seeks alone.
        self._unvalidated: dict[TopicPartition, Position] = {}

    async def open(self) -> None:
        """Join the group."""
        self._loop = asyncio.get_running_loop()
        await self._in_thread(self._subscribe)

    async def close(self) -> None:
        """Leave the group and end the thread."""
        await self._in_thread(self._consumer.close)
        self._thread.shutdown(wait=False)

    async def fetch(self) -> Batch:
        """Wait a little for records, and take those that are there."""
        return await self._in_thread(self._fetch)

    async def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Fetch from other positions; partitions that were given away are left alone."""
        await self._in_thread(lambda: self._seek(positions))

    async def start(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Begin to fetch partitions anew, wherever their fetching stood; those that were given away are left alone."""
        await self._in_thread(lambda: self._start(positions))

    async def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch nothing of these partitions until they are resumed or assigned again."""
        await self._in_thread(lambda: self._pause(partitions))

    async def pause_all(self) -> None:
        """Fetch nothing, so that a fetch only keeps the membership alive."""
        await self._in_thread(lambda: self._consumer.pause(self._consumer.assignment()))

    async def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch these partitions again."""
        await self._in_thread(lambda: self._consumer.resume(_listed(partitions)))

    async def resume_except(self, resting: Collection[TopicPartition]) -> None:
        """Fetch every partition again but these."""
        await self._in_thread(lambda: self._resume_except(resting))

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit positions to Kafka, for lag tools only."""
        positions_to_commit = [confluent_kafka.TopicPartition(*key, position) for key, position in positions.items()]
        with contextlib.suppress(confluent_kafka.KafkaException):  # As in a rebalance; nothing hangs on it.
            await self._in_thread(lambda: self._consumer.commit(offsets=positions_to_commit, asynchronous=True))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._thread, work)

    def _subscribe(self) -> None:
        options = kafka.common_options(self._bootstrap, f"paystream-{self._service}") | {
            "group.id": self._group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS,
            "max.poll.interval.ms": POLL_INTERVAL_MAX_MS,
            "fetch.wait.max.ms": FETCH_WAIT_MAX_MS,
            "fetch.error.backoff.ms": ERROR_BACKOFF_MS,
            "queued.min.messages": QUEUED_MESSAGES_MIN,
            "fetch.queue.backoff.ms": 20,
            "queued.max.messages.kbytes": QUEUED_KBYTES_MAX,
            "fetch.max.bytes": FETCH_BYTES_MAX,
            "max.partition.fetch.bytes": PARTITION_FETCH_BYTES_MAX,
        }
        self._consumer = confluent_kafka.Consumer(options, logger=kafka.LOGGER)
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def _fetch(self) -> Batch:
        self._validate()
        first = self._consumer.poll(FETCH_TIMEOUT_S)
        if first is None:
            return {}
        batch: Batch = {}
        messages, left = [first], self._records_max
        while messages:
            left -= len(messages)
            self._add(batch, messages)
            # A consume without timeout takes what librdkafka has already; with one it would wait for as many.
            messages = self._consumer.consume(min(left, TAKEN_AT_ONCE_MAX), timeout=0) if left else []
        return batch

    def _add(self, batch: Batch, messages: list[Any]) -> None:
        """Add the records of messages to a batch.

        The messages are let go of one by one: each has a list of headers that need not stay.
        """
        last_of: dict[int, Any] = {}
        piece: Slice | None = None
        number, compact = -1, self._headers.compact
        messages.reverse()
        while messages:
            message = messages.pop()
            error, own_number = message.error(), message.partition()
            if error is not None:
                self._on_message_error((self._topic, own_number), error)
                continue
            if own_number != number:  # Messages come in runs of one partition.
                number = own_number
                piece = self._piece(batch, (self._topic, number))
            if piece is None:
                continue
            headers = compact(_headers_of(message))
            place = self._topic, number, message.offset()
            piece.records.append(Record(*place, _text(message.key()), message.value(), headers, piece.topic_id))
            last_of[number] = message
        for each, last in last_of.items():
            self._end_at(batch, (self._topic, each), last)

    def _piece(self, batch: Batch, partition: TopicPartition) -> Slice | None:
        """Return the slice of a partition in a batch; None where its messages are not wanted."""
        if partition not in self._fetched or partition in self._unvalidated:
            return None  # Given away while the batch was being fetched; or fetched before it was to be.
        piece = batch.get(partition)
        if piece is None:
            piece = batch[partition] = Slice(self._fetched[partition], 0, self._topic_ids[partition])
        return piece

    def _end_at(self, batch: Batch, partition: TopicPartition, last: Any) -> None:
        """Note the last message of a partition's slice, and fetch on from there."""
        piece = batch[partition]
        piece.end = self._fetched[partition] = last.offset() + 1
        epoch = last.leader_epoch()
        piece.leader_epoch = UNKNOWN_EPOCH if epoch is None else epoch
        piece.written_at = last.timestamp()[1] / 1_000

    def _on_message_error(self, partition: TopicPartition, error: confluent_kafka.KafkaError) -> None:
        if error.code() in _NO_SUCH_RECORD:
            self._loop.call_soon_threadsafe(self._owner.on_records_gone, partition, error.str())
        elif not error.retriable():
            _log.warning("kafka_error", service=self._service, error=error.str())

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        """Start at the stored offsets; what is left out is assigned too, and rests until it is started."""
        keys = [(p.topic, p.partition) for p in partitions]
        starts = asyncio.run_coroutine_threadsafe(self._owner.on_assigned(keys), self._loop).result()
        self._note(starts)
        left_out = _listed([key for key in keys if key not in starts])
        self._begin(consumer, starts, left_out)

    def _on_revoke(self, consumer: Any, partitions: list[Any]) -> None:
        """Let the transaction in progress end, then give the partitions away."""
        self._forget(partitions)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, _consumer: Any, partitions: list[Any]) -> None:
        self._forget(partitions)

    def _forget(self, partitions: list[Any]) -> None:
        keys = [(p.topic, p.partition) for p in partitions]
        for key in keys:
            self._fetched.pop(key, None)
            self._topic_ids.pop(key, None)
            self._unvalidated.pop(key, None)
        asyncio.run_coroutine_threadsafe(self._owner.on_revoked(keys), self._loop).result()

    def _pause(self, partitions: Collection[TopicPartition]) -> None:
        for partition in partitions:
            self._unvalidated.pop(partition, None)  # Or it would be resumed by that.
        assigned = {(p.topic, p.partition) for p in self._consumer.assignment()}
        self._consumer.pause(_listed([partition for partition in partitions if partition in assigned]))

    def _seek(self, positions: Mapping[TopicPartition, int]) -> None:
        for partition, position in positions.items():
            # Just assigned, a partition is there already, and may not yet be ready for a seek.
            if self._fetched.get(partition, position) != position:
                self._consumer.seek(confluent_kafka.TopicPartition(*partition, position))
                self._fetched[partition] = position

    def _start(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Assign partitions anew: a seek is refused where fetching has ended with an error."""
        assigned = {(p.topic, p.partition) for p in self._consumer.assignment()}
        ours = {partition: position for partition, position in positions.items() if partition in assigned}
        self._note(ours)
        self._consumer.incremental_unassign(_listed(ours))
        self._begin(self._consumer, ours, [])

    def _begin(self, consumer: Any, starts: Mapping[TopicPartition, Position], left_out: list[Any]) -> None:
        """Assign partitions; those with an epoch rest until it is compared, those left out until they are started."""
        unvalidated = {key: at for key, at in starts.items() if at.leader_epoch != UNKNOWN_EPOCH}
        self._unvalidated.update(unvalidated)
        consumer.incremental_assign(_places(starts) + left_out)
        # They may have been paused when they were given away.
        consumer.resume(_listed([key for key in starts if key not in unvalidated]))
        consumer.pause(_listed(unvalidated) + left_out)

    def _validate(self) -> None:
        """Have epochs compared with the log, of partitions that are ready for it, and fetch these."""
        for partition, place in zip(list(self._unvalidated), _places(self._unvalidated), strict=True):
            try:
                self._consumer.seek(place)
            except confluent_kafka.KafkaException as error:
                if error.args[0].code() != confluent_kafka.KafkaError._STATE:  # noqa: SLF001 - a public constant
                    raise
                continue  # Just assigned: with the next fetch.
            del self._unvalidated[partition]
            self._consumer.resume([place])

    def _note(self, positions: Mapping[TopicPartition, Position]) -> None:
        for partition, position in positions.items():
            self._fetched[partition] = position.next_offset
            self._topic_ids[partition] = position.topic_id

    def _resume_except(self, resting: Collection[TopicPartition]) -> None:
        resting = {*resting, *self._unvalidated}
        self._consumer.resume([p for p in self._consumer.assignment() if (p.topic, p.partition) not in resting])


def record_of(message: Any) -> Record:
    """A single message of librdkafka as a record."""
    place = message.topic(), message.partition(), message.offset()
    return Record(*place, _text(message.key()), message.value(), _headers_of(message))


def _headers_of(message: Any) -> Sequence[cloud_events.Header]:
    try:
        return _read_headers(message) or ()
    except (UnicodeError, SystemError):  # The driver fails at a name that is no UTF-8, in the middle of its work.
        return cloud_events.UNREADABLE_HEADERS


def _places(positions: Mapping[TopicPartition, Position]) -> list[confluent_kafka.TopicPartition]:
    """Where to fetch from; in a seek, the epoch has librdkafka ask whether the log was cut back since."""
    return [
        confluent_kafka.TopicPartition(*partition, position.next_offset)
        if position.leader_epoch == UNKNOWN_EPOCH
        else confluent_kafka.TopicPartition(*partition, position.next_offset, leader_epoch=position.leader_epoch)
        for partition, position in positions.items()
    ]


def _listed(partitions: Collection[TopicPartition]) -> list[confluent_kafka.TopicPartition]:
    return [confluent_kafka.TopicPartition(*partition) for partition in partitions]


def _text(key: bytes | None) -> str:
    """A key as PostgreSQL can hold and index it; the keys of paystream's own events are short and plain."""
    return key.decode(errors="replace").replace("\x00", "\ufffd")[:KEY_CHARACTERS_MAX] if key else ""
