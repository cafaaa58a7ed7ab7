"""Readers that know where the fields of an event stand, from events of the same shape that were read before.

Where each value of a body begins follows from few of its bytes, its *marks*: lengths, branches, symbols, how many
records an array has, and the flags of numbers that say how many bytes they take. Bodies that have them in common have
every field at the same place. So one event is read as a whole and traced, and of those that are of its *shape* the
fields are cut out, after one comparison of all of their bytes: a quarter of the time that reading them takes.

What is read of the events of a shape, its consumer decides once, of the example: which fields, and what these must
have in common beside their marks, as the type of a transaction. The events are left as they are until all of a shape
are cut together: their fields come in columns, at a tenth of what they cost one by one.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from paykit.events.avro_binary import decode_long, encode_long
from paykit.events.compiler import NotCompilableError, scalar_of
from paykit.events.encoded_values import MOMENT_BYTES, moment_of

R = TypeVar("R")
E = TypeVar("E")

SHAPES_MAX = 1_024
"""Shapes that a reader keeps, of about 3 KB each; when it has so many, it begins anew."""
LEARNED_ONE_OF = 8
"""Of so many events in a row that are of no shape, one is learned from: that takes as long as to read several."""
FIELDS_MAX = 256
"""Values of an event that is learned from."""
_NUMBER_BYTES_MAX = 8
"""Of a number that is learned from: all of so many bytes are below 2^55."""
_MORE = 0x80
"""The flag of a byte of a number that more follow."""
_ALL_BITS = 0xFF


class Constant(NamedTuple):
    """A field that events of a shape have in common.

    Attributes:
        name: Of the field; of a record in an array, `entries.0.effect`.
        letters: How many bytes of its value, from the first on; None for all of them.
    """

    name: str
    letters: int | None = None


class Cut(NamedTuple):
    """How a field is cut out.

    Attributes:
        name: Of the field, as in a `Constant`.
        skipped: How many bytes of its value are left out in front.
        encoded: Whether its length and branch stand in front of it, as events have them; null is its branch alone.
    """

    name: str
    skipped: int = 0
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class ShapeLayout(Generic[R]):
    """What is read of the events of a shape.

    Attributes:
        constants: Fields that they have in common.
        fields: Those that are read, in the order of the schema, without those that are null: by a name alone, the bytes
            of the value without its length and branch.
        keep: What an event is until all of its shape are cut together.
        about: What the consumer knows of the example.
        ascii_alone: Whether only those are of the shape whose texts are all ASCII, as the example's: they are UTF-8.
    """

    constants: Sequence[Constant]
    fields: Sequence[str | Cut]
    keep: "Callable[[Shape, bytes], R]"
    about: Any = None
    ascii_alone: bool = False


Specialize = Callable[[E], ShapeLayout[R] | None]
"""Says what is read of the events that are like an example; None: nothing, they are decoded as a whole. Pure."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What messages have in common.

    Attributes:
        struct: Cuts a message.
        places: By the name of a field, where its value stands.
        about: What the consumer knows of the example.
    """

    struct: struct.Struct
    places: Mapping[str, slice]
    about: Any

    def columns(self, messages: Sequence[bytes]) -> list[tuple[bytes, ...]]:
        """Return the fields of messages of this shape, at least one, each in a column."""
        return [*zip(*self.struct.iter_unpack(b"".join(messages)), strict=True)]


class _ShapedFields(NamedTuple):
    shape: Shape
    data: bytes


class ShapedMessage(_ShapedFields):
    """A message whose shape is known, until it is cut with others."""

    __slots__ = ()

    @property
    def recorded(self) -> bytes:
        """When the producer recorded the event, as it stands there."""
        return self.data[self.shape.places["recorded_at"]]

    @property
    def recorded_at(self) -> datetime:
        """The same, in UTC."""
        return moment_of(self.recorded)


def by_shape(events: Sequence[object]) -> tuple[dict[Shape, tuple[list[int], list[bytes]]], list[int]]:
    """Return the messages of each shape with their positions, and the positions of all that is no shaped message."""
    shaped: dict[Shape, tuple[list[int], list[bytes]]] = defaultdict(lambda: ([], []))
    others = []
    for at, event in enumerate(events):
        if isinstance(event, ShapedMessage):
            ats, messages = shaped[event.shape]
            ats.append(at)
            messages.append(event.data)
        else:
            others.append(at)
    return shaped, others


class _Known(NamedTuple, Generic[R]):
    mask: int
    marks: int
    keep: Callable[[bytes], R]


class ShapeReader(Generic[E, R]):
    """Reads messages of one schema by the shapes that it has learned.

    It makes nothing of what the whole decoder refuses, but for one thing: that texts nobody asks for are UTF-8 is not
    looked at.
    """

    def __init__(self, schema: Mapping[str, Any], specialize: Specialize[E, R], *, prefix_bytes: int) -> None:
        """Begin without shapes.

        Args:
            schema: Of a file of this build.
            specialize: Says what is read.
            prefix_bytes: Before the body of a message; the same for all messages of a schema.
        """
        self._schema = schema
        self._specialize = specialize
        self._prefix_bytes = prefix_bytes
        self._shapes: dict[int, list[_Known[R]]] = {}  # By the length of messages.
        self._count = 0
        self._unknown = 0

    def read(self, data: bytes) -> R | None:
        """Return a message of a shape that was learned; None of every other, which is to be read as a whole."""
        shapes = self._shapes.get(len(data))
        if shapes is not None:
            number = int.from_bytes(data)
            for mask, marks, keep in shapes:
                if number & mask == marks:
                    return keep(data)
        return None

    def learn(self, data: bytes, event: E) -> None:
        """Take note that a message was read as a whole, and learn the shape of some."""
        self._unknown += 1
        if self._unknown % LEARNED_ONE_OF != 1:
            return
        layout = self._specialize(event)
        traced = _trace(self._schema, data, self._prefix_bytes) if layout is not None else None
        if layout is None or traced is None:
            return
        learned = _known(data, traced, layout)
        if learned is None:
            return
        if self._count >= SHAPES_MAX:
            self._shapes.clear()
            self._count = 0
        self._shapes.setdefault(len(data), []).append(learned)
        self._count += 1


class _NoShapeError(Exception):
    """Nothing is learned from this message: it is too large, or encoded in an unusual way."""


@dataclass(slots=True)
class _Trace:
    """Where the values of a message stand.

    Attributes:
        at: Where the next one begins.
        mask: A byte for each of the message: its bits that are marks.
        places: By the name of a field, where its value begins and ends.
        begins: By the name of a field, where it begins with its branch and length, null as well.
        texts: Where texts begin and end.
    """

    data: bytes
    at: int
    mask: bytearray
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    begins: dict[str, int] = field(default_factory=dict)
    texts: list[tuple[int, int]] = field(default_factory=list)
    types: dict[str, Any] = field(default_factory=dict)

    def record(self, node: Mapping[str, Any], path: str) -> None:
        for each in node["fields"]:
            self.value(each["type"], f"{path}{each['name']}")

    def value(self, node: Any, name: str) -> None:
        """Pass over a value, and note its place and its marks."""
        if isinstance(node, dict) and node.get("type") in {"record", "enum"}:
            self.types[node["name"]] = node
        self.begins.setdefault(name, self.at)
        match self.types.get(node, node) if isinstance(node, str) else node:
            case ["null", one]:
                if self._marked_number():
                    self.value(one, name)
            case {"type": "enum"}:
                begin = self.at
                self._marked_number()
                self._note(name, begin)
            case {"type": "array", "items": items}:
                self._array(items, name)
            case {"type": "record", "fields": _} as record:
                self.record(record, f"{name}.")
            case scalar:
                self._scalar(scalar_of(scalar), name)

    def _array(self, items: Any, name: str) -> None:
        count = self._marked_number()
        for place in range(count):
            self.value(items, f"{name}.{place}")
        if count < 0 or (count and self._marked_number()):
            raise _NoShapeError  # Several blocks, or one that tells its size.

    def _scalar(self, kind: str, name: str) -> None:
        if kind == "string":
            length = self._marked_number()
            begin, self.at = self.at, self.at + length
            self.texts.append((begin, self.at))
        elif kind == "boolean":
            begin = self.at
            self._mark(begin + 1)
        else:
            begin, (_, self.at) = self.at, decode_long(self.data, self.at)
            self.mask[begin : self.at] = bytes([_MORE]) * (self.at - begin)
            taken = self.at - begin
            if kind == "timestamp-micros":
                # The last byte changes every nine years. That it is not 0 says that none is encoded wastefully.
                self.mask[self.at - 1] = _ALL_BITS
                if taken != MOMENT_BYTES or not self.data[self.at - 1]:
                    raise _NoShapeError
            elif taken > _NUMBER_BYTES_MAX:
                raise _NoShapeError
        self._note(name, begin)

    def _marked_number(self) -> int:
        number, end = decode_long(self.data, self.at)
        if self.data[self.at : end] != encode_long(number):
            raise _NoShapeError  # Encoded wastefully: what is passed on as it is would be told of so.
        self._mark(end)
        return number

    def _mark(self, end: int) -> None:
        self.mask[self.at : end] = bytes([_ALL_BITS]) * (end - self.at)
        self.at = end

    def _note(self, name: str, begin: int) -> None:
        if len(self.places) >= FIELDS_MAX:
            raise _NoShapeError
        self.places[name] = (begin, self.at)


def _trace(schema: Mapping[str, Any], data: bytes, at: int) -> _Trace | None:
    """Find where the values of a message stand that was decoded; None where nothing is learned from it."""
    trace = _Trace(data, at, bytearray(bytes([_ALL_BITS]) * at + bytes(len(data) - at)))
    try:
        trace.record(schema, "")
    except _NoShapeError:
        return None
    return trace


def _known(data: bytes, trace: _Trace, layout: ShapeLayout[R]) -> _Known[R] | None:
    """Return the shape of a message; None where it has none, as its texts are not all ASCII.

    Raises:
        NotCompilableError: A field that is read is null or not there, or they are not in the order of the schema.
    """
    for name, letters in layout.constants:
        begin, end = _place(trace, name)
        end = end if letters is None else min(end, begin + letters)
        trace.mask[begin:end] = bytes([_ALL_BITS]) * (end - begin)
    for begin, end in trace.texts if layout.ascii_alone else ():
        if not data[begin:end].isascii():
            return None
        trace.mask[begin:end] = bytes(bits | _MORE for bits in trace.mask[begin:end])
    form, at = "", 0
    for cut in layout.fields:
        begin, end = _cut_place(trace, cut if isinstance(cut, Cut) else Cut(cut))
        if begin < at:
            raise NotCompilableError(f"{cut} does not stand behind the fields before it")
        form += f"{begin - at}x{end - begin}s"
        at = end
    mask = int.from_bytes(trace.mask)
    cutter = struct.Struct(f"{form}{len(data) - at}x")
    shape = Shape(cutter, {name: slice(*place) for name, place in trace.places.items()}, layout.about)
    return _Known(mask, int.from_bytes(data) & mask, partial(layout.keep, shape))


def _cut_place(trace: _Trace, cut: Cut) -> tuple[int, int]:
    if cut.encoded and cut.name in trace.begins and cut.name not in trace.places:
        return trace.begins[cut.name], trace.begins[cut.name] + 1  # The branch of null.
    begin, end = _place(trace, cut.name)
    return (trace.begins[cut.name] if cut.encoded else begin + cut.skipped), end


def _place(trace: _Trace, name: str) -> tuple[int, int]:
    place = trace.places.get(name)
    if place is None:
        raise NotCompilableError(f"no value stands in {name}")
    return place
