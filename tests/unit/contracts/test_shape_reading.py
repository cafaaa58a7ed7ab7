"""Fields cut out by the shape of an event against the whole decoder, for every event and for damaged bytes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import classes as catalogue
from paykit.events import compiler
from paykit.events.encoded_values import all_micros_of, micros_of, moment_of, number_of, numbers_of
from paykit.events.shape_reading import (
    FIELDS_MAX,
    LEARNED_ONE_OF,
    SHAPES_MAX,
    Constant,
    ShapedMessage,
    ShapeLayout,
    ShapeReader,
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


def learned(schema: Any, record: dict[str, Any], *constants: str) -> Callable[[bytes], dict[str, Any] | None]:
    """Return what gives all fields of messages like this one that are not null."""
    types = scalars(schema)
    names = [name for name in types if record[name] is not None]
    layout = ShapeLayout(list(map(Constant, constants)), names, ShapedMessage)
    reader: ShapeReader[Any, ShapedMessage] = ShapeReader(schema, lambda _event: layout, prefix_bytes=len(PREFIX))
    reader.learn(message(schema, record), record)

    def read(data: bytes) -> dict[str, Any] | None:
        taken = reader.read(data)
        if taken is None:
            return None
        try:
            return {name: scalar(types[name], value) for name, value in zip(names, cut(taken), strict=True)}
        except UnicodeDecodeError:
            return None

    return read


def cut(taken: ShapedMessage) -> list[bytes]:
    return [value for [value] in taken.shape.columns([taken.data])]


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
    taken = learned(schema, record)(bytes(damaged))
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
    if learned(PAYMENT, example)(message(PAYMENT, example)) is None:
        return  # A number of more than eight bytes, or a time of fewer.
    other = {**record, "amount_minor": amount_minor, "currency_code": letters}
    taken = learned(PAYMENT, example)(message(PAYMENT, other))
    assert taken == {name: other[name] for name in scalars(PAYMENT) if other[name] is not None}
    one_currency = learned(PAYMENT, example, "currency_code")
    assert one_currency(message(PAYMENT, example)) is not None
    assert one_currency(message(PAYMENT, other)) == (taken if letters == "USD" else None)


TEXT = {"type": "record", "name": "Text", "fields": [{"name": "text", "type": "string"}]}


class Told:
    """A reader of one text."""

    def __init__(self, *, letters: int | None = 0) -> None:
        layout = ShapeLayout([Constant("text", letters)], ["text"], ShapedMessage)
        self._reader: ShapeReader[str, ShapedMessage] = ShapeReader(
            TEXT, lambda event: None if event == "unread" else layout, prefix_bytes=0
        )
        self.learn = self._reader.learn

    def read(self, data: bytes) -> str | None:
        taken = self._reader.read(data)
        return cut(taken)[0].decode() if taken is not None else None


def text(value: str) -> bytes:
    return fastavro_bytes(TEXT, {"text": value})


def test_one_of_so_many_unknown_events_is_learned_from() -> None:
    reader = Told()
    for number in range(LEARNED_ONE_OF + 1):
        reader.learn(text("a" * (number + 1)), "a")
    lengths = [number + 1 for number in range(LEARNED_ONE_OF + 1) if reader.read(text("b" * (number + 1)))]
    assert lengths == [1, LEARNED_ONE_OF + 1]


def test_letters_at_the_beginning_may_be_what_a_shape_has_in_common() -> None:
    reader = Told(letters=2)
    reader.learn(text("ab1"), "ab1")
    assert [reader.read(text(value)) for value in ("ab2", "ac1", "ab22")] == ["ab2", None, None]
    reader = Told(letters=9)
    reader.learn(text("ab1"), "ab1")
    assert [reader.read(text(value)) for value in ("ab1", "ab2")] == ["ab1", None]


def test_nothing_is_learned_of_what_is_to_be_read_as_a_whole() -> None:
    reader = Told()
    reader.learn(text("unread"), "unread")
    assert reader.read(text("unread")) is None


def test_a_reader_that_has_learned_too_many_shapes_begins_anew() -> None:
    reader = Told()
    for number in range(SHAPES_MAX + 1):
        for _ in range(LEARNED_ONE_OF):
            reader.learn(text("a" * number), "a")
    assert reader.read(text("")) is None
    assert reader.read(text("b" * SHAPES_MAX)) == "b" * SHAPES_MAX


def test_events_of_more_values_than_a_shape_may_have_are_read_as_a_whole() -> None:
    many = {"type": "record", "name": "Many", "fields": [{"name": "all", "type": {"type": "array", "items": "long"}}]}

    def reads(count: int) -> int | None:
        layout = ShapeLayout([], [], lambda _shape, _data: 1)
        reader: ShapeReader[Any, int] = ShapeReader(many, lambda _: layout, prefix_bytes=0)
        data = fastavro_bytes(many, {"all": [1] * count})
        reader.learn(data, None)
        return reader.read(data)

    assert (reads(FIELDS_MAX), reads(FIELDS_MAX + 1)) == (1, None)


def test_times_that_are_encoded_wastefully_are_of_no_shape() -> None:
    """Their bytes would be passed on as they are, and no decoder and encoder between would make them shorter."""
    moment = {"type": "long", "logicalType": "timestamp-micros"}
    schema = {"type": "record", "name": "Told", "fields": [{"name": "at", "type": moment}]}
    usual = fastavro_bytes(NUMBER, {"number": 1_772_366_400_000_000})
    later = fastavro_bytes(NUMBER, {"number": 1_803_902_400_000_000})
    wasteful = usual[:-1] + b"\0"
    assert len(usual) == len(later) == len(wasteful) == 8
    layout = ShapeLayout([], ["at"], ShapedMessage)
    for example, other, taken in ((usual, later, True), (usual, wasteful, False), (wasteful, wasteful, False)):
        reader: ShapeReader[Any, ShapedMessage] = ShapeReader(schema, lambda _: layout, prefix_bytes=0)
        reader.learn(example, None)
        assert (reader.read(other) is not None) is taken


@pytest.mark.parametrize("number", [0, 1, -1, 63, 64, -64, -65, 8_191, 8_192, 2**53 - 1, -(2**54)])
def test_numbers_come_back(number: int) -> None:
    assert number_of(fastavro_bytes(NUMBER, {"number": number})) == number


@given(st.integers(2**48, 2**55 - 1) | st.integers(-(2**55), -(2**48) - 1))
def test_times_of_eight_bytes_come_back(micros: int) -> None:
    encoded = fastavro_bytes(NUMBER, {"number": micros})
    assert (len(encoded), micros_of(encoded)) == (8, micros)


@given(st.lists(st.integers(-(2**54), 2**54), max_size=20))
def test_a_column_of_numbers_comes_back(numbers: list[int]) -> None:
    assert numbers_of([fastavro_bytes(NUMBER, {"number": each}) for each in numbers]) == numbers


@given(st.lists(st.integers(2**48, 2**55 - 1) | st.integers(-(2**55), -(2**48) - 1), max_size=20))
def test_a_column_of_times_comes_back(times_us: list[int]) -> None:
    encoded = [fastavro_bytes(NUMBER, {"number": each}) for each in times_us]
    assert all_micros_of(encoded) == times_us
    assert [micros_of(each) for each in encoded] == times_us


NUMBER = {"type": "record", "name": "Number", "fields": [{"name": "number", "type": "long"}]}
