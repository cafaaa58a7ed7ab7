"""Encoders and decoders of single schemas, written as Python source and compiled: three times as fast as a walk.

Like the `__init__` of a dataclass, the source is put together from the names of fields. Compile schema files of this
build only, never a schema from elsewhere; what the rules of the contracts do not allow is left to fastavro.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from paykit.events import avro_binary
from paykit.events.event import STAMPED

Encode = Callable[[Any, Mapping[str, Any]], bytes]
Decode = Callable[[bytes, int], tuple[dict[str, Any], int]]

INDENT = "    "
_TIMESTAMP = "timestamp-micros"


class NotCompilableError(Exception):
    """The schema uses what the contracts do not allow."""


_ENCODED = {
    "string": "encode_string({})",
    "long": "encode_long({})",
    "boolean": "BOOLEANS[{}]",
    _TIMESTAMP: "encode_moment({})",
}


DECODED = {
    "string": """\
length = LENGTHS[data[at]]
at += 1
if length < 0:
    length, at = decode_length(data, at - 1)
end = at + length
{name} = data[at:end].decode()
at = end""",
    # Most numbers take one byte; a call would cost twice as much as they do.
    "long": """\
{name} = data[at]
if {name} < 0x80:
    {name} = {name} >> 1 ^ -({name} & 1)
    at += 1
else:
    {name}, at = decode_long(data, at)""",
    "boolean": """\
{name} = BOOLEAN_OF[data[at]]
at += 1""",
    _TIMESTAMP: "{name}, at = decode_timestamp(data, at)",
}


def scalar_of(node: Any) -> str:
    """Name a type that holds one value.

    Raises:
        NotCompilableError: It is none that the contracts allow.
    """
    kind = node.get("logicalType") if isinstance(node, dict) else node
    if not isinstance(kind, str) or kind not in _ENCODED:
        raise NotCompilableError(f"no code for {node}")
    return kind


class SourceWriter:
    """Collects the functions of a schema's records, and the tables that they use."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = dict(vars(avro_binary))
        self.source: list[str] = []
        self._types: dict[str, Any] = {}

    def compile(self, function: str) -> Any:
        """Run the source, and return one of its functions."""
        exec(compile("\n".join(self.source), f"<avro {function}>", "exec"), self.names)  # noqa: S102 - see the module's docstring
        return self.names[function]

    def resolve(self, node: Any) -> Any:
        """Return the definition of a type that is named again."""
        if isinstance(node, dict) and node.get("type") in ("enum", "record"):
            self._types[node["name"]] = node
        if isinstance(node, str) and node in self._types:
            return self._types[node]
        return node


def encoder(schema: Mapping[str, Any]) -> Encode:
    """Make a function (event, stamps) -> Avro body; stamps take the place of the event's own stamped fields.

    It raises whatever a value of a wrong type leads to: TypeError, AttributeError, KeyError or OverflowError.

    Raises:
        NotCompilableError: The schema uses what the contracts do not allow.
    """
    writer = _Encoders()
    writer.record(schema, "encode", stamped=True)
    return cast("Encode", writer.compile("encode"))


def decoder(schema: Mapping[str, Any]) -> Decode:
    """Make a function (data, position) -> (fields by name, position after the body).

    It raises whatever wrong bytes lead to: IndexError, KeyError, ValueError or OverflowError. A position beyond the end
    of the data means that the data was cut short.

    Raises:
        NotCompilableError: The schema uses what the contracts do not allow.
    """
    writer = _Decoders()
    writer.record(schema, "decode")
    return cast("Decode", writer.compile("decode"))


