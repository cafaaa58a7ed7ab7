"""Protovalidate's rules of a field as JSON Schema; what that cannot say stands beside it as it is in the proto."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

Schema = dict[str, Any]

CONTROL_CHARACTERS, CONTROL_CHARACTERS_BY_CODE = r"\p{Cc}", r"\x00-\x1f\x7f-\x9f"
"""The class of RE2 that rules use, and what every dialect of regular expressions reads, inside brackets."""
AS_THEY_ARE = "x-protovalidate"
"""Under this stand rules that JSON Schema has no word for: times, lengths in bytes, expressions over several fields."""


def _is(keyword: str) -> Callable[[Any], Schema]:
    return lambda value: {keyword: value}


def _has(keyword: str, value: Any) -> Callable[[Any], Schema]:
    return lambda said: {keyword: value} if said else {}


def _listed(values: Any) -> Schema:
    return {"enum": list(values)}


def _base64_length(keyword: str) -> Callable[[Any], Schema]:
    """Four characters for each three bytes, the last of them filled up."""
    return lambda count: {keyword: 4 * -(-count // 3)}


_NUMBER: Mapping[str, Callable[[Any], Schema]] = {
    "gt": _is("exclusiveMinimum"),
    "gte": _is("minimum"),
    "lt": _is("exclusiveMaximum"),
    "lte": _is("maximum"),
    "const": _is("const"),
    "in": _listed,
}
KEYWORDS: Mapping[str, Mapping[str, Callable[[Any], Schema]]] = {
    "string": {
        "min_len": _is("minLength"),
        "max_len": _is("maxLength"),
        "len": lambda count: {"minLength": count, "maxLength": count},
        "pattern": lambda pattern: {"pattern": pattern.replace(CONTROL_CHARACTERS, CONTROL_CHARACTERS_BY_CODE)},
        "const": _is("const"),
        "in": _listed,
        "uuid": _has("format", "uuid"),
        "email": _has("format", "email"),
        "uri": _has("format", "uri"),
    },
    "bytes": {
        "min_len": _base64_length("minLength"),
        "max_len": _base64_length("maxLength"),
        "len": lambda count: _base64_length("minLength")(count) | _base64_length("maxLength")(count),
    },
    "int32": _NUMBER,
    "int64": _NUMBER,
    "uint32": _NUMBER,
    "uint64": _NUMBER,
    "repeated": {"min_items": _is("minItems"), "max_items": _is("maxItems"), "unique": _has("uniqueItems", value=True)},
    "map": {"min_pairs": _is("minProperties"), "max_pairs": _is("maxProperties")},
}
"""By the kind of rules, then by rule."""
_ELSEWHERE = {"items", "keys", "values", "defined_only", "in", "not_in", "const"}
"""Of lists, maps and enums: rules that `schemas` asks for by itself, for they shape another schema."""


def of_field(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """Return a field's rules; empty ones where it has none."""
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules


def keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Return the rules about a value itself, as keywords beside its type."""
    schema: Schema = {}
    for kind, own in _kinds(rules):
        left = type(own)()
        left.CopyFrom(own)
        for rule, value in own.ListFields():
            keyword = KEYWORDS.get(kind, {}).get(rule.name)
            if keyword:
                schema |= keyword(value)
            if keyword or (kind in ("repeated", "map", "enum") and rule.name in _ELSEWHERE):
                left.ClearField(rule.name)
        schema |= _as_they_are(kind, left)
    return schema | expressions(rules.cel)


def expressions(cel: Any) -> Schema:
    """Return rules that are expressions, with what they say when they are broken."""
    return {AS_THEY_ARE: {"cel": [json_format.MessageToDict(each) for each in cel]}} if cel else {}


def _kinds(rules: validate_pb2.FieldRules) -> Iterator[tuple[str, Message]]:
    kind = rules.WhichOneof("type")
    if kind:
        yield kind, getattr(rules, kind)


def _as_they_are(kind: str, left: Message) -> Schema:
    said = json_format.MessageToDict(left, preserving_proto_field_name=True)
    return {AS_THEY_ARE: {kind: said}} if said else {}
