"""Card numbers, refused wherever a caller puts one: rows, events and logs are kept for ever and seen by many.

A card number is a Luhn-valid number of 13 to 19 digits (ISO/IEC 7812), single spaces and hyphens between its digits
ignored. UUIDs and hexadecimal strings of 32 and more characters hold such runs by chance and are passed over.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

DIGITS_MIN = 13
DIGITS_MAX = 19

_SEPARATORS = b" -"
_DIGITS_ALIKE = bytes(ord("0") if chr(byte) in "0123456789" else ord(".") for byte in range(256))
_SHORTEST = b"0" * DIGITS_MIN
_RUN = re.compile(r"\d(?:[ -]?\d){12,}", re.ASCII)
_SEPARATOR = re.compile(r"[ -]")
_IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,})(?![0-9A-Za-z])", re.IGNORECASE
)
# What each digit adds where it is doubled: 7 becomes 14, whose digits add up to 5.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def suspect(serialized: bytes) -> bool:
    """Tell whether a serialized message can hold a card number at all, in a microsecond: most messages stop here."""
    return _SHORTEST in serialized.translate(_DIGITS_ALIKE, _SEPARATORS)


def holds_card_number(text: str) -> bool:
    """Tell whether a text holds a card number."""
    runs = _RUN.findall(_IDENTIFIER.sub("~", text))
    return any(_luhn(number) for run in runs for number in _numbers(_SEPARATOR.split(run)))


def find(message: Message) -> str | None:
    """Name the first string field with a card number in it, as in `metadata["note"]`; items of batches are left out."""
    return next(_walk(message, ""), None)


@cache
def items_of(descriptor: Descriptor) -> frozenset[int]:
    """Give the numbers of the fields marked `IGNORE_ALWAYS`: the items of a batch, which the servicer checks."""
    ignored = validate_pb2.IGNORE_ALWAYS
    return frozenset(
        f.number for f in descriptor.fields if f.GetOptions().Extensions[validate_pb2.field].ignore == ignored
    )


def _numbers(groups: list[str]) -> Iterator[str]:
    """Give every row of neighbouring groups that is as long as a card number: "4111 1111 1111 1111 12" has two."""
    for start in range(len(groups)):
        number = ""
        for group in groups[start:]:
            number += group
            if len(number) > DIGITS_MAX:
                break
            if len(number) >= DIGITS_MIN:
                yield number


def _luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0


def _walk(message: Message, prefix: str) -> Iterator[str]:
    skipped = items_of(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if field.number not in skipped:
            yield from _field(field, value, prefix + field.name)


def _field(field: FieldDescriptor, value: Any, path: str) -> Iterator[str]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield from _map(value, path)
    elif field.is_repeated:
        for index, item in enumerate(value):
            yield from _value(item, f"{path}[{index}]")
    else:
        yield from _value(value, path)


def _map(entries: Mapping[Any, Any], path: str) -> Iterator[str]:
    for key, value in entries.items():
        if isinstance(key, str) and holds_card_number(key):
            yield path  # Naming the key would repeat the number.
        else:
            yield from _value(value, f'{path}["{key}"]' if isinstance(key, str) else f"{path}[{key}]")


def _value(value: object, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if holds_card_number(value):
            yield path
    elif isinstance(value, Message):
        yield from _walk(value, path + ".")
