"""Compiled encoders and decoders against fastavro, and against bytes worked out by hand."""

import contextlib
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import avro_binary, compiler, schema_files
from paykit.events import classes as catalogue
from paykit.events import goldens as contract_goldens

FILES = list(catalogue.own_files().values())
NAMES = [file.record for file in FILES]
LONGS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TIMES = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WRONG_BYTES = (IndexError, KeyError, ValueError, OverflowError)


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    "long": LONGS,
    "boolean": st.booleans(),
}


def values(node: Any, known: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make values of a type; `known` are the types named so far."""
    node = known.get(node, node) if isinstance(node, str) else node
    if isinstance(node, dict) and "name" in node:
        known[node["name"]] = node
    match node:
        case ["null", inner]:
            return st.none() | values(inner, known)
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols)
        case {"type": "array", "items": items}:
            return st.lists(values(items, known), max_size=4)
        case {"type": "record", "fields": fields}:
            return st.fixed_dictionaries({field["name"]: values(field["type"], known) for field in fields})
    return TIMES if isinstance(node, dict) else SCALARS[node]


def fastavro_bytes(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    schemaless_writer(buffer, parse_schema(schema), record)
    return buffer.getvalue()


@pytest.mark.parametrize("file", FILES, ids=NAMES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_event_is_written_and_read_as_fastavro_does(file: schema_files.SchemaFile, data: st.DataObject) -> None:
    record = data.draw(values(file.schema, {}))
    cls = catalogue.event_class(file.full_name)
    assert cls is not None
    expected = fastavro_bytes(file.schema, record)
    assert compiler.encoder(file.schema)(cls.from_record(record), {}) == expected
    assert compiler.decoder(file.schema)(b"prefix" + expected, 6) == (record, 6 + len(expected))


@pytest.mark.parametrize("file", FILES, ids=NAMES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_mean_what_fastavro_says(
    file: schema_files.SchemaFile, data: st.DataObject
) -> None:
    body = bytearray(contract_goldens.load(file).body)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body)
    with contextlib.suppress(*WRONG_BYTES):
        record, end = compiler.decoder(file.schema)(damaged, 0)
        if end == len(damaged):
            assert schemaless_reader(io.BytesIO(damaged), parse_schema(file.schema), None) == record


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, b"\x00"),
        (-1, b"\x01"),
        (1, b"\x02"),
        (63, b"\x7e"),
        (-64, b"\x7f"),
        (64, b"\x80\x01"),
        (8191, b"\xfe\x7f"),
        (8192, b"\x80\x80\x01"),
        (2**53 - 1, b"\xfe\xff\xff\xff\xff\xff\xff\x1f"),
        (2**63 - 1, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        (-(2**63), b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    ],
)
def test_a_long_is_a_zigzag_varint(number: int, encoded: bytes) -> None:
    assert avro_binary.encode_long(number) == encoded
    assert avro_binary.decode_long(b"?" + encoded + b"?", 1) == (number, 1 + len(encoded))


@given(LONGS)
def test_every_long_comes_back(number: int) -> None:
    encoded = avro_binary.encode_long(number)
    assert avro_binary.decode_long(encoded, 0) == (number, len(encoded))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        avro_binary.encode_long(number)


@pytest.mark.parametrize("number", [1.0, 1.5, 1e6, "1", None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_what_is_no_integer_is_refused(number: Any) -> None:
    with pytest.raises(TypeError):
        avro_binary.encode_long(number)


@pytest.mark.parametrize("data", [b"\xff" * 9 + b"\x7f", b"\x80" * 10 + b"\x01"])
def test_a_long_of_more_than_64_bits_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        avro_binary.decode_long(data, 0)


def test_no_more_of_a_number_without_an_end_is_read_than_a_long_takes() -> None:
    class Counted(bytes):
        """Bytes that count how often one is looked at."""

        looks = 0

        def __getitem__(self, at: Any) -> Any:
            Counted.looks += 1
            return super().__getitem__(at)

    with pytest.raises(ValueError, match="64 bits"):
        avro_binary.decode_long(Counted(b"\xff" * 300_000), 0)

    assert Counted.looks == 10


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="negative length"):
        avro_binary.decode_length(b"\x03", 0)


def test_a_time_is_microseconds_since_1970() -> None:
    moment = datetime(1970, 1, 1, 0, 0, 1, 2, tzinfo=UTC)
    assert avro_binary.encode_timestamp(moment) == avro_binary.encode_long(1_000_002)
    assert avro_binary.decode_timestamp(avro_binary.encode_long(1_000_002), 0)[0] == moment


def test_a_list_written_in_blocks_with_sizes_is_read() -> None:
    """Other writers may: a negative count, the block's size in bytes, the items, and an empty block at the end."""
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "tags", "type": {"type": "array", "items": "string"}}],
    }
    body = b"\x03\x08\x02a\x02b" + b"\x02\x02c" + b"\x00"
    assert compiler.decoder(schema)(body, 0) == ({"tags": ["a", "b", "c"]}, len(body))


@pytest.mark.parametrize("type_", ["double", {"type": "map", "values": "string"}, ["string", "null"], "bytes"])
def test_what_the_contracts_do_not_allow_is_not_compiled(type_: Any) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": type_}]}
    with pytest.raises(compiler.NotCompilableError):
        compiler.encoder(schema)
    with pytest.raises(compiler.NotCompilableError):
        compiler.decoder(schema)


def test_field_names_do_not_meet_the_names_of_the_code() -> None:
    names = ["at", "data", "end", "length", "event", "stamps", "SMALL", "encode_long", "count"]
    schema = {"type": "record", "name": "R", "fields": [{"name": name, "type": "string"} for name in names]}
    record = {name: name for name in names}
    assert compiler.decoder(schema)(fastavro_bytes(schema, record), 0)[0] == record
