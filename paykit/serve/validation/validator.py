"""What a message alone can show to be wrong: the rules in its proto, what no row can hold, and card numbers.

A field marked `(buf.validate.field).ignore = IGNORE_ALWAYS` is left out here: it holds the items of a batch, which the
servicer checks one by one with `validate_message`, so that one bad item does not refuse its neighbours.
"""

from dataclasses import dataclass
from typing import Any

import protovalidate
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from paykit.base.errors import CardNumberRefused
from paykit.errors import DomainError, FieldInvalid
from paykit.serve.validation import card_numbers, contents, storage_limits

# Compiled rules are cached inside, by message type; one for the process.
_VALIDATOR = protovalidate.Validator()

# A refusal travels in a trailer, and peers refuse trailers above 8 KiB.
VIOLATIONS_MAX = 8

_UNSTORABLE = {
    storage_limits.NUL_RULE: "must not hold the character NUL",
    storage_limits.TIME_RULE: "must be a time of the years 1 to 9999, with 0 to 999999999 nanoseconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One field that breaks one rule.

    Attributes:
        field: Path from the request, as in `requests[3].amount.currency_code`; empty for the message itself.
        rule: The rule's id, as in `int64.gte_lte`.
        description: One sentence for a person.
    """

    field: str
    rule: str
    description: str


class RequestInvalid(FieldInvalid):
    """The request breaks rules of its proto; reason FIELD_INVALID.

    Attributes:
        violations: At least one, at most VIOLATIONS_MAX, in the order of the rules.
    """

    def __init__(self, violations: tuple[FieldViolation, ...]) -> None:
        first = violations[0]
        named = f"{first.field}: {first.description}" if first.field else first.description
        super().__init__(named, field=first.field or None, rule=first.rule)
        self.violations = violations

    def __eq__(self, other: object) -> bool:
        return (
            super().__eq__(other) is True and isinstance(other, RequestInvalid) and self.violations == other.violations
        )

    def __hash__(self) -> int:
        return hash(self.violations)


def validate_message(message: Message, field_prefix: str = "") -> DomainError | None:
    """Check the rules of a message's proto, then look for what cannot be stored and for card numbers.

    Args:
        message: A request, or one item of a batch.
        field_prefix: Where the item stands in the request, as in `requests[3]`; leads the names of fields.

    Returns:
        RequestInvalid, CardNumberRefused, or None for a message without fault.
    """
    return validate_received(message, message.SerializeToString(), field_prefix)


def validate_received(message: Message, serialized: bytes, field_prefix: str = "") -> DomainError | None:
    """Do as `validate_message` for a message whose bytes are at hand: they are scanned first, which is cheap."""
    broken = _VALIDATOR.collect_violations(message)
    if broken:
        return RequestInvalid(tuple(_violation(violation.proto, field_prefix) for violation in broken[:VIOLATIONS_MAX]))
    unstorable = storage_limits.find(message, serialized)
    if unstorable is not None:
        path, rule = unstorable
        return RequestInvalid(
            (FieldViolation(field=_join(field_prefix, path), rule=rule, description=_UNSTORABLE[rule]),)
        )
    # A match in the bytes may be a chance neighbourhood or stand in a batch's items: only then look field by field.
    card_path = card_numbers.find(message) if card_numbers.suspect(serialized) else None
    if card_path is None:
        return None
    return CardNumberRefused("card numbers are never accepted here", field=_join(field_prefix, card_path))


def prepare(request_type: Descriptor) -> None:
    """Compile the rules of a request and of its batch items now, so that no call pays for it.

    Raises:
        protovalidate.CompilationError: A rule in the proto is wrong.
    """
    _VALIDATOR.collect_violations(message_factory.GetMessageClass(request_type)())
    for field in request_type.fields:
        if field.number in contents.items_of(request_type) and field.message_type is not None:
            prepare(field.message_type)


def _violation(proto: Any, field_prefix: str) -> FieldViolation:
    field = _join(field_prefix, _path(proto.field.elements) if proto.field else "")
    return FieldViolation(
        field=field, rule=proto.rule_id, description=proto.message or f"breaks the rule {proto.rule_id}"
    )


def _path(elements: Any) -> str:
    """Write a field path as protovalidate does everywhere: names by dots, indexes and map keys in brackets."""
    return ".".join(element.field_name + _subscript(element.subscript) for element in elements)


def _subscript(subscript: Any) -> str:
    if subscript is None:
        return ""
    return f'["{subscript.value}"]' if isinstance(subscript.value, str) else f"[{subscript.value}]"


def _join(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path
