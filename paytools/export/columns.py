"""The columns of an event in Parquet: typed as its Avro schema is, so that nothing is rounded or guessed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from paykit.consume.delivery import Record
from paykit.events.event import Event

KAFKA_COLUMNS = ("kafka_partition", "kafka_offset")
"""Where an event stands on its topic, beside its own fields; no two rows of an export have both alike."""


def arrow_schema(schema: Mapping[str, Any], pyarrow: Any) -> Any:
    """Return the columns of a record: its fields in their order, then where it stands on Kafka."""
    fields = [_field(field["name"], field["type"], pyarrow) for field in schema["fields"]]
    places = [pyarrow.field(name, pyarrow.int64(), nullable=False) for name in KAFKA_COLUMNS]
    return pyarrow.schema([*fields, *places])


def row_of(event: Event, record: Record) -> dict[str, Any]:
    """Return the values of a row by column."""
    own = {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}  # type: ignore[arg-type]
    return own | dict(zip(KAFKA_COLUMNS, (record.partition, record.offset), strict=True))


def _field(name: str, avro: Any, pyarrow: Any) -> Any:
    """Return a column; the gate of schemas lets through unions with null alone."""
    if isinstance(avro, list):
        (inner,) = (branch for branch in avro if branch != "null")
        return pyarrow.field(name, _type(inner, pyarrow), nullable=True)
    return pyarrow.field(name, _type(avro, pyarrow), nullable=False)


def _type(avro: Any, pyarrow: Any) -> Any:
    """Return the type of values.

    Raises:
        TypeError: The schema has a type that events do not use.
    """
    kind = avro if isinstance(avro, str) else avro["type"]
    if not isinstance(kind, str):  # {"type": {...}}
        return _type(kind, pyarrow)
    simple: Mapping[str, Callable[[], Any]] = {
        "string": pyarrow.string,
        "enum": pyarrow.string,
        "boolean": pyarrow.bool_,
        "bytes": pyarrow.binary,
    }
    if kind == "long":
        logical = avro.get("logicalType") if isinstance(avro, dict) else None
        return pyarrow.timestamp("us", tz="UTC") if logical == "timestamp-micros" else pyarrow.int64()
    if kind == "array":
        return pyarrow.list_(_field("item", avro["items"], pyarrow))
    if kind == "record":
        return pyarrow.struct([_field(field["name"], field["type"], pyarrow) for field in avro["fields"]])
    if kind not in simple:
        raise TypeError(f"events have no {kind}")
    return simple[kind]()


def _plain(value: Any) -> Any:
    """Return what pyarrow takes: words for enums, dictionaries for records."""
    if isinstance(value, Enum):
        return str(value.value)
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value
