"""Decoders that read some fields of an event and pass over the others, compiled from its schema.

A consumer that needs a third of an event's fields gets them in a third of the time of the whole event. What a schema
adds, such a decoder passes over by itself; a field that a schema does not have is refused when it is compiled.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from paykit.events.avro_binary import decode_length, decode_timestamp
from paykit.events.compiler import DECODED, INDENT, NotCompilableError, SourceWriter, scalar_of

PartialDecode = Callable[[bytes, int], tuple[tuple[Any, ...], int]]
"""(data, position) -> (values of the fields asked for, position after the body)."""

_PASSED = [(byte >> 1) + 1 if byte < 0x80 and byte % 2 == 0 else 0 for byte in range(256)]  # noqa: PLR2004
"""What a first byte says of how many bytes a text takes with its length; 0 when more bytes of the length follow."""
MOMENTS_MAX = 4_096
"""Moments that a decoder keeps at most."""
_KEPT_BYTES = 8
"""Of moments that are kept, so that eight bytes are always looked up; the last of them says that no more follow."""
_FLAGS = 0x8080808080808080
_EIGHT_BYTES = 0x0080808080808080
"""The flags of a varint of eight bytes, as moments from 1978 to 3111 take: all can be datetimes."""

_READ = {
    **DECODED,
    # Amounts take one byte or two, as a rule; a call would cost three times as much as they do.
    "long": """\
{name} = data[at]
if {name} < 0x80:
    {name} = {name} >> 1 ^ -({name} & 1)
    at += 1
elif (high := data[at + 1]) < 0x80:
    {name} = {name} & 0x7F | high << 7
    {name} = {name} >> 1 ^ -({name} & 1)
    at += 2
else:
    {name}, at = decode_long(data, at)""",
    "timestamp-micros": """\
{name} = moments.get(data[at:at + 8])
if {name} is not None:
    at += 8
else:
    {name}, at = decode_moment(data, at, moments)""",
}

_PASS = {
    "string": "at += PASSED[data[at]] or passed(data, at)",
    "long": """\
if data[at] < 0x80:
    at += 1
elif data[at + 1] < 0x80:
    at += 2
else:
    _, at = decode_long(data, at)""",
    "boolean": """\
BOOLEAN_OF[data[at]]
at += 1""",
    "timestamp-micros": """\
if int.from_bytes(data[at:at + 8], 'little') & FLAGS == EIGHT_BYTES:
    at += 8
