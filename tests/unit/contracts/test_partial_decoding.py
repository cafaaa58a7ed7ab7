"""Decoders of some fields against those of whole events."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import compiler, schema_files
from paykit.events import goldens as contract_goldens
from paykit.events.partial_decoding import partial_decoder
from tests.unit.contracts.test_compiler import FILES, NAMES, WRONG_BYTES, fastavro_bytes, values

TAGGED: dict[str, Any] = {
    "type": "record",
    "name": "Tagged",
    "fields": [
        {"name": "before", "type": "string"},
        {
            "name": "tags",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Tag",
                    "fields": [{"name": "word", "type": "string"}, {"name": "rank", "type": "long"}],
                },
            },
        },
        {"name": "after", "type": ["null", "long"]},
    ],
}


def fields_of(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what may be asked for, in the order of a schema."""
    for field in schema["fields"]:
        match field["type"]:
            case {"type": "array", "items": {"type": "record", "fields": inner}}:
                yield from (f"{field['name']}.{each['name']}" for each in inner if _is_scalar(each["type"]))
            case kind if _is_scalar(kind):
                yield field["name"]


def _is_scalar(kind: Any) -> bool:
    """Return whether a value of a type is one value; types that are named again are left out."""
    inner = kind[1] if isinstance(kind, list) else kind
    if isinstance(inner, dict):
        return inner["type"] not in {"array", "record"}
    return inner in {"string", "long", "boolean"}


def picked(record: Mapping[str, Any], fields: tuple[str, ...]) -> tuple[Any, ...]:
    """Take fields out of a whole record, those of one array together."""
    asked: dict[str, list[str]] = {}
    for field in fields:
        name, _, inner = field.partition(".")
        asked.setdefault(name, []).append(inner)
    return tuple(
        [tuple(item[each] for each in inner) for item in record[name]] if inner[0] else record[name]
        for name, inner in asked.items()
    )


def choose(data: st.DataObject, file: schema_files.SchemaFile) -> tuple[str, ...]:
    there = list(fields_of(file.schema))
    chosen = data.draw(st.sets(st.sampled_from(there)))
    return tuple(field for field in there if field in chosen)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_fields_of_any_event_are_those_of_the_whole_event(
    file: schema_files.SchemaFile, data: st.DataObject
) -> None:
    record, fields = data.draw(values(file.schema, {})), choose(data, file)
    body = fastavro_bytes(file.schema, record)
    read = partial_decoder(file.schema, fields)(b"prefix" + body, 6)
    assert read == (picked(record, fields), 6 + len(body))


@pytest.mark.parametrize("file", FILES, ids=NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_of_damaged_bytes_the_same_are_refused_but_for_texts_that_are_not_asked_for(
    file: schema_files.SchemaFile, data: st.DataObject
) -> None:
    body, fields = bytearray(contract_goldens.load(file).body), choose(data, file)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body)
    whole = outcome(compiler.decoder(file.schema), damaged)
    part = outcome(partial_decoder(file.schema, fields), damaged)
    if isinstance(whole, dict):
        assert part == picked(whole, fields)
    elif whole is not UnicodeDecodeError:
        assert not isinstance(part, tuple)


def outcome(decode: Any, data: bytes) -> Any:
    """Return what was decoded of all the bytes, or why it was not."""
    try:
        decoded, end = decode(data, 0)
    except WRONG_BYTES as error:
        return type(error)
    return decoded if end == len(data) else ValueError


def test_a_list_written_in_blocks_with_sizes_is_read_and_passed_over() -> None:
    """Two blocks: one of two items, with its size of 6 bytes before it, and one of one item without."""
    body = b"\x02b" + b"\x03\x0c\x02x\x02\x02y\x04" + b"\x02\x02z\x80\x01" + b"\x00" + b"\x02\x0a"
    asked = ("before", "tags.word", "tags.rank", "after")
    assert partial_decoder(TAGGED, asked)(body, 0) == (("b", [("x", 1), ("y", 2), ("z", 64)], 5), len(body))
    assert partial_decoder(TAGGED, ("after",))(body, 0) == ((5,), len(body))
    assert partial_decoder(TAGGED, ())(body, 0) == ((), len(body))


def test_a_text_of_more_than_63_bytes_is_passed_over() -> None:
    """Its length takes two bytes."""
    body = b"\x80\x01" + b"t" * 64 + b"\x00" + b"\x00"
    assert partial_decoder(TAGGED, ("after",))(body, 0) == ((None,), len(body))


@pytest.mark.parametrize("fields", [("nothing",), ("after", "before"), ("tags",), ("tags.size",), ("before.x",)])
def test_what_a_schema_does_not_have_is_not_compiled(fields: tuple[str, ...]) -> None:
    with pytest.raises(compiler.NotCompilableError):
        partial_decoder(TAGGED, fields)


def test_the_test_knows_the_fields_of_arrays() -> None:
    assert list(fields_of(TAGGED)) == ["before", "tags.word", "tags.rank", "after"]
