"""Applies consumed records in one transaction, by one set of rules whichever way they arrive.

The consumer, the sweep of parked events and the replay of dead letters all come through here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from paykit.base.errors import UnavailableError
from paykit.consume.delivery import (
    Excerpt,
    FastLane,
    Handle,
    HandlerResult,
    NotYet,
    Record,
    ShapeLane,
    Subscription,
)
from paykit.consume.handling import Handling
from paykit.consume.prepared import (
    DeadLetterCause,
    EventResult,
    PreparedRecord,
    ReadyEvent,
    UndecodableRecord,
    UnhandledEvent,
)
from paykit.consume.setting_aside import set_aside
from paykit.consume.store import parked_events
from paykit.events.codec import PREFIX_BYTES, Codec, Event, PartialRead, UndecodableError
from paykit.kafka import cloud_events
from paykit.postgres.database import Tx

REASON_UNDECODABLE = "UNDECODABLE"
REASON_SCHEMA_UNKNOWN = "SCHEMA_UNKNOWN"


class RegistryMismatchError(Exception):
    """A record says that it is another than its schema id stands for: the registry gives ids out otherwise than before.

    Whatever such a record would be decoded to cannot be believed, though its bytes may fit.
    """


@dataclass(frozen=True, slots=True)
class RecordType:
    """What this build does with the records of one schema; one that is not handled or ignored is newer than it.

    Attributes:
        read: Reads what the fast lane takes; None where there is none for this schema.
        learn: Is told of each event that the lane left; None where it learns nothing from it.
    """

    name: str
    header: bytes
    handle: Handle | None
    ignored: bool
    read: Callable[[bytes], Excerpt | None] | None
    learn: Callable[[bytes, Event], None] | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What one transaction did, for metrics and for the failure window.

    Attributes:
        applied: Events that were applied, or had been before.
        not_applied: The other records and what became of them, in order.
        blocked_keys: Keys with an event that is not applied.
    """

    applied: int
    not_applied: Sequence[tuple[PreparedRecord, EventResult]]
    blocked_keys: frozenset[str]

    @property
    def unexpected(self) -> Sequence[Record]:
        """Records whose handler failed alone while its neighbours succeeded, in order."""
        return [prepared.record for prepared, cause in self.causes if cause.unexpected]

    @property
    def causes(self) -> Sequence[tuple[PreparedRecord, DeadLetterCause]]:
        """Records that became dead letters, and why, in order."""
        return [(prepared, result) for prepared, result in self.not_applied if isinstance(result, DeadLetterCause)]

    @property
    def parked(self) -> int:
        """How many events wait for their cause or their key."""
        return sum(isinstance(result, NotYet) for _, result in self.not_applied)


