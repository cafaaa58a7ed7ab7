"""Card numbers, refused wherever a caller puts one: rows, events and logs are kept for ever and seen by many.

A card number is a Luhn-valid number of 13 to 19 digits (ISO/IEC 7812), single spaces and hyphens between its digits
ignored. UUIDs and hexadecimal strings of 32 and more characters hold such runs by chance and are passed over.
"""

import re
from collections.abc import Iterator

from google.protobuf.message import Message

from paykit.serve.validation import contents

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
    values = contents.walk(message)
    return next((path for path, value in values if isinstance(value, str) and holds_card_number(value)), None)


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