else:
    _, at = decode_timestamp(data, at)""",
}


def partial_decoder(schema: Mapping[str, Any], fields: Sequence[str]) -> PartialDecode:
    """Make a function that reads fields of a record, as the whole decoder would, and passes over the others.

    It refuses what the whole decoder refuses, and by the same errors, but for one thing: texts that nobody asked for
    are not looked at, so that they may be no UTF-8.

    Args:
        schema: Of a file of this build.
        fields: Names, in the order of the schema. `entries.effect` stands for the field of the records of an array:
            those asked for of one array are one value, a list with a tuple of them for each record.

    Raises:
        NotCompilableError: The schema does not have one of the fields, has them in another order, or uses what the
            contracts do not allow.
    """
    writer = _PartialDecoders()
    writer.function(schema, tuple(fields))
    return cast("PartialDecode", writer.compile("decode"))


class _PartialDecoders(SourceWriter):
    def __init__(self) -> None:
        super().__init__()
        self.names |= {"PASSED": _PASSED, "passed": _passed, "FLAGS": _FLAGS, "EIGHT_BYTES": _EIGHT_BYTES}
        self.names |= {"moments": {}, "decode_moment": _decode_moment}

    def function(self, schema: Mapping[str, Any], fields: tuple[str, ...]) -> None:
        body, values = self._record(schema, fields, "v")
        body.append(f"return {values}, at")
        self.source += ["def decode(data, at):", *(INDENT + line for line in body)]

    def _record(self, node: Mapping[str, Any], fields: tuple[str, ...], prefix: str) -> tuple[list[str], str]:
        """Return the statements that read a record's fields, and the expression of the tuple of those asked for."""
        body: list[str] = []
        read: list[str] = []
        found: list[str] = []
        for field in node["fields"]:
            name = field["name"]
            inner = tuple(asked.partition(".")[2] for asked in fields if asked.partition(".")[0] == name)
            if not inner:
                body += self._pass(field["type"])
                continue
            read.append(f"{prefix}_{name}")
            found += [f"{name}.{asked}" if asked else name for asked in inner]
            body += self._read(field["type"], read[-1], tuple(filter(None, inner)))
        if tuple(found) != fields:
            raise NotCompilableError(f"{node['name']} does not have {fields} in this order")
        return body, f"({''.join(f'{name}, ' for name in read)})"

    def _read(self, node: Any, name: str, inner: tuple[str, ...]) -> Iterator[str]:
        """Return the statements that read a value at `at` into a variable and move `at` behind it."""
        resolved = self.resolve(node)
        if inner:
            yield from self._records(resolved, name, inner)
            return
        match resolved:
            case ["null", one]:
                yield from _optional(self._read(one, name, ()), f"{name} = None")
            case {"type": "enum", "name": enum, "symbols": symbols}:
                self.names[f"SYMBOLS_{enum}"] = dict(enumerate(symbols))
                yield from self._read("long", name, ())
                yield f"{name} = SYMBOLS_{enum}[{name}]"
            case scalar:
                yield from _READ[scalar_of(scalar)].format(name=name).splitlines()

    def _records(self, node: Any, name: str, inner: tuple[str, ...]) -> Iterator[str]:
        match node:
            case {"type": "array", "items": {"type": "record"} as record}:
                self.resolve(record)
                body, values = self._record(record, inner, f"{name}_item")
                yield f"{name} = []"
                yield from _blocks([*body, f"{name}.append({values})"])
            case other:
                raise NotCompilableError(f"{other} is no array of records")

    def _pass(self, node: Any) -> Iterator[str]:
        """Return the statements that move `at` behind a value."""
        match self.resolve(node):
            case ["null", one]:
                yield from _optional(self._pass(one), "pass")
            case {"type": "enum", "symbols": symbols}:
                # A symbol takes one byte, unless its writer was wasteful.
                yield from self._read("long", "number", ())
                yield from (f"if not 0 <= number < {len(symbols)}:", f"{INDENT}raise KeyError(number)")
            case {"type": "array", "items": items}:
                yield from _blocks(list(self._pass(items)))
            case {"type": "record", "fields": fields}:
                for field in fields:
                    yield from self._pass(field["type"])
            case scalar:
                yield from _PASS[scalar_of(scalar)].splitlines()


def _optional(present: Iterator[str], absent: str) -> Iterator[str]:
    """Return the statements of a value that may be null."""
    yield from ("branch = data[at]", "at += 1", "if branch == 2:")
    yield from (INDENT + line for line in present)
    yield from ("elif branch:", f"{INDENT}raise ValueError('no such branch')", "else:", f"{INDENT}{absent}")


def _blocks(item: Sequence[str]) -> Iterator[str]:
    """Return the statements that read blocks until an empty one; a negative count is followed by the block's size."""
    yield from ("count, at = decode_long(data, at)", "while count:")
    yield from (f"{INDENT}if count < 0:", f"{INDENT * 2}count, (_, at) = -count, decode_long(data, at)")
    yield f"{INDENT}for _ in range(count):"
    yield from (INDENT * 2 + line for line in item)
    yield f"{INDENT}count, at = decode_long(data, at)"


def _decode_moment(data: bytes, at: int, moments: dict[bytes, datetime]) -> tuple[datetime, int]:
    """Return a moment and where the next value begins, and keep it by its bytes.

    What one transaction of a producer recorded bears one moment, which takes ten times as long to make as to look up.
    """
    moment, end = decode_timestamp(data, at)
    if end - at == _KEPT_BYTES:
        if len(moments) >= MOMENTS_MAX:
            moments.clear()
        moments[data[at:end]] = moment
    return moment, end


def _passed(data: bytes, at: int) -> int:
    """Return how many bytes a text takes whose length takes more than one."""
    length, begin = decode_length(data, at)
    return begin - at + length
