"""Ids of transactions: one for each pair of transaction_type and related_no, by rule, and known without a look. Pure.

Most related_nos are ids of paystream: a prefix and a UUIDv7, in which six bits are the same in all. A transaction of a
type with a number is known by that UUID with the number in these six bits: its id sorts by time, says what it is of,
and its month. Everything else, as a manual journal, is known by the UUIDv5 of the pair, which has a number of its own.
Source: docs/adr/0049; RFC 9562, sections 5.5 and 5.7.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from paykit.ids import bytes_of_digits, named_id
from services.accounting.domain.booked_event import BOOKED_TYPES

NAMED_NUMBER = 0b0101_10
"""The six bits of a UUIDv5: version 5, variant 10. No type has this number."""

NAMED_MONTH = 0
"""In the place of a month, for transactions whose id says none."""

FIRST_YEAR, LAST_YEAR = 2000, 2199
"""Of the UUIDv7 that are taken for ones: a month is looked up in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionType:
    """A type whose transactions are known by the UUID of what they are of.

    Attributes:
        number: From 0 to 63, never changed and never given again.
        transaction_type: Its name.
        related_prefix: Of the ids that its related_nos are.
        root_prefix: Of the ids that its root_references are.
    """

    number: int
    transaction_type: str
    related_prefix: str
    root_prefix: str


TRANSACTION_TYPES = tuple(
    TransactionType(number=number, transaction_type=name, related_prefix=related, root_prefix=root)
    for number, name, related, root in (
        (0, "PaymentSuccess", "cap", "pay"),
        (1, "PaymentReversed", "cap", "pay"),
        (2, "LateCaptureReceived", "cap", "pay"),
        (3, "LateCaptureAccepted", "cap", "pay"),
        (4, "RefundSuccess", "ref", "pay"),
        (5, "RefundReturned", "ref", "pay"),
        (6, "PaymentContradictionResolved", "ctr", "pay"),
        (7, "DisputeOpened", "dsp", "pay"),
        (8, "DisputeWon", "dsp", "pay"),
        (9, "DisputeLost", "dsp", "pay"),
        (10, "DisputeOverturned", "ovt", "pay"),
        (11, "SettlementCreated", "stl", "stl"),
        (12, "ReserveReleased", "rsr", "stl"),
        (13, "ReserveConsumed", "rsc", "stl"),
        (14, "BalanceRecovered", "rec", "rec"),
        (15, "WithdrawalCreated", "wdr", "wdr"),
        (16, "WithdrawalRejected", "wdr", "wdr"),
        (17, "WithdrawalFailed", "wdr", "wdr"),
        (18, "WithdrawalCancelled", "wdr", "wdr"),
        (19, "WithdrawalCompleted", "wdr", "wdr"),
        (20, "WithdrawalPaidLate", "wdr", "wdr"),
        (21, "WithdrawalReturned", "wdr", "wdr"),
        # 22 is NAMED_NUMBER.
        (23, "WithdrawalBounced", "wdr", "wdr"),
        (24, "Correction", "crp", "dis"),
    )
)
"""Types with numbers: those that events book, whose related_nos are UUIDv7. A new event's type gets the next number."""

BY_NUMBER: Mapping[int, TransactionType] = MappingProxyType({each.number: each for each in TRANSACTION_TYPES})
BY_NAME: Mapping[str, TransactionType] = MappingProxyType({each.transaction_type: each for each in TRANSACTION_TYPES})

WITHOUT_NUMBER = BOOKED_TYPES - BY_NAME.keys()
"""Types that events book under names: an acquirer's statement is known by a UUIDv5 itself."""

_MONTHS = tuple((year, month) for year in range(FIRST_YEAR, LAST_YEAR + 1) for month in range(1, 13))
_STARTS = tuple(
    f"{int(datetime(*each, 1, tzinfo=UTC).timestamp()) * 1_000:012x}" for each in (*_MONTHS, (LAST_YEAR + 1, 1))
)
_NUMBERS = tuple(year * 12 + month - 1 for year, month in _MONTHS)

_UUID7 = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_ID = re.compile(r"txn_[0-9a-f]{32}")
_PREFIX_LENGTH = 4
_DIGITS = re.compile(r"[0-9a-f]{32}")
_VARIANTS = tuple({digit: f"{low << 2 | int(digit, 16) & 3:x}" for digit in "89ab"} for low in range(4))
"""By the lower two bits of a type's number, the digit that holds the variant."""
_VARIANT_BYTES = tuple(bytes.maketrans("".join(each).encode(), "".join(each.values()).encode()) for each in _VARIANTS)
_ID_DIGITS, _VERSION_AT, _VARIANT_AT = 32, 12, 16
_FIRST, _BEHIND = _STARTS[0].encode(), _STARTS[-1].encode()


def transaction_id(transaction_type: str, related_no: str) -> str:
    """Return the one id of a pair: its unique key is what makes booking idempotent."""
    known = BY_NAME.get(transaction_type)
    keyed = None if known is None else keyed_id(known, related_no)
    return named_id("txn", transaction_type, related_no) if keyed is None else keyed


