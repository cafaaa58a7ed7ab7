"""What calls send and get, as JSON Schema 2020-12: the JSON form of protobuf, with the rules of the protos in it.

Source: the ProtoJSON format (integers of 64 bits are strings, bytes are base64, names are in lowerCamelCase).
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from paytools.openapi import rules
from paytools.openapi.comments import Comments
from paytools.openapi.rules import Schema

INTEGER_64: Schema = {"type": ["string", "integer"], "format": "int64", "pattern": "^-?[0-9]+$"}
"""Answered as a string, for numbers of JSON are exact to 2^53 only; taken as either."""
TYPES: Mapping[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: INTEGER_64,
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
}
WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
        "examples": ["3.5s"],
    },
    "google.protobuf.FieldMask": {"type": "string", "description": "Names of fields, separated by commas."},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
    },
}


class Schemas:
    """The schemas of all messages and enums that were asked for, and of what these are made of.

    Attributes:
        components: By the full name in the protos.
    """

    def __init__(self, comments: Comments, *, bound: Mapping[str, AbstractSet[str]]) -> None:
        """Begin without any.

        Args:
            comments: What the protos say for people.
            bound: Fields of a request that stand in its path and therefore not in its body, by full name.
        """
        self._comments = comments
        self._bound = bound
        self.components: dict[str, Schema] = {}

    def reference(self, message: Descriptor) -> Schema:
        """Return what stands for a message where it is used."""
        known = WELL_KNOWN.get(message.full_name)
        return dict(known) if known else self._component(message.full_name, lambda: self._message(message))

    def field(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field, its comment and its rules in it."""
        about = self._comments.get(field.full_name, "")
        said = {"description": about} if about else {}
        return {**self._value(field), **said}

    def _component(self, name: str, make: Callable[[], Schema]) -> Schema:
        if name not in self.components:
            self.components[name] = {}  # A message may hold itself.
            self.components[name] = make()
        return {"$ref": f"#/components/schemas/{name}"}

    def _message(self, message: Descriptor) -> Schema:
        left_out = self._bound.get(message.full_name, frozenset())
        fields = [field for field in message.fields if field.name not in left_out]
        about = self._comments.get(message.full_name, "")
        required = [field.json_name for field in fields if is_required(field)]
        return {
            **({"description": about} if about else {}),
            "type": "object",
            **({"properties": {field.json_name: self.field(field) for field in fields}} if fields else {}),
            **({"required": required} if required else {}),
            **_choices(message),
            **rules.expressions(message.GetOptions().Extensions[validate_pb2.message].cel),
        }

    def _value(self, field: FieldDescriptor) -> Schema:
        own = rules.of_field(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return self._map(field, own)
        if field.is_repeated:
            return {"type": "array", "items": self._single(field, own.repeated.items), **rules.keywords(own)}
        return self._single(field, own)

    def _map(self, field: FieldDescriptor, own: validate_pb2.FieldRules) -> Schema:
        names = {"type": "string", **rules.keywords(own.map.keys)}
        entry: Any = field.message_type
        values = self._single(entry.fields_by_name["value"], own.map.values)
        return {"type": "object", "propertyNames": names, "additionalProperties": values, **rules.keywords(own)}

    def _single(self, field: FieldDescriptor, own: validate_pb2.FieldRules) -> Schema:
        if field.message_type is not None:
            return {**self.reference(field.message_type), **rules.keywords(own)}
        if field.enum_type is not None:
            return self._enum(field.enum_type, own)
        return {**TYPES[field.type], **rules.keywords(own)}

    def _enum(self, enum: EnumDescriptor, own: validate_pb2.FieldRules) -> Schema:
        whole = self._component(enum.full_name, lambda: self._symbols(enum))
        only, never = _only(own), list(own.enum.not_in)
        allowed = [v.name for v in enum.values if v.number not in never and (not only or v.number in only)]
        narrower = {"enum": allowed} if len(allowed) < len(enum.values) else {}
        return {**whole, **narrower, **rules.keywords(own)}

    def _symbols(self, enum: EnumDescriptor) -> Schema:
        parent = enum.full_name.rpartition(".")[0]
        lines = [
            f"- `{value.name}`: {self._comments.get(f'{enum.full_name}.{value.name}', '')}" for value in enum.values
        ]
        about = self._comments.get(enum.full_name, parent)
        return {
            "description": "\n".join([about, "", *lines]),
            "type": "string",
            "enum": [value.name for value in enum.values],
        }


def is_required(field: FieldDescriptor) -> bool:
    """Return whether a request without the field is refused."""
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def _only(own: validate_pb2.FieldRules) -> list[int]:
    """Return the numbers that an enum field may have; none where it may have any. `in` is a word of Python."""
    return list(getattr(own.enum, "in"))


def _choices(message: Descriptor) -> Schema:
    """Say of a message's oneofs that must be set that exactly one field of each is there."""
    required = [each for each in message.oneofs if each.GetOptions().Extensions[validate_pb2.oneof].required]
    choices = [{"oneOf": [{"required": [field.json_name]} for field in each.fields]} for each in required]
    if len(choices) == 1:
        return choices[0]
    return {"allOf": choices} if choices else {}
