"""What stands in the free text of a bank's line: the ids that paystream sent along, and the parts that banks mark."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.reconciliation.domain.formats.limits import IDENTITY_CHARS_MAX, TEXT_CHARS_MAX

_RELATED = re.compile(r"(?<![0-9A-Za-z_])((?:cap|pay|ref|wdr|dsp)_[0-9a-f]{32})(?![0-9A-Za-z_])")
_ATTEMPT = re.compile(r"(?<![0-9A-Za-z_])(att_[0-9a-f]{32})(?![0-9A-Za-z_])")
_NONE_GIVEN = frozenset(
    {"", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NONE", *("EREF", "PREF", "MARF", "KREF+")}  # The last: see :86:.
)


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What a bank's line refers to."""

    related_no: str | None
    attempt_id: str | None
    text: str | None


def found_references(end_to_end: str | None, text: str) -> References:
    """Find what a line refers to: the end-to-end reference that was sent along, and ids that stand alone in the text.

    An id in the text counts where there is one of its kind: with two, people or rules have to tell which is meant.
    """
    everything = f"{end_to_end or ''} {text}"
    related, attempts = set(_RELATED.findall(everything)), set(_ATTEMPT.findall(everything))
    own = given(end_to_end)
    return References(
        related_no=related.pop() if len(related) == 1 else own,
        attempt_id=attempts.pop() if len(attempts) == 1 else None,
        text=text[:TEXT_CHARS_MAX] or None,
    )


def given(reference: str | None) -> str | None:
    """Return a reference, and None for the words by which banks say that there is none."""
    text = (reference or "").strip()
    return None if text.upper() in _NONE_GIVEN else text[:IDENTITY_CHARS_MAX]


def marked_parts(lines: list[str]) -> Mapping[str, str]:
    """Return the parts of an :86: by their mark, in whichever way the bank marks them; empty where it does not.

    `166?20EREF+A?21B` (Germany, Austria: a part goes on through ?20..?29 and ?60..?63), `/EREF/A//REMI/B/` (ING,
    Rabobank, ABN AMRO), or `EREF+A` at the beginning of a part.
    """
    joined = "".join(lines)
    if (parts := _NUMBERED.split(joined))[1:]:
        purpose = "".join(text for number, text in zip(parts[1::2], parts[2::2], strict=True) if _is_purpose(number))
        return dict(_plus_parts(purpose))
    if joined.startswith("/") and len(parts := _SLASHED.split(joined)) > 1:
        marks: dict[str, str] = {}
        for mark, text in zip(parts[1::2], parts[2::2], strict=True):
            marks.setdefault(mark, text.strip("/ "))
        return marks
    return dict(_plus_parts(joined))


_NUMBERED = re.compile(r"\?(\d{2})")
_SLASHED = re.compile(r"/([A-Z]{4}|ORDP|BENM|MARF|CSID|REMI|ISDT|PREF|TRTP|IBAN|BIC|NAME|TRCD|RTRN|PURP|ULTD|ULTC)/")
_PLUS = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|IBAN|BIC)\+")


def _is_purpose(number: str) -> bool:
    return "20" <= number <= "29" or "60" <= number <= "63"


def _plus_parts(text: str) -> list[tuple[str, str]]:
    parts = _PLUS.split(text)
    return list(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
