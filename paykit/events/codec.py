"""Events to bytes and back, in Confluent's wire format: a zero byte, the schema id in 4 bytes, the Avro body.

`prepare` and `learn` ask the registry; everything else is synchronous, in memory and quick. Errors::

    UndecodableError           the bytes are no event of their schema, and never will be
    SchemaNotFoundError        the registry does not know the id
    RegistryUnavailableError   the registry must be asked and cannot be
    EventInvalidError          an event does not fit its own schema
"""

import functools
import io
import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from fastavro import parse_schema, schemaless_reader

from paykit.events import classes as catalogue
from paykit.events import compiler
from paykit.events.event import Event
from paykit.events.event_template import EventTemplate, Gap
from paykit.events.partial_decoding import partial_decoder
from paykit.events.registry import RegistryClient, RegistryUnavailableError, SchemaNotFoundError, together
from paykit.events.schema_cache import SchemaCache
from paykit.events.schema_files import SchemaFile, fingerprint, registry_text
from paykit.events.shape_reading import ShapeReader, Specialize

R = TypeVar("R")
E = TypeVar("E", bound=Event)

__all__ = [
    "Codec",
    "Event",
    "EventInvalidError",
    "RegistryUnavailableError",
    "SchemaNotFoundError",
    "SchemaUnregisteredError",
    "UndecodableError",
    "Written",
]

MAGIC = 0
PREFIX_BYTES = 5
READERS_MAX = 1_024
"""Writers' schemas for which a process keeps compiled code; the registry may hold any number."""

_PREFIX = struct.Struct(">bI")
_WRONG_VALUE = (TypeError, ValueError, AttributeError, KeyError, OverflowError)
"""What a value of the wrong type leads to in a compiled encoder; UnicodeEncodeError is a ValueError."""
_WRONG_BYTES = (IndexError, KeyError, ValueError, OverflowError)
"""What wrong bytes lead to in a compiled decoder; UnicodeDecodeError is a ValueError."""


_Read = Callable[[bytes], dict[str, Any]]
PartialRead = Callable[[bytes], tuple[Any, ...]]
"""Message -> values of the fields asked for. Raises UndecodableError."""


class UndecodableError(Exception):
    """The bytes are no event of the schema they name, or of none at all; trying again cannot help."""


class EventInvalidError(Exception):
    """An event does not fit its own schema; the text names the record and the field's trouble."""


class SchemaUnregisteredError(Exception):
    """A schema of this build is not in the registry: `paystream schemas register` has not run."""


class Written(NamedTuple):
    """By which schema bytes were written."""

    record: str
    """Full name of the Avro record."""
    version: int | None
    """Of our schema files; None when it is none of them, as one newer than this build."""


class _Writer(NamedTuple):
    prefix: bytes
    encode: compiler.Encode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    written: Written
    read: _Read
    """Gives the values as our newest schema has them."""
    read_as_written: _Read
    event: type[Event] | None


