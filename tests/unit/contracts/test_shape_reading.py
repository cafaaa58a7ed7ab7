"""Fields cut out by the shape of an event against the whole decoder, for every event and for damaged bytes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import classes as catalogue
from paykit.events import compiler
from paykit.events.shape_reading import (
    FIELDS_MAX,
    LEARNED_ONE_OF,
    SHAPES_MAX,
    Constant,
    ShapeLayout,
    ShapeReader,
    micros_of,
    moment_of,
    number_of,
)
from tests.unit.contracts.test_compiler import fastavro_bytes, values

FILES = catalogue.own_files()
PREFIX = b"\0\0\0\0\7"


def scalar(node: Any, encoded: bytes) -> Any:
    """Return a value by its bytes, as the whole decoder has it."""
    match node:
        case ["null", one]:
            return scalar(one, encoded)
        case {"type": "enum", "symbols": symbols}:
            return symbols[number_of(encoded)]
        case {"logicalType": _}:
            return moment_of(encoded)
        case "string":
            return encoded.decode()
        case "boolean":
            return encoded == b"\1"
    return number_of(encoded)


def scalars(schema: Any) -> dict[str, Any]:
    """Return the types of fields that hold one value and are defined where they stand."""
    return {field["name"]: field["type"] for field in schema["fields"] if holds_one(field["type"])}


def holds_one(kind: Any) -> bool:
    inner = kind[1] if isinstance(kind, list) else kind
    if isinstance(inner, dict):
        return inner["type"] == "enum" or "logicalType" in inner
    return inner in {"string", "long", "boolean"}


def learned(schema: Any, record: dict[str, Any], *constants: str) -> ShapeReader[Any, dict[str, Any]]:
    """Return a reader that gives all fields of events like this one that are not null."""
    types = scalars(schema)
    names = [name for name in types if record[name] is not None]

    def make(encoded: tuple[bytes, ...]) -> dict[str, Any] | None:
        try:
            return {name: scalar(types[name], value) for name, value in zip(names, encoded, strict=True)}
        except UnicodeDecodeError:
            return None

    layout = ShapeLayout(list(map(Constant, constants)), names, make)
    reader: ShapeReader[Any, dict[str, Any]] = ShapeReader(schema, lambda _event: layout, prefix_bytes=len(PREFIX))
    reader.learn(message(schema, record), record)
    return reader


def message(schema: Any, record: dict[str, Any]) -> bytes:
    return PREFIX + fastavro_bytes(schema, record)


@pytest.mark.parametrize("name", sorted(FILES))
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_what_a_shape_takes_has_the_values_that_the_whole_decoder_gives(name: str, data: st.DataObject) -> None:
    schema = FILES[name].schema
    record = data.draw(values(schema, {}))
    original = message(schema, record)
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(len(PREFIX), len(damaged) - 1))] = data.draw(st.integers(0, 255))
    taken = learned(schema, record).read(bytes(damaged))
    if taken is not None:
        try:
            whole, end = compiler.decoder(schema)(bytes(damaged), len(PREFIX))
        except UnicodeDecodeError:
            return  # Of a text in an array, which nobody asked for.
        assert end == len(damaged)
        assert taken == {field: whole[field] for field in taken}


PAYMENT = FILES["paystream.payment.v1.PaymentSuccess"].schema
usual = values(PAYMENT, {}).map(lambda record: {**record, "currency_code": "USD", "amount_minor": 9_999})


@settings(max_examples=50, deadline=None)
@given(record=usual, amount_minor=st.integers(64, 8_191), letters=st.text("ABC", min_size=3, max_size=3))
def test_other_values_of_as_many_bytes_are_of_the_same_shape(
    record: dict[str, Any], amount_minor: int, letters: str
) -> None:
    example = {**record, "amount_minor": 8_000}
    if learned(PAYMENT, example).read(message(PAYMENT, example)) is None:
        return  # A number of more than eight bytes, or a time of fewer.
    other = {**record, "amount_minor": amount_minor, "currency_code": letters}
    taken = learned(PAYMENT, example).read(message(PAYMENT, other))
    assert taken == {name: other[name] for name in scalars(PAYMENT) if other[name] is not None}
    one_currency = learned(PAYMENT, example, "currency_code")
    assert one_currency.read(message(PAYMENT, example)) is not None
    assert one_currency.read(message(PAYMENT, other)) == (taken if letters == "USD" else None)


TEXT = {"type": "record", "name": "Text", "fields": [{"name": "text", "type": "string"}]}


def told(*, letters: int | None = 0) -> ShapeReader[str, str]:
    def specialize(event: str) -> ShapeLayout[str] | None:
        if event == "unread":
            return None
        return ShapeLayout([Constant("text", letters)], ["text"], lambda encoded: encoded[0].decode())

    return ShapeReader(TEXT, specialize, prefix_bytes=0)


def text(value: str) -> bytes:
    return fastavro_bytes(TEXT, {"text": value})


def test_one_of_so_many_unknown_events_is_learned_from() -> None:
    reader = told()
    for number in range(LEARNED_ONE_OF + 1):
        reader.learn(text("a" * (number + 1)), "a")
    lengths = [number + 1 for number in range(LEARNED_ONE_OF + 1) if reader.read(text("b" * (number + 1)))]
    assert lengths == [1, LEARNED_ONE_OF + 1]


def test_letters_at_the_beginning_may_be_what_a_shape_has_in_common() -> None:
    reader = told(letters=2)
    reader.learn(text("ab1"), "ab1")
    assert [reader.read(text(value)) for value in ("ab2", "ac1", "ab22")] == ["ab2", None, None]
    reader = told(letters=9)
    reader.learn(text("ab1"), "ab1")
    assert [reader.read(text(value)) for value in ("ab1", "ab2")] == ["ab1", None]


def test_nothing_is_learned_of_what_is_to_be_read_as_a_whole() -> None:
    reader = told()
    reader.learn(text("unread"), "unread")
    assert reader.read(text("unread")) is None


def test_a_reader_that_has_learned_too_many_shapes_begins_anew() -> None:
    reader = told()
    for number in range(SHAPES_MAX + 1):
        for _ in range(LEARNED_ONE_OF):
            reader.learn(text("a" * number), "a")
    assert reader.read(text("")) is None
    assert reader.read(text("b" * SHAPES_MAX)) == "b" * SHAPES_MAX


def test_events_of_more_values_than_a_shape_may_have_are_read_as_a_whole() -> None:
    many = {"type": "record", "name": "Many", "fields": [{"name": "all", "type": {"type": "array", "items": "long"}}]}

    def reads(count: int) -> int | None:
        reader: ShapeReader[Any, int] = ShapeReader(many, lambda _: ShapeLayout([], [], lambda _: 1), prefix_bytes=0)
        data = fastavro_bytes(many, {"all": [1] * count})
        reader.learn(data, None)
        return reader.read(data)

    assert (reads(FIELDS_MAX), reads(FIELDS_MAX + 1)) == (1, None)


@pytest.mark.parametrize("number", [0, 1, -1, 63, 64, -64, -65, 8_191, 8_192, 2**53 - 1, -(2**54)])
def test_numbers_come_back(number: int) -> None:
    assert number_of(fastavro_bytes(NUMBER, {"number": number})) == number


@given(st.integers(2**48, 2**55 - 1) | st.integers(-(2**55), -(2**48) - 1))
def test_times_of_eight_bytes_come_back(micros: int) -> None:
    encoded = fastavro_bytes(NUMBER, {"number": micros})
    assert (len(encoded), micros_of(encoded)) == (8, micros)


NUMBER = {"type": "record", "name": "Number", "fields": [{"name": "number", "type": "long"}]}
