"""Numbers, texts and times by the bytes that events have them in, one or a column of them. Pure."""

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from paykit.clock import from_micros
from paykit.events.avro_binary import decode_long

T = TypeVar("T")

MOMENTS_MAX = 4_096
"""Moments that a process keeps by their bytes: what one transaction of a producer recorded bears one."""
MOMENT_BYTES = 8
"""Of a time: all of so many bytes can be datetimes, and those of our time have so many."""
_MORE = 0x80
"""The flag of a byte of a number that more follow."""


def number_of(encoded: bytes) -> int:
    """Return a number by its bytes."""
    number = encoded[0]
    if number >= _MORE:
        if len(encoded) > 2:  # noqa: PLR2004 - most amounts take two bytes or one
            return decode_long(encoded, 0)[0]
        number = number & 0x7F | encoded[1] << 7
    return number >> 1 ^ -(number & 1)


def numbers_of(encoded: Sequence[bytes]) -> list[int]:
    """Return numbers, each by its bytes, as `number_of` does."""
    return _each_once(number_of, encoded)  # Amounts come again.


def texts_of(encoded: Sequence[bytes]) -> list[str]:
    """Return texts, each by its bytes without its length."""
    return _each_once(bytes.decode, encoded)  # Merchants and currencies come again.


def _each_once(read: Callable[[bytes], T], encoded: Sequence[bytes]) -> list[T]:
    values = {each: read(each) for each in set(encoded)}
    return [values[each] for each in encoded]


def micros_of(encoded: bytes) -> int:
    """Return a time by its eight bytes, in microseconds since 1970."""
    # Groups of seven bits are moved together in pairs, and pairs in pairs: a loop over bytes takes twice as long.
    number = int.from_bytes(encoded, "little") & 0x7F7F7F7F7F7F7F7F
    number = number & 0x007F007F007F007F | (number & 0x7F007F007F007F00) >> 1
    number = number & 0x00003FFF00003FFF | (number & 0x3FFF00003FFF0000) >> 2
    number = number & 0x000000000FFFFFFF | (number & 0x0FFFFFFF00000000) >> 4
    return number >> 1 ^ -(number & 1)


def all_micros_of(encoded: Sequence[bytes]) -> list[int]:
    """Return times, each by its eight bytes, as `micros_of` does."""
    count = len(encoded)
    number = int.from_bytes(b"".join(encoded), "little")
    for kept, moved, bits in _MOVES:  # All at once: one integer holds them.
        number = number & _repeated(kept, count) | (number & _repeated(moved, count)) >> bits
    zigzag = struct.unpack(f"<{count}Q", number.to_bytes(count * MOMENT_BYTES, "little"))
    return [each >> 1 ^ -(each & 1) for each in zigzag]


_MOVES = (
    (0x007F007F007F007F, 0x7F007F007F007F00, 1),
    (0x00003FFF00003FFF, 0x3FFF00003FFF0000, 2),
    (0x000000000FFFFFFF, 0x0FFFFFFF00000000, 4),
)


def _repeated(mask: int, count: int) -> int:
    return int.from_bytes(mask.to_bytes(MOMENT_BYTES, "little") * count, "little")


@lru_cache(maxsize=MOMENTS_MAX)
def moment_of(encoded: bytes) -> datetime:
    """Return a time by its eight bytes, in UTC."""
    return from_micros(micros_of(encoded))
