"""Compiled protos as the rules look at them: every method, message, field and enum, with its comment and options."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions
from google.protobuf.descriptor_pool import DescriptorPool

from paytools.openapi import comments

TIMESTAMP = "google.protobuf.Timestamp"
FIELD_MASK = "google.protobuf.FieldMask"

_SAID = re.compile(r"\b1 to ([0-9]+)")
_VENDORED = ("google/", "buf/")


@dataclass(frozen=True, slots=True)
class Departure:
    """A place that does not keep a rule.

    Attributes:
        place: Full name of a method, message, field, enum, or the path of a file.
        text: What is wrong there.
    """

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AipRule:
    """A rule.

    Attributes:
        aip: Number of the proposal, as in 158.
        name: What the rule is about; with the number it is the rule's id, as in `158-pages`.
        keeps: The rule in a sentence.
    """

    aip: int
    name: str
    keeps: str
    departures: "Callable[[Contracts], Iterator[Departure]]"

    @property
    def id(self) -> str:
        """The name by which exceptions are declared."""
        return f"{self.aip}-{self.name}"


class Contracts:
    """Protos of ours, compiled with their source info; what they import of others is passed over."""

    def __init__(self, compiled: FileDescriptorSet) -> None:
        pool = DescriptorPool()
        for file in compiled.file:
            pool.Add(file)
        own = [file.name for file in compiled.file if not file.name.startswith(_VENDORED)]
        self.files: list[FileDescriptor] = [pool.FindFileByName(name) for name in own]
        self._comments = comments.comments(compiled)

    def comment(self, full_name: str) -> str:
        """Return the comment above a thing; empty where there is none."""
        return self._comments.get(full_name, "")

    def methods(self) -> Iterator[MethodDescriptor]:
        """Yield the methods of all services."""
        for file in self.files:
            for service in file.services_by_name.values():
                yield from service.methods

    def messages(self) -> Iterator[Descriptor]:
        """Yield all messages, nested ones too, but for the entries of maps."""
        left = [message for file in self.files for message in file.message_types_by_name.values()]
        while left:
            message = left.pop()
            if not message.GetOptions().map_entry:
                yield message
                left += message.nested_types

    def fields(self) -> Iterator[FieldDescriptor]:
        """Yield the fields of all messages."""
        for message in self.messages():
            yield from message.fields

    def enums(self) -> Iterator[EnumDescriptor]:
        """Yield all enums, nested ones too."""
        for file in self.files:
            yield from file.enum_types_by_name.values()
        for message in self.messages():
            yield from message.enum_types

    def requested(self) -> Iterator[Descriptor]:
        """Yield what requests are made of, each message once."""
        found: set[str] = set()
        left = [method.input_type for method in self.methods()]
        while left:
            message = left.pop()
            if message.full_name not in found and message.file in self.files:
                found.add(message.full_name)
                yield message
                left += [field.message_type for field in message.fields if field.message_type is not None]


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """Return the validation rules of a field."""
    found: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return found


def items_max(contracts: Contracts, field: FieldDescriptor) -> int:
    """Return how many items a repeated field of a request may have; 0 where that is said nowhere.

    Items that are checked one by one, each with an error of its own, have no rule: then the comment says how many.
    """
    rules = rules_of(field)
    said = _SAID.search(contracts.comment(field.full_name)) if rules.ignore == validate_pb2.IGNORE_ALWAYS else None
    return int(said[1]) if said else int(rules.map.max_pairs or rules.repeated.max_items)


def is_required(field: FieldDescriptor) -> bool:
    """Tell whether a field is said to be REQUIRED."""
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def type_name(field: FieldDescriptor) -> str:
    """Return the full name of a field's message; empty for other fields."""
    return "" if field.message_type is None else str(field.message_type.full_name)


def is_text(field: FieldDescriptor | None) -> bool:
    """Tell whether there is such a field, and it is one string."""
    return field is not None and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated


def reads(method: MethodDescriptor) -> bool:
    """Tell whether a method is said to change nothing."""
    return bool(method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS)


def snake(name: str) -> str:
    """Return `bank_account` of `BankAccount`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def noun(method: MethodDescriptor, verb: str) -> str:
    """Return `BankAccount` of `GetBankAccount`; empty where the method does not begin with the verb."""
    found = re.fullmatch(rf"{verb}([A-Z]\w*)", method.name)
    return found[1] if found else ""
