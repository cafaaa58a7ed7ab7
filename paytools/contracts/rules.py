"""The rules that one schema version must keep by itself, whatever came before it."""

import re
from collections.abc import Iterator
from typing import Any

from paykit.events.schema_files import SchemaFile, Topic
from paykit.events.violation import Rule, Violation

Found = tuple[str, Rule, str]
"""Path of the field, rule and message."""

_TIMESTAMP = {"type": "long", "logicalType": "timestamp-micros"}
_OPTIONAL_STRING = ["null", "string"]
ENVELOPE: tuple[tuple[str, Any], ...] = (
    ("event_id", "string"),
    ("occurred_at", _TIMESTAMP),
    ("recorded_at", _TIMESTAMP),
    ("merchant_id", _OPTIONAL_STRING),
    ("correlation_id", "string"),
    ("causation_id", _OPTIONAL_STRING),
    ("actor", _OPTIONAL_STRING),
    ("aggregate_version", "long"),
)

UNKNOWN = "UNKNOWN"
LOGICAL = (None, "timestamp-micros")
DEFAULTS = {"long": int, "boolean": bool, "array": list, "record": dict}
"""Python's type of a default in JSON; text for every other type."""
_BOUND = re.compile(r"\bat most \d+")
_NAMESPACE = re.compile(r"paystream\.[a-z]+\.v[1-9]\d*")
_PERSONAL = re.compile(
    r"(?:^|_)(?:e_?mail|phone|address|iban|pan|cvv|cvc|birth(?:_?date|day)?|first_name|last_name|full_name|card_number"
    r"|card_?holder|holder_name|payer_name|customer_name)(?:_|$)"
)
_PUBLISHED = frozenset({"support_email"})
"""What businesses publish about themselves, and is personal to nobody."""


def check(file: SchemaFile, topic: Topic | None) -> Iterator[Violation]:
    """Return every rule that a parsed record schema breaks."""
    for path, rule, message in [*_placement(file, topic), *_envelope(file.schema), *_record(file.schema, "")]:
        yield Violation(file=file.name, field=path, rule=rule, message=message)


def _placement(file: SchemaFile, topic: Topic | None) -> Iterator[Found]:
    schema = file.schema
    if topic is None:
        yield "", Rule.FILE_MISPLACED, f"{file.topic} is not declared in topics.toml"
    else:
        yield from _key(schema, topic.key_of(file.record))
    if schema["name"] != file.record:
        yield "", Rule.FILE_MISPLACED, f"the record is named {schema['name']}, its directory {file.record}"
    if not _NAMESPACE.fullmatch(schema.get("namespace", "")):
        yield "", Rule.FILE_MISPLACED, "the namespace is not paystream.<service>.v<n>"


def _key(schema: dict[str, Any], key: str) -> Iterator[Found]:
    types = {field["name"]: field["type"] for field in schema["fields"]}
    if types.get(key) not in ("string", _OPTIONAL_STRING):
        yield key, Rule.KEY_MISSING, f"the Kafka key {key} is not a string field of the record"


def _envelope(schema: dict[str, Any]) -> Iterator[Found]:
    actual = [(field["name"], field["type"]) for field in schema["fields"]]
    for position, expected in enumerate(ENVELOPE):
        if position >= len(actual) or actual[position] != expected:
            yield expected[0], Rule.ENVELOPE_MISSING, f"field {position + 1} must be {expected[0]} of {expected[1]}"


def _record(node: dict[str, Any], path: str) -> Iterator[Found]:
    yield from _documented(node, path, f"record {node['name']}")
    for field in node["fields"]:
        inner = f"{path}.{field['name']}".lstrip(".")
        yield from _documented(field, inner, "the field")
        if field["name"] not in _PUBLISHED and _PERSONAL.search(field["name"]):
            yield inner, Rule.PERSONAL_DATA, "events are kept for ever; personal data must not be in them"
        if isinstance(field["type"], list):
            yield from _optional(field, inner)
        else:
            yield from _default(field, inner)
            yield from _type(field["type"], inner, field.get("doc", ""))


def _default(field: dict[str, Any], path: str) -> Iterator[Found]:
    kind = field["type"]["type"] if isinstance(field["type"], dict) else field["type"]
    expected = DEFAULTS.get(kind, str)
    if "default" in field and type(field["default"]) is not expected:
        yield path, Rule.DEFAULT_INVALID, f"the default {field['default']!r} is no {kind}"


def _documented(node: dict[str, Any], path: str, what: str) -> Iterator[Found]:
    if not str(node.get("doc", "")).strip():
        yield path, Rule.DOC_MISSING, f"{what} has no doc"


def _optional(field: dict[str, Any], path: str) -> Iterator[Found]:
    match field["type"]:
        case ["null", inner] if inner != "null":
            if field.get("default", "none") is not None:
                yield path, Rule.UNION_NOT_OPTIONAL, "an optional field has default null"
            yield from _type(inner, path, field.get("doc", ""))
        case _:
            yield path, Rule.UNION_NOT_OPTIONAL, "a union is [null, one type], null first"


def _type(node: Any, path: str, doc: str) -> Iterator[Found]:
    kind = node["type"] if isinstance(node, dict) else node
    logical = node.get("logicalType") if isinstance(node, dict) else None
    if logical not in LOGICAL:
        yield path, Rule.TYPE_UNSUPPORTED, f"logical type {logical} is not supported"
    if kind == "int":
        yield path, Rule.INTEGER_NOT_LONG, "integers are long"
    elif kind in ("float", "double"):
        yield path, Rule.FLOATING_POINT, f"{kind} is refused; amounts are long in minor units"
    elif kind == "map":
        yield path, Rule.LIST_UNBOUNDED, "a map has no bound"
    elif kind == "array":
        yield from _array(node, path, doc)
    elif kind == "enum":
        yield from _enum(node, path)
    elif kind == "record":
        yield from _record(node, path)
    elif not isinstance(kind, str) or kind in ("null", "fixed"):
        yield path, Rule.TYPE_UNSUPPORTED, f"{kind} is not supported"


def _array(node: dict[str, Any], path: str, doc: str) -> Iterator[Found]:
    if not _BOUND.search(doc):
        yield path, Rule.LIST_UNBOUNDED, "the doc of a list says `at most <n>`"
    yield from _type(node["items"], path, doc)


def _enum(node: dict[str, Any], path: str) -> Iterator[Found]:
    yield from _documented(node, path, f"enum {node['name']}")
    if node.get("default") != UNKNOWN or UNKNOWN not in node["symbols"]:
        yield path, Rule.ENUM_WITHOUT_UNKNOWN, f"enum {node['name']} has no symbol and default {UNKNOWN}"
