"""Events of messages: Confluent's wire format to the generated classes (needs the extra `events`).

::

    decoder = EventDecoder(Registry("http://registry:8081").schema)
    event = decoder.decode(message.value())
    if isinstance(event, PaymentSuccess): ...

Errors::

    UndecodableError   the bytes are no event of their schema, and never will be
    RegistryError      the registry cannot be asked, or does not know the schema
"""

import importlib
import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple

from fastavro import parse_schema, schemaless_reader

from paystream.avro_record import AvroRecord
from paystream_client import schema_files

PREFIX_BYTES = 5
ASK_TIMEOUT_S = 10.0

SchemaOf = Callable[[int], str]
"""Gives the text of the schema of an id."""


class UndecodableError(Exception):
    """The bytes are no event of the schema they name, or of none at all; trying again cannot help."""


class RegistryError(Exception):
    """The registry cannot be asked, or does not know the schema; trying again can help."""


class _Reader(NamedTuple):
    writer: Any
    own: Any
    event: type[AvroRecord]


class Registry:
    """Asks a schema registry that speaks Confluent's API; blocks."""

    def __init__(self, url: str, *, timeout_s: float = ASK_TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    def schema(self, schema_id: int) -> str:
        """Return the text of a schema.

        Raises:
            RegistryError: There is no answer, or no such schema.
        """
        url = f"{self._url}/schemas/ids/{schema_id}"
        try:
            with urllib.request.urlopen(url, timeout=self._timeout_s) as answer:  # noqa: S310 - the caller's own URL
                text: str = json.load(answer)["schema"]
        except (OSError, ValueError, KeyError) as error:
            raise RegistryError(f"{url}: {error}") from error
        return text


class EventDecoder:
    """Makes events of messages. A schema is asked for once; what is known is decoded without asking anybody.

    Args:
        schema_of: As `Registry(url).schema`.
    """

    def __init__(self, schema_of: SchemaOf) -> None:
        self._schema_of = schema_of
        self._readers: dict[int, _Reader | None] = {}

    def decode(self, message: bytes) -> AvroRecord | None:
        """Return the event as this package's version of its record, whichever version it was written by.

        Symbols that are newer than this package are UNKNOWN. Of a type that this package does not know, None: it is
        nothing that this program was written for.

        Raises:
            UndecodableError: The bytes are no event.
            RegistryError: Of the schema's first message alone.
        """
        if len(message) < PREFIX_BYTES or message[0] != 0:
            raise UndecodableError(f"no event: {len(message)} bytes beginning with {message[:PREFIX_BYTES].hex()}")
        schema_id = int.from_bytes(message[1:PREFIX_BYTES])
        if schema_id not in self._readers:
            self._readers[schema_id] = _reader(self._schema_of(schema_id))
        reader = self._readers[schema_id]
        if reader is None:
            return None
        body = io.BytesIO(message[PREFIX_BYTES:])
        try:
            record = schemaless_reader(body, reader.writer, reader.own)
        except Exception as error:  # fastavro raises whatever the wrong bytes led to.
            raise UndecodableError(f"{reader.event.__name__}: {type(error).__name__}: {error}") from error
        return reader.event.from_record(record)  # type: ignore[arg-type]  # A record's schema gives a record.


def _reader(text: str) -> _Reader | None:
    try:
        schema = json.loads(text)
        writer, name = parse_schema(schema), f"{schema['namespace']}.{schema['name']}"
    except Exception as error:  # fastavro raises whatever the wrong schema led to.
        raise UndecodableError(f"the schema is no Avro record: {error}") from error
    own = schema_files.newest().get(name)
    if own is None:
        return None
    event: type[AvroRecord] = getattr(importlib.import_module(f"{own.schema['namespace']}.events"), own.schema["name"])
    return _Reader(writer=writer, own=parse_schema(own.schema), event=event)
