"""Named types that several records repeat: one definition each, for other languages generate one class of a name."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from paykit.events.schema_files import SchemaFile
from paykit.events.violation import Rule, Violation

NAMED_MAX = 3
"""Files that a message names."""

_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named type where it is defined.

    Attributes:
        full_name: With its namespace.
        path: Of the field that it stands at, as in `entries.side`; empty for the record of the file.
        text: The definition with its docs, whatever the order of its keys; types within it by their names, for a file
            defines a type where it first uses it.
    """

    full_name: str
    path: str
    text: str


def check(newest: Iterable[SchemaFile]) -> Iterator[Violation]:
    """Return the definitions that differ from what most of the newest versions say of the same name."""
    by_name: dict[str, list[tuple[SchemaFile, Definition]]] = defaultdict(list)
    for file in newest:
        for definition in definitions(file.schema):
            by_name[definition.full_name].append((file, definition))
    for found in by_name.values():
        yield from _differing(found)


def definitions(schema: dict[str, Any]) -> Iterator[Definition]:
    """Return every named type that a record's schema defines, itself first."""
    yield from _definitions(schema, namespace="", path="")


def _differing(found: list[tuple[SchemaFile, Definition]]) -> Iterator[Violation]:
    counts = Counter(definition.text for _, definition in found)
    usual = counts.most_common(1)[0][0]  # Of those that are equally frequent the first in the order of the files.
    names = [file.name for file, definition in found if definition.text == usual]
    for file, definition in found:
        if definition.text != usual:
            others = ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" * (len(names) > NAMED_MAX))
            message = f"{definition.full_name} is defined otherwise in {others}; give each the same in a next version"
            yield Violation(file=file.name, field=definition.path, rule=Rule.SHARED_TYPE_DIFFERS, message=message)


def _definitions(node: Any, *, namespace: str, path: str) -> Iterator[Definition]:
    match node:
        case list():
            for branch in node:
                yield from _definitions(branch, namespace=namespace, path=path)
        case {"type": "array", "items": inner} | {"type": "map", "values": inner}:
            yield from _definitions(inner, namespace=namespace, path=path)
        case {"type": "record" | "enum" | "fixed", "name": str(name)}:
            full_name = _full_name(name, node.get("namespace", namespace))
            own = full_name.rpartition(".")[0]
            fields = [{**inner, "type": _by_name(inner["type"], own)} for inner in node.get("fields", ())]
            text = json.dumps({**node, "name": full_name, "namespace": own, "fields": fields}, sort_keys=True)
            yield Definition(full_name=full_name, path=path, text=text)
            for inner in node.get("fields", ()):
                below = f"{path}.{inner['name']}".lstrip(".")
                yield from _definitions(inner["type"], namespace=own, path=below)


def _by_name(node: Any, namespace: str) -> Any:
    """Put the name of each named type in the place of its definition."""
    match node:
        case list():
            return [_by_name(branch, namespace) for branch in node]
        case {"type": "array" | "map"}:
            inner = "items" if node["type"] == "array" else "values"
            return {**node, inner: _by_name(node[inner], namespace)}
        case {"type": "record" | "enum" | "fixed", "name": str(name)}:
            return _full_name(name, node.get("namespace", namespace))
        case str() if node not in _PRIMITIVES:
            return _full_name(node, namespace)
    return node


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"
