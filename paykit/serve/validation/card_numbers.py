"""Card numbers, refused wherever a caller puts one: rows, events and logs are kept for ever and seen by many.

A card number is a Luhn-valid number (ISO/IEC 7812) that begins as a network's numbers do and is as long as they are,
single spaces and hyphens between its digits ignored. Luhn alone would refuse every tenth order number. UUIDs and
hexadecimal strings of 32 and more characters hold such runs by chance and are passed over, and so are the references
that channels give: nobody typed them, and refusing one would lose what a channel says.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.message import Message

from paykit.serve.validation import contents

DIGITS_MIN = 13
DIGITS_MAX = 19
CHANNEL_REFERENCES = ("channel_reference", "authorization_reference", "dispute_reference")
"""Fields that hold what a channel calls something."""


class IssuerRange(NamedTuple):
    """Numbers of a network: those whose first digits lie between `first` and `last`, which are equally long."""

    first: str
    last: str
    lengths: range


# As the networks publish them; wide where sources differ, for a card number that goes through stays for ever. UATP,
# whose numbers begin with any 1, is left out: those are paid with by airlines' contracts, not by shoppers.
ISSUER_RANGES = (
    IssuerRange("4", "4", range(13, 20)),  # Visa, and Electron, Dankort and Elo beside it
    IssuerRange("51", "55", range(16, 17)),  # Mastercard
    IssuerRange("2221", "2720", range(16, 17)),
    IssuerRange("34", "34", range(15, 16)),  # American Express
    IssuerRange("37", "37", range(15, 16)),
    IssuerRange("300", "305", range(14, 20)),  # Diners Club
    IssuerRange("3095", "3095", range(14, 20)),
    IssuerRange("36", "36", range(14, 20)),
    IssuerRange("38", "39", range(14, 20)),
    IssuerRange("3528", "3589", range(16, 20)),  # JCB, and LankaPay
    IssuerRange("2200", "2204", range(16, 20)),  # Mir
    IssuerRange("50", "50", range(13, 20)),  # Maestro; Verve, Elo and RuPay among it
    IssuerRange("56", "58", range(13, 20)),
    IssuerRange("60", "69", range(13, 20)),  # Discover, UnionPay, Maestro, RuPay, InstaPayment, Elo, Hipercard, Troy
    IssuerRange("81", "82", range(16, 20)),  # UnionPay, RuPay
    IssuerRange("9792", "9792", range(16, 17)),  # Troy
)

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
    """Return whether a serialized message can hold a card number at all, in a microsecond: most messages stop here."""
    return _SHORTEST in serialized.translate(_DIGITS_ALIKE, _SEPARATORS)


def holds_card_number(text: str) -> bool:
    """Return whether a text holds a card number."""
    runs = _RUN.findall(_IDENTIFIER.sub("~", text))
    return any(_issued(number) and _luhn(number) for run in runs for number in _numbers(_SEPARATOR.split(run)))


def find(message: Message) -> str | None:
    """Name the first string field with a card number in it, as in `metadata["note"]`; items of batches are left out."""
    for path, value in contents.walk(message):
        if isinstance(value, str) and holds_card_number(value) and not path.endswith(CHANNEL_REFERENCES):
            return path
    return None


def _numbers(groups: list[str]) -> Iterator[str]:
    """Return every row of neighbouring groups that is as long as a card number: "4111 1111 1111 1111 12" has two."""
    for start in range(len(groups)):
        number = ""
        for group in groups[start:]:
            number += group
            if len(number) > DIGITS_MAX:
                break
            if len(number) >= DIGITS_MIN:
                yield number


def _issued(number: str) -> bool:
    """Whether a network issues numbers that begin and are as long as this one."""
    return any(
        issuer.first <= number[: len(issuer.first)] <= issuer.last and len(number) in issuer.lengths
        for issuer in ISSUER_RANGES
    )


def _luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0