class Codec:
    """Encodes and decodes events by the ids of one registry.

    Attributes:
        on_forgotten: Told each schema id of which nothing that was learned before is to be believed any more: all
            services of a process share one codec, and each knows types by what it learned.
    """

    def __init__(self, *, registry: RegistryClient, cache_dir: Path, topic_prefix: str = "") -> None:
        self.on_forgotten: list[Callable[[int], None]] = []
        self._registry = registry
        self._cache = SchemaCache(cache_dir, registry.url)
        self._topic_prefix = topic_prefix
        self._writers: dict[str, _Writer] = {}
        self._readers: dict[int, _Reader] = {}

    def topic(self, name: str) -> str:
        """Return the topic's name on the cluster."""
        return self._topic_prefix + name

    async def prepare(self, events: Iterable[type[Event]]) -> None:
        """Resolve the schema ids of events, so that they can be encoded; of the cache when the registry is down.

        Raises:
            SchemaUnregisteredError: The registry does not have one of them.
            RegistryUnavailableError: The registry is down and the cache does not know one of them.
        """
        await together(self._prepare(catalogue.own_files()[event.RECORD]) for event in events)

    async def _prepare(self, file: SchemaFile) -> None:
        text = registry_text(file.schema)
        schema_id = await self._resolve(f"{self.topic(file.topic)}-{file.full_name}", text)
        self._writers[file.full_name] = _Writer(_PREFIX.pack(MAGIC, schema_id), _encoder(file.full_name))
        self._readers[schema_id] = _reader(text)

    async def _resolve(self, subject: str, text: str) -> int:
        try:
            schema_id = (await self._registry.lookup(subject, text)).schema_id
        except SchemaNotFoundError as error:
            raise SchemaUnregisteredError(f"{subject} is not registered: run `paystream schemas register`") from error
        except RegistryUnavailableError:
            remembered = self._cache.schema_id(subject, text)
            if remembered is None:
                raise
            return remembered
        self._cache.remember_id(subject, text, schema_id)
        return schema_id

    def encode(self, event: Event, *, stamps: Mapping[str, Any]) -> bytes:
        """Return the bytes of an event.

        Args:
            event: Of a prepared class.
            stamps: Take the place of the event's own event_id, recorded_at, correlation_id, causation_id and actor.

        Raises:
            EventInvalidError: A value does not fit the schema, or the class is not prepared.
        """
        prefix, encode = self._writer(event)
        try:
            return prefix + encode(event, stamps)
        except _WRONG_VALUE as error:
            raise EventInvalidError(f"{event.RECORD}: {type(error).__name__}: {error}") from error

    def prefix(self, event: type[Event]) -> bytes:
        """Return what stands before the body of every event of a class.

        Raises:
            EventInvalidError: The class is not prepared.
        """
        return self._writer(event).prefix

    def _writer(self, event: type[Event] | Event) -> _Writer:
        writer = self._writers.get(event.RECORD)
        if writer is None:
            raise EventInvalidError(f"{event.RECORD} is not prepared: the service does not declare that it emits it")
        return writer

    def peek(self, data: bytes) -> int:
        """Return the schema id of a message.

        Raises:
            UndecodableError: It does not begin like Confluent's wire format.
        """
        if len(data) < PREFIX_BYTES or data[0] != MAGIC:
            raise UndecodableError(f"no Avro message: {len(data)} bytes beginning with {data[:PREFIX_BYTES].hex()}")
        return int.from_bytes(data[1:PREFIX_BYTES])

    def knows(self, schema_id: int) -> bool:
        """Return whether messages of a schema id can be decoded without asking the registry."""
        return schema_id in self._readers

    async def learn(self, schema_id: int) -> None:
        """Ask the registry for a schema; the cache when it is down.

        Raises:
            SchemaNotFoundError: The registry does not know the id (yet).
            RegistryUnavailableError: The registry is down and the cache does not know the id.
            UndecodableError: It is no Avro record.
        """
        try:
            text = await self._registry.schema(schema_id)
        except RegistryUnavailableError:
            remembered = self._cache.schema(schema_id)
            if remembered is None:
                raise
            text = remembered
        learned = _reader(text)
        known = self._readers.get(schema_id)
        if known is not None and known.written != learned.written:  # Asked for twice at once, and answered differently.
            self.forget(schema_id)
        self._readers[schema_id] = learned
        self._cache.remember_schema(schema_id, text)

    def forget(self, schema_id: int) -> None:
        """Have the registry asked again for a schema, which it gave under a wrong id."""
        self._readers.pop(schema_id, None)
        for tell in self.on_forgotten:
            tell(schema_id)

    def record_name(self, schema_id: int) -> Written:
        """Say which record and version a known schema id stands for."""
        return self._readers[schema_id].written

    def decode(self, data: bytes) -> Event:
        """Return the event of a message whose schema id is known, as our newest version of its record.

        Raises:
            UndecodableError: The bytes do not fit their schema, it cannot be read as ours, or the record is unknown.
        """
        reader = self._readers[self.peek(data)]
        if reader.event is None:
            raise UndecodableError(f"{reader.written.record} is not known to this build")
        return reader.event.from_record(reader.read(data))

    def decode_as_written(self, data: bytes) -> dict[str, Any]:
        """Return the values of a message by its writer's schema alone, whatever this build knows.

        Raises:
            UndecodableError: The bytes do not fit their schema.
        """
        return self._readers[self.peek(data)].read_as_written(data)

    def partial_reader(self, schema_id: int, fields: Sequence[str]) -> PartialRead | None:
        """Return what reads fields of the messages of a known schema, as `partial_decoder` says.

        None where the schema is another than our newest version of its record: that must be resolved as a whole.
        """
        written = self._readers[schema_id].written
        own = catalogue.own_files().get(written.record)
        return _partly(own, fields) if own is not None and own.version == written.version else None

    def shape_reader(self, schema_id: int, specialize: Specialize[Any, R]) -> ShapeReader[Any, R] | None:
        """Return what reads the messages of a known schema by their shapes, none of which it knows yet.

        None where the schema is another than our newest version of its record, as of `partial_reader`.
        """
        written = self._readers[schema_id].written
        own = catalogue.own_files().get(written.record)
        if own is None or own.version != written.version:
            return None
        return ShapeReader(own.schema, specialize, prefix_bytes=PREFIX_BYTES)