class _Encoders(SourceWriter):
    def record(self, node: Mapping[str, Any], function: str, *, stamped: bool = False) -> None:
        body: list[str] = []
        parts: list[str] = []
        for field in node["fields"]:
            name, local = field["name"], f"v_{field['name']}"
            value = f"stamps.get({name!r}, event.{name})" if stamped and name in STAMPED else f"event.{name}"
            body += [f"{local} = {value}"]
            parts += self._parts(field["type"], local, body)
        body.append(f"return b''.join(({', '.join(parts)},))")
        self.source += [f"def {function}(event{', stamps' if stamped else ''}):", *(INDENT + line for line in body)]

    def _parts(self, node: Any, name: str, body: list[str]) -> list[str]:
        """Return the expressions of a value's bytes; a text's length and bytes stay apart to be joined once."""
        if self.resolve(node) != "string":
            return [self._expression(node, name)]
        body += [f"{name} = {name}.encode()", f"{name}_length = len({name})"]
        return [f"SMALL[{name}_length] if {name}_length <= SMALL_MAX else encode_long({name}_length)", name]

    def _expression(self, node: Any, value: str) -> str:
        match self.resolve(node):
            case ["null", inner]:
                return f"b'\\0' if {value} is None else b'\\2' + {self._expression(inner, value)}"
            case {"type": "array", "items": items}:
                joined = f"b''.join([{self._expression(items, 'item')} for item in {value}])"
                return f"(encode_long(len({value})) + {joined} + b'\\0' if {value} else b'\\0')"
            case {"type": "enum", "name": name, "symbols": symbols}:
                self.names[f"SYMBOLS_{name}"] = {text: avro_binary.encode_long(at) for at, text in enumerate(symbols)}
                # An enum's hash and its property `value` are Python functions; its member `_value_` is a slot.
                return f"SYMBOLS_{name}[{value}._value_]"
            case {"type": "record", "name": name} as record:
                if f"encode_{name}" not in self.names:
                    self.names[f"encode_{name}"] = None
                    self.record(record, f"encode_{name}")
                return f"encode_{name}({value})"
            case scalar:
                return _ENCODED[scalar_of(scalar)].format(value)


class _Decoders(SourceWriter):
    def record(self, node: Mapping[str, Any], function: str) -> None:
        body: list[str] = []
        for field in node["fields"]:
            body += self._lines(field["type"], f"v_{field['name']}")
        fields = ", ".join(f"{field['name']!r}: v_{field['name']}" for field in node["fields"])
        body.append(f"return {{{fields}}}, at")
        self.source += [f"def {function}(data, at):", *(INDENT + line for line in body)]

    def _lines(self, node: Any, name: str) -> Iterator[str]:
        """Return the statements that read a value at `at` into a variable and move `at` behind it."""
        match self.resolve(node):
            case ["null", inner]:
                yield from (f"{name} = None", "branch = data[at]", "at += 1", "if branch == 2:")
                yield from (INDENT + line for line in self._lines(inner, name))
                yield from ("elif branch:", f"{INDENT}raise ValueError('no such branch')")
            case {"type": "enum", "name": enum, "symbols": symbols}:
                self.names[f"SYMBOLS_{enum}"] = dict(enumerate(symbols))
                yield from self._lines("long", name)
                yield f"{name} = SYMBOLS_{enum}[{name}]"
            case {"type": "array", "items": items}:
                yield from self._array(items, name)
            case {"type": "record", "name": record_name} as record:
                if f"decode_{record_name}" not in self.names:
                    self.names[f"decode_{record_name}"] = None
                    self.record(record, f"decode_{record_name}")
                yield f"{name}, at = decode_{record_name}(data, at)"
            case scalar:
                yield from DECODED[scalar_of(scalar)].format(name=name).splitlines()

    def _array(self, items: Any, name: str) -> Iterator[str]:
        """Read blocks until an empty one; a negative count is followed by the block's size in bytes."""
        yield from (f"{name} = []", "count, at = decode_long(data, at)", "while count:")
        yield from (f"{INDENT}if count < 0:", f"{INDENT * 2}count, (_, at) = -count, decode_long(data, at)")
        yield f"{INDENT}for _ in range(count):"
        yield from (INDENT * 2 + line for line in self._lines(items, f"{name}_item"))
        yield f"{INDENT * 2}{name}.append({name}_item)"
        yield f"{INDENT}count, at = decode_long(data, at)"
