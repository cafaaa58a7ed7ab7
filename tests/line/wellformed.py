"""Requests that keep the rules of their protos, made from nothing but descriptors and the ids seen in replies."""

import random
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import protovalidate
from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

Described: TypeAlias = Any
"""A descriptor of a message or field; their stubs hold every part for optional."""
DEPTH_MAX = 6
"""Of messages in messages; what stands deeper is left out."""
KNOWN_MAX = 50
"""Ids kept of one kind."""
AMOUNT_MINOR = 1_000
BASE_SECONDS = 1_772_366_400
"""2026-03-01 12:00 UTC."""
FRESH = ("request_id", "merchant_reference")
"""What no two requests may share, or the second would be refused for that alone."""

_VALIDATOR = protovalidate.Validator()
_PREFIXED_ID = re.compile(r"\^([a-z]{3})_\[0-9a-f\]\{32\}")
_TEXTS = ("shop", "A1", "1", "USD", "127.0.0.1:1", "https://shop.example/")
_BY_NAME = {
    "contact_email": "owner@shop.example",
    "currency_code": "USD",
    "time_zone": "Europe/Berlin",
    "page_token": "",
    "etag": "",
}
_NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}


class Forms:
    """Makes requests.

    Attributes:
        known: Values of fields whose name ends in `_id`, as replies held them, by name.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.known: dict[str, list[str]] = defaultdict(list)

    def learn(self, message: Message) -> None:
        """Remember the ids in a reply."""
        for field, value in _texts(message):
            ids = self.known[field.name]
            if field.name.endswith("_id") and value and value not in ids and len(ids) < KNOWN_MAX:
                ids.append(value)

    def complete(self, described: Described, depth: int = 0) -> Message:
        """Make a message with every field set, of a oneof the first."""
        made: Message = message_factory.GetMessageClass(described)()
        for field in described.fields:
            if field.containing_oneof is None or field.containing_oneof.fields[0] is field:
                self._fill(made, field, depth)
        return made

    def least(self, described: Described) -> Message:
        """Make a message with no field set that its rules do not ask for."""
        made: Message = message_factory.GetMessageClass(described)()
        for name in dict.fromkeys(_first_names(made)):
            # A oneof that must be set is named as a field would be: its first one will do.
            oneof = described.oneofs_by_name.get(name)
            self._fill(made, oneof.fields[0] if oneof else described.fields_by_name[name], 0)
        return made

    def freshen(self, message: Message) -> None:
        """Give a message, and those in it, values of their own where repeated ones would be refused."""
        for field, value in message.ListFields():
            if field.name in FRESH and not field.is_repeated:
                setattr(message, field.name, self.fresh(field.name))
            elif field.message_type is not None and not is_map(field):
                for each in value if field.is_repeated else (value,):
                    self.freshen(each)

    def fresh(self, name: str) -> str:
        """Give a value that no other request has; the same in every run."""
        number = uuid.UUID(int=self._chance.getrandbits(128), version=4)
        return str(number) if name == "request_id" else f"ref {number}"

    def stranger(self, value: str) -> str | None:
        """Give an id of the same form that nobody has; None for what is no such id."""
        prefix, _, digits = value.rpartition("_")
        return f"{prefix}_{self._chance.getrandbits(128):032x}" if re.fullmatch("[0-9a-f]{32}", digits) else None

    def _fill(self, message: Message, field: Described, depth: int) -> None:
        if field.message_type is not None and not is_map(field):
            if depth < DEPTH_MAX:
                self._fill_message(message, field, depth)
            return
        for value in self._candidates(field):
            put(message, field, value)
            if field.name not in _first_names(message):
                return

    def _fill_message(self, message: Message, field: Described, depth: int) -> None:
        described = field.message_type
        if described.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
            whole: Any = message_factory.GetMessageClass(described)()
            whole.seconds = BASE_SECONDS if described.name == "Timestamp" else 60
        elif described.full_name == "google.protobuf.FieldMask":
            whole = message_factory.GetMessageClass(described)()
            whole.paths.append("display_name")
        else:
            whole = self.complete(described, depth + 1)
        put(message, field, whole)

    def _candidates(self, field: Described) -> Sequence[Any]:
        if is_map(field):
            return [{"note": "blue"}, {}]
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return [b"x"]
            return [*self._named(field), *_TEXTS, str(uuid.UUID(int=7, version=4)), "x" * 32, ""]
        if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
            return [value.number for value in field.enum_type.values if value.number] or [0]
        if field.cpp_type in _NUMBERS:
            return [AMOUNT_MINOR if field.name == "amount_minor" else 1, 10, 100, 1_000, 0]
        return [True] if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else [1.0]

    def _named(self, field: Described) -> Iterator[str]:
        """Give what a field of this name should hold: a usual value, a known id, something fresh, an id of nobody."""
        if field.name in _BY_NAME:
            yield _BY_NAME[field.name]
        yield from self.known[field.name]
        if field.name in FRESH:
            yield self.fresh(field.name)
        prefix = _PREFIXED_ID.search(rules_of(field).string.pattern)
        if prefix:
            yield f"{prefix[1]}_{self._chance.getrandbits(128):032x}"


def rules_of(field: Described) -> Any:
    """Give the rules of a field, for each element of a repeated one."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return rules.repeated.items if field.is_repeated and not is_map(field) else rules


def checked_singly(field: Described) -> bool:
    """Say whether a field holds the items of a batch, of which each is answered for itself."""
    ignored = bool(field.GetOptions().Extensions[validate_pb2.field].ignore == validate_pb2.IGNORE_ALWAYS)
    return field.is_repeated and field.message_type is not None and ignored


def is_map(field: Described) -> bool:
    """Say whether a field is a map, which descriptors show as a repeated message."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def put(message: Message, field: Described, value: Any) -> None:
    """Set a field to a value, to one value if it is repeated."""
    message.ClearField(field.name)
    if is_map(field):
        getattr(message, field.name).update(value)
    elif field.is_repeated:
        getattr(message, field.name).append(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _first_names(message: Message) -> list[str]:
    """Name the fields that break a rule, or hold something that does."""
    violations = _VALIDATOR.collect_violations(message)
    return [each.proto.field.elements[0].field_name for each in violations if each.proto.field]


def _texts(message: Message) -> Iterator[tuple[Described, str]]:
    for field, value in message.ListFields():
        if is_map(field):
            continue
        for each in value if field.is_repeated else (value,):
            if field.message_type is not None:
                yield from _texts(each)
            elif isinstance(each, str):
                yield field, each