def decode_own(kind: type[E], data: bytes) -> E:
    """Return the event of a message that is known to be written by our newest version of its record.

    Raises:
        UndecodableError: The bytes do not fit their schema.
    """
    return kind.from_record(_own_reader(kind.RECORD)(data))


@functools.cache
def _own_reader(record: str) -> _Read:
    return _compiled(catalogue.own_files()[record])


def template(example: Event, gaps: Sequence[str | Gap]) -> EventTemplate:
    """Return the template of events that are as an example but for some fields."""
    return EventTemplate(catalogue.own_files()[example.RECORD].schema, example, gaps)


@functools.cache
def _encoder(record: str) -> compiler.Encode:
    """Compile the encoder of our newest version: once a process, whose services share many events."""
    return compiler.encoder(catalogue.own_files()[record].schema)


@functools.lru_cache(maxsize=READERS_MAX)
def _reader(text: str) -> _Reader:
    schema = _parse(text)
    name = schema["name"]
    own = catalogue.own_files().get(name)
    version = catalogue.versions_by_fingerprint().get(fingerprint(json.loads(text)))
    if own is not None and own.version == version:
        read = as_written = _compiled(own)
    else:
        as_written = _walked(schema, None)
        # Resolving doubles the time: it is for the bytes of other versions.
        read = as_written if own is None else _walked(schema, _parse(registry_text(own.schema)))
    return _Reader(
        written=Written(name, version), read=read, read_as_written=as_written, event=catalogue.event_class(name)
    )


def _parse(text: str) -> Any:
    try:
        schema = parse_schema(json.loads(text))
    except Exception as error:  # fastavro raises whatever the wrong schema led to.
        raise UndecodableError(f"the schema is not Avro: {error}") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise UndecodableError("the schema is no record")
    return schema


def _compiled(file: SchemaFile) -> _Read:
    """Read bytes written by a schema file of this build, the quick way."""
    decode = compiler.decoder(file.schema)

    def read(data: bytes) -> dict[str, Any]:
        try:
            record, end = decode(data, PREFIX_BYTES)
        except _WRONG_BYTES as error:
            raise UndecodableError(f"{file.full_name}: {type(error).__name__}: {error}") from error
        return _whole(file.full_name, record, end, data)

    return read


def _partly(file: SchemaFile, fields: Sequence[str]) -> PartialRead:
    """Read some fields of bytes written by a schema file of this build."""
    decode = partial_decoder(file.schema, fields)

    def read(data: bytes) -> tuple[Any, ...]:
        try:
            values, end = decode(data, PREFIX_BYTES)
        except _WRONG_BYTES as error:
            raise UndecodableError(f"{file.full_name}: {type(error).__name__}: {error}") from error
        if end != len(data):
            raise UndecodableError(_other_length(file.full_name, end, data))
        return values

    return read


def _walked(schema: Any, resolve_to: Any | None) -> _Read:
    """Read bytes written by any schema, as that schema or another has it."""

    def read(data: bytes) -> dict[str, Any]:
        buffer = io.BytesIO(data)
        buffer.seek(PREFIX_BYTES)
        try:
            record = schemaless_reader(buffer, schema, resolve_to)
        except Exception as error:  # fastavro raises whatever the wrong bytes led to.
            raise UndecodableError(f"{schema['name']}: {type(error).__name__}: {error}") from error
        return _whole(schema["name"], cast("dict[str, Any]", record), buffer.tell(), data)

    return read


def _whole(name: str, record: dict[str, Any], end: int, data: bytes) -> dict[str, Any]:
    if end != len(data):
        raise UndecodableError(_other_length(name, end, data))
    return record


def _other_length(name: str, end: int, data: bytes) -> str:
    return f"{name}: the body takes {end - PREFIX_BYTES} bytes of {len(data) - PREFIX_BYTES}"
