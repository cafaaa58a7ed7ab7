"""Whether two versions of a record read each other, offline: `avro.compatibility`, and the logical types it ignores."""

import json
import re
from collections.abc import Iterator
from typing import Any

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException
from avro.schema import Schema, parse

from paykit.events.schema_files import SchemaFile
from paykit.events.violation import Rule, Violation

_FIELD = re.compile(r"/fields/(\d+)")


class AvroInvalidError(Exception):
    """Avro does not accept the schema as a record."""


def parse_record(schema: dict[str, Any]) -> Schema:
    """Let Avro's own implementation read a schema.

    Raises:
        AvroInvalidError: It does not accept it as a record with a name, a namespace and fields.
    """
    try:
        parsed = parse(json.dumps(schema))
    except AvroException as error:
        raise AvroInvalidError(str(error)) from error
    if parsed.type != "record" or not schema.get("namespace"):
        raise AvroInvalidError("not a record with a namespace")
    return parsed


def compare(earlier: SchemaFile, later: SchemaFile) -> Iterator[Violation]:
    """Return what keeps two versions from reading each other, named at the later one."""
    pairs = ((later, earlier), (earlier, later))
    for reader, writer in pairs:
        checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
        outcome = checker.get_compatibility(parse_record(reader.schema), parse_record(writer.schema))
        if outcome.compatibility is not SchemaCompatibilityType.compatible:
            reasons = sorted(incompatibility.value for incompatibility in outcome.incompatibilities)
            message = f"version {reader.version} cannot read version {writer.version}: {', '.join(reasons)}"
            details = "; ".join(sorted(outcome.messages))
            field = _field(reader.schema, sorted(outcome.locations))
            yield Violation(file=later.name, field=field, rule=Rule.INCOMPATIBLE, message=f"{message} ({details})")
    yield from _logical_types(earlier, later)


def _field(schema: dict[str, Any], locations: list[str]) -> str:
    """Name the field of the longest location, which is the most exact, as in `/fields/7/type`."""
    node: Any = schema
    names = []
    for position in _FIELD.findall(max(locations, key=len, default="")):
        node = _innermost(node)
        if not isinstance(node, dict) or int(position) >= len(node.get("fields", [])):
            break
        names.append(node["fields"][int(position)]["name"])
        node = node["fields"][int(position)]["type"]
    return ".".join(names)


def _innermost(node: Any) -> Any:
    """Take a record out of the list or union around it."""
    if isinstance(node, list):
        return _innermost(node[-1])
    if isinstance(node, dict) and node.get("type") == "array":
        return _innermost(node["items"])
    return node


def _logical_types(earlier: SchemaFile, later: SchemaFile) -> Iterator[Violation]:
    older, newer = dict(_meanings(earlier.schema, "")), dict(_meanings(later.schema, ""))
    for path in sorted(older.keys() & newer.keys()):
        if older[path] != newer[path]:
            yield Violation(
                file=later.name,
                field=path,
                rule=Rule.LOGICAL_TYPE_CHANGED,
                message=f"{older[path] or 'none'} in version {earlier.version}, {newer[path] or 'none'} here",
            )


def _meanings(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Return the logical type of every field by its path, with scale and precision; empty text where there is none."""
    match node:
        case {"type": "record", "fields": fields}:
            for field in fields:
                yield from _meanings(field["type"], f"{path}.{field['name']}".lstrip("."))
        case {"type": "array", "items": items}:
            yield from _meanings(items, path)
        case ["null", inner]:
            yield from _meanings(inner, path)
        case {"logicalType": str(logical)}:
            yield path, logical + "".join(f" {key} {node[key]}" for key in ("precision", "scale") if key in node)
        case _:
            yield path, ""
