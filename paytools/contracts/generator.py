"""The Python source of the event classes: `events.py` of each service, from the newest version of each record.

The same schema files give the same text, byte for byte. The classes need the standard library only, and copies of
`avro_record.py` and `quick_init.py` beside this file.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paykit.events import schema_files
from paykit.events.event import STAMPED

LINE_LENGTH = 120

PRIMITIVES = {"string": "str", "long": "int", "boolean": "bool", "bytes": "bytes"}
LOGICAL = {"timestamp-micros": "datetime"}

HEADER = '''"""Events of {package}, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord
'''


SHARED = tuple(Path(__file__).with_name(name) for name in ("avro_record.py", "quick_init.py"))
"""What the classes have in common; their copies are `paystream/avro_record.py` and `paystream/quick_init.py`."""


class UnsupportedSchemaError(Exception):
    """A schema uses what event classes cannot express, or defines one name in two ways."""


@dataclass
class _Module:
    """The types of one namespace, in the order in which they must be defined."""

    package: str
    enums: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, schema_files.SchemaFile] = field(default_factory=dict)


def generate(root: Path) -> dict[str, str]:
    """Return the text of every generated module by its path, as in `paystream/payment/v1/events.py`."""
    topics = schema_files.load_topics(root)
    modules: dict[str, _Module] = {}
    for file in schema_files.newest(root):
        module = modules.setdefault(file.schema["namespace"], _Module(file.schema["namespace"]))
        for inner in file.schema["fields"]:
            _collect(module, inner["type"])
        module.events[file.record] = file
    return {name.replace(".", "/") + "/events.py": _source(module, topics) for name, module in modules.items()}


def _collect(module: _Module, node: Any) -> None:
    """Note the enums and nested records that a type defines, innermost first."""
    if isinstance(node, list):
        for branch in node:
            _collect(module, branch)
    elif isinstance(node, dict) and node["type"] == "array":
        _collect(module, node["items"])
    elif isinstance(node, dict) and node["type"] == "enum":
        _merge_enum(module, node)
    elif isinstance(node, dict) and node["type"] == "record":
        for inner in node["fields"]:
            _collect(module, inner["type"])
        if module.records.setdefault(node["name"], node) != node:
            raise UnsupportedSchemaError(f"{module.package}.{node['name']} differs between the newest versions")


def _merge_enum(module: _Module, node: dict[str, Any]) -> None:
    """Join the symbols, as one record may know a symbol that another does not know yet."""
    merged = module.enums.setdefault(node["name"], {**node, "symbols": []})
    merged["symbols"] = list(dict.fromkeys([*merged["symbols"], *node["symbols"]]))


def _source(module: _Module, topics: dict[str, schema_files.Topic]) -> str:
    blocks = [HEADER.format(package=module.package)]
    blocks += [_enum(node) for _, node in sorted(module.enums.items())]
    blocks += [_record(module, node, class_vars=[], event=False) for node in module.records.values()]
    for record, file in sorted(module.events.items()):
        class_vars = [
            f'RECORD: ClassVar[str] = "{file.full_name}"',
            f'TOPIC: ClassVar[str] = "{file.topic}"',
            f"VERSION: ClassVar[int] = {file.version}",
            f'KEY: ClassVar[str] = "{topics[file.topic].key_of(record)}"',
        ]
        blocks.append(_record(module, file.schema, class_vars=class_vars, event=True))
    names = "".join(f"    {name},\n" for name in sorted(module.events))
    blocks.append(f"EVENTS = (\n{names})\n")
    return "\n\n".join(blocks)


def _enum(node: dict[str, Any]) -> str:
    name = node["name"]
    lines = [f"class {name}(StrEnum):", *_docstring(node["doc"]), ""]
    lines += [f'    {symbol} = "{symbol}"' for symbol in node["symbols"]]
    return "\n".join([*lines, ""])


def _record(module: _Module, node: dict[str, Any], *, class_vars: Sequence[str], event: bool) -> str:
    name = node["name"]
    fields = node["fields"]
    lines = ["@dataclass(frozen=True, slots=True, kw_only=True)", f"class {name}(AvroRecord):"]
    lines += [*_docstring(node["doc"], fields), ""]
    lines += [*(f"    {line}" for line in class_vars), *([""] if class_vars else [])]
    lines += [_declaration(module, inner, event=event) for inner in fields]
    return "\n".join([*lines, ""])


def _docstring(doc: str, fields: Iterable[dict[str, Any]] = ()) -> Iterator[str]:
    fields = list(fields)
    if not fields and len(doc) + 10 <= LINE_LENGTH:
        yield f'    """{doc}"""'
        return
    first, *rest = textwrap.wrap(f'"""{doc}', LINE_LENGTH - 4, break_on_hyphens=False)
    yield f"    {first}"
    yield from (f"    {line}" for line in rest)
    if fields:
        yield ""
        yield "    Attributes:"
    for inner in fields:
        yield from textwrap.wrap(
            f"{inner['name']}: {inner['doc']}",
            LINE_LENGTH,
            initial_indent=" " * 8,
            subsequent_indent=" " * 12,
            break_on_hyphens=False,
        )
    yield '    """'


def _declaration(module: _Module, inner: dict[str, Any], *, event: bool) -> str:
    name, annotation = inner["name"], _annotation(module, inner["type"])
    if event and name in STAMPED:
        optional = " | None" if STAMPED[name] == "None" and not annotation.endswith("None") else ""
        return f"    {name}: {annotation}{optional} = {STAMPED[name]}"
    return f"    {name}: {annotation}"


def _annotation(module: _Module, node: Any) -> str:
    match node:
        case ["null", inner]:
            return f"{_annotation(module, inner)} | None"
        case {"type": "array", "items": items}:
            return f"tuple[{_annotation(module, items)}, ...]"
        case {"type": "enum" | "record", "name": name}:
            return str(name)
        case {"type": "long", "logicalType": logical} if logical in LOGICAL:
            return LOGICAL[logical]
        case str() if node in PRIMITIVES:
            return PRIMITIVES[node]
        case str() if node in module.enums or node in module.records:
            return node
    raise UnsupportedSchemaError(f"{module.package}: no Python type for {node}")