def keyed_id(known: TransactionType, related_no: str) -> str | None:
    """Return the id of a transaction of a type with a number; None where its related_no is no UUIDv7 of its prefix."""
    digits = related_no[4:]
    if related_no[:4] != known.related_prefix + "_" or _UUID7.fullmatch(digits) is None:
        return None
    if not _STARTS[0] <= digits[:12] < _STARTS[-1]:
        return None
    number = known.number
    variant = _VARIANTS[number & 3][digits[16]]
    return f"txn_{digits[:12]}{number >> 2:x}{digits[13:16]}{variant}{digits[17:]}"


def are_related(digits: Sequence[bytes]) -> bool:
    """Return whether all of these digits, at least one, are those of a related_no that has a keyed id."""
    if min(digits) < _FIRST or max(digits) >= _BEHIND:
        return False
    joined = b"".join(digits)
    versions, variants = joined[_VERSION_AT::_ID_DIGITS], joined[_VARIANT_AT::_ID_DIGITS]
    if versions.strip(b"7") or variants.translate(None, b"89ab"):
        return False
    return bytes_of_digits(joined) is not None


def keyed_digits(known: TransactionType, related: Sequence[bytes]) -> list[bytes]:
    """Return the digits of the ids of many transactions of a type, by those of their related_nos, which are UUIDv7."""
    digits = bytearray(b"".join(related))
    digits[_VERSION_AT::_ID_DIGITS] = f"{known.number >> 2:x}".encode() * len(related)
    digits[_VARIANT_AT::_ID_DIGITS] = digits[_VARIANT_AT::_ID_DIGITS].translate(_VARIANT_BYTES[known.number & 3])
    joined = bytes(digits)
    return [joined[begin : begin + _ID_DIGITS] for begin in range(0, len(joined), _ID_DIGITS)]


def number_of(transaction_id: str) -> int:
    """Return the number in the six bits of an id."""
    return int(transaction_id[16], 16) << 2 | int(transaction_id[20], 16) >> 2


def month_of(transaction_id: str) -> int:
    """Return the month in UTC of what a transaction is of: year * 12 + month - 1; NAMED_MONTH where no id says it."""
    if number_of(transaction_id) == NAMED_NUMBER:
        return NAMED_MONTH
    return _month_beginning(transaction_id[4:16]) or NAMED_MONTH


def month_of_digits(digits: bytes) -> int:
    """Return the month of an id by its 32 digits, as `month_of`; of a UUIDv7 but for six bits."""
    return _month_beginning(digits[:12].decode()) or NAMED_MONTH


def month_of_uuid7(text: str) -> int | None:
    """Return the month in UTC of an id that is a prefix and a UUIDv7, as `month_of`; None of any other text."""
    digits = text[_PREFIX_LENGTH:]
    return None if _UUID7.fullmatch(digits) is None else _month_beginning(digits[:12])


def _month_beginning(digits: str) -> int | None:
    """Return the month of a UUIDv7 by its first 12 digits; None of one that is not taken for one."""
    at = bisect_right(_STARTS, digits) - 1
    return _NUMBERS[at] if 0 <= at < len(_NUMBERS) else None


def month_ranges() -> list[tuple[int, str, str]]:
    """Return the months that ids say: each with the digits of its first id, and of the first that is behind it."""
    digits = [start + "0" * 20 for start in _STARTS]
    return [*zip(_NUMBERS, digits, digits[1:], strict=False)]


def pair_of(transaction_id: str) -> tuple[str, str] | None:
    """Return transaction_type and related_no of an id; None of a UUIDv5, which does not say them, and of no id."""
    if _ID.fullmatch(transaction_id) is None:
        return None
    known = BY_NUMBER.get(number_of(transaction_id))
    if known is None:
        return None
    variant = f"{8 | int(transaction_id[20], 16) & 3:x}"
    return known.transaction_type, (
        f"{known.related_prefix}_{transaction_id[4:16]}7{transaction_id[17:20]}{variant}{transaction_id[21:]}"
    )


def is_id(text: str) -> bool:
    """Return whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def has_digits(text: str) -> bool:
    """Return whether a text ends in the 32 digits of a UUID behind four characters, as all ids do."""
    return _DIGITS.fullmatch(text, _PREFIX_LENGTH) is not None


def former_id(transaction_id: str) -> str:
    """Return the id that the same pair had before types had numbers: the UUIDv5 of every pair."""
    pair = pair_of(transaction_id)
    return transaction_id if pair is None else named_id("txn", *pair)


def root_digits(transaction_type: str, root_reference: str) -> str | None:
    """Return the digits of a root_reference; None where it is no id of the kind that the type's root_references are."""
    known = BY_NAME.get(transaction_type)
    if known is None or root_reference[:4] != known.root_prefix + "_" or _DIGITS.fullmatch(root_reference, 4) is None:
        return None
    return root_reference[4:]