class Application:
    """The consuming side of one service, without Kafka."""

    def __init__(self, *, service: str, subscriptions: Sequence[Subscription], codec: Codec) -> None:
        self._service = service
        self._codec = codec
        self._subscriptions: Mapping[str, Subscription] = {codec.topic(s.topic): s for s in subscriptions}
        # By topic and the message's first bytes, which name its schema: one look-up for each record.
        self._types: dict[tuple[str, bytes], RecordType] = {}
        self._given_up: set[int] = set()
        codec.on_forgotten.append(self._forget_types)

    @property
    def topics(self) -> list[str]:
        """The topics consumed, with the prefix."""
        return list(self._subscriptions)

    def records_max(self, topic: str) -> int:
        """Return how many records of a topic, with the prefix, one transaction applies at most."""
        return self._subscriptions[topic].batch_records_max

    def unknown(self, records: Sequence[Record]) -> Iterator[tuple[int, Record]]:
        """Yield records whose schema must be learned before they can be decoded, with their positions."""
        if {(record.topic, (record.value or b"")[:PREFIX_BYTES]) for record in records} <= self._types.keys():
            return
        for at, record in enumerate(records):
            if self.unknown_schema(record) is not None:
                yield at, record

    def unknown_schema(self, record: Record) -> int | None:
        """The schema id that must be learned before the record can be decoded; None if there is none."""
        if record.value and (record.topic, record.value[:PREFIX_BYTES]) in self._types:
            return None
        try:
            schema_id = self._codec.peek(record.value or b"")
        except UndecodableError:
            return None
        return None if self._codec.knows(schema_id) else schema_id

    async def learn(self, record: Record) -> None:
        """Ask the registry for the schema of a record, if it is unknown.

        Raises:
            SchemaNotFoundError: The registry does not know its id (yet).
            UnavailableError: The registry is down and its id was never cached.
            UndecodableError: The schema is no Avro record.
        """
        schema_id = self.unknown_schema(record)
        if schema_id is not None:
            await self._codec.learn(schema_id)
            self._given_up.discard(schema_id)

    def give_up(self, schema_id: int) -> None:
        """Have records of a schema that the registry has not known for too long become dead letters."""
        self._given_up.add(schema_id)

    def prepare(self, record: Record, *, waited_s: float = 0.0) -> PreparedRecord | None:
        """Decode a record outside any transaction; None for one that the service ignores.

        Args:
            record: One of a schema that was given up counts as undecodable.
            waited_s: For how long it has been parked in vain.

        Raises:
            RegistryMismatchError: The record says that it is another than its schema; the registry is asked again.
            UnavailableError: Its schema must be learned (again), as after a mismatch that somebody else met.
        """
        value = record.value or b""
        record_type = self._types.get((record.topic, value[:PREFIX_BYTES]))
        if record.headers is cloud_events.UNREADABLE_HEADERS:
            cause = DeadLetterCause(REASON_UNDECODABLE, "the name of a header is not UTF-8")
            return UndecodableRecord(record, cause)
        try:
            if record_type is None:
                schema_id = self._codec.peek(value)
                if not self._codec.knows(schema_id):
                    if schema_id not in self._given_up:
                        raise UnavailableError(f"schema {schema_id} must be asked for", part="registry")
                    cause = DeadLetterCause(REASON_SCHEMA_UNKNOWN, f"schema id {schema_id}: 404")
                    return UndecodableRecord(record, cause)
                record_type = self._type_of(record, schema_id)
            if not cloud_events.is_of_type(record.headers, record_type.header):
                self._refuse_type(record, record_type)
            if record_type.ignored:
                return None
            if record_type.handle is None:
                return UnhandledEvent(record, record_type.name)
            event = (record_type.read and record_type.read(value)) or self._decode(record_type, value)
            return ReadyEvent(event, record, waited_s, name=record_type.name, handle=record_type.handle)
        except UndecodableError as error:
            return UndecodableRecord(record, DeadLetterCause(REASON_UNDECODABLE, str(error)))

    async def apply(self, tx: Tx, records: Sequence[PreparedRecord], *, isolate: bool = False) -> BatchResult:
        """Apply records in order per key, and set aside those that cannot be applied.

        Args:
            tx: The transaction that also moves the offsets.
            records: In the order of arrival.
            isolate: Bisect a failing group with savepoints, so that only the culprit becomes a dead letter.
        """
        keys = [prepared.record.key for prepared in records if prepared.record.key]
        blocked_keys = await parked_events.blocked_keys(tx, self.topics, keys)
        handling = Handling(tx, service=self._service, isolate=isolate, blocked_keys=blocked_keys)
        results = await handling.run(records)
        batch = _batch_result(records, results, handling)
        await set_aside(tx, self._service, batch.not_applied)
        return batch

    async def retry(
        self, tx: Tx, parked: Mapping[int, PreparedRecord], *, blocked_keys: Collection[str]
    ) -> BatchResult:
        """Apply parked events in order per key; what still waits for its cause stays parked.

        Args:
            tx: The transaction that deletes what needs no further try.
            parked: By the id of the parked event, in the order of arrival.
            blocked_keys: Of events that were tried before, and stay parked.
        """
        records = list(parked.values())
        handling = Handling(tx, service=self._service, isolate=True, blocked_keys=blocked_keys)
        results = await handling.run(records)
        batch = _batch_result(records, results, handling)
        refused = [(prepared, result) for prepared, result in batch.not_applied if not isinstance(result, NotYet)]
        await set_aside(tx, self._service, refused)
        settled = [at for at, result in zip(parked, results, strict=True) if not isinstance(result, NotYet)]
        await parked_events.delete(tx, settled)
        return batch

    async def apply_alone(self, tx: Tx, event: ReadyEvent) -> HandlerResult:
        """Apply one event, though its key may be blocked by itself."""
        return (await Handling(tx, service=self._service, isolate=False).call_once([event]))[0]

    def _refuse_type(self, record: Record, record_type: RecordType) -> NoReturn:
        """Refuse a record that says that it is another than its schema id stands for, which is asked for again."""
        value = record.value or b""
        schema_id = self._codec.peek(value)
        self._codec.forget(schema_id)
        said = cloud_events.contents_of(record.headers, cloud_events.TYPE_HEADER)
        told = next(content or b"" for content in said if content != record_type.header).decode(errors="replace")
        raise RegistryMismatchError(
            f"offset {record.offset} is {told}, and its schema id {schema_id} is {record_type.name}"
        )

    def _forget_types(self, schema_id: int) -> None:
        self._types = {key: known for key, known in self._types.items() if self._codec.peek(key[1]) != schema_id}

    def _type_of(self, record: Record, schema_id: int) -> RecordType:
        name = self._codec.record_name(schema_id).record
        subscription = self._subscriptions[record.topic]
        handle = subscription.handle_of(name)
        read = learn = None
        match handle and handle.fast_lane:
            case FastLane(fields=fields, take=take):
                read = _taking(self._codec.partial_reader(schema_id, fields), take)
            case ShapeLane(specialize=specialize):
                reader = self._codec.shape_reader(schema_id, specialize)
                read, learn = (reader.read, reader.learn) if reader is not None else (None, None)
        record_type = RecordType(name, name.encode(), handle, name in subscription.ignores, read, learn)
        self._types[record.topic, (record.value or b"")[:PREFIX_BYTES]] = record_type
        return record_type

    def _decode(self, record_type: RecordType, value: bytes) -> Event:
        """Decode a message as a whole.

        Raises:
            UndecodableError: The bytes do not fit their schema.
        """
        event = self._codec.decode(value)
        if record_type.learn is not None:
            record_type.learn(value, event)
        return event


def _taking(
    read: PartialRead | None, take: Callable[[tuple[Any, ...]], Excerpt | None]
) -> Callable[[bytes], Excerpt | None] | None:
    return None if read is None else lambda value: take(read(value))


def _batch_result(records: Sequence[PreparedRecord], results: Sequence[EventResult], handling: Handling) -> BatchResult:
    not_applied = [(prepared, result) for prepared, result in zip(records, results, strict=True) if result]
    return BatchResult(len(records) - len(not_applied), not_applied, frozenset(handling.blocked_keys))
