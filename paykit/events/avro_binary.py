"""Avro's binary encoding of single values, for the functions that `compiler` writes.

Source: Apache Avro 1.12 specification, "Binary Encoding": a long is a zigzag varint; a string its length and UTF-8.
"""

from datetime import datetime
from functools import lru_cache

from paykit.clock import EPOCH, from_micros

_CHUNK_BITS = 14
_CHUNK = 1 << _CHUNK_BITS
_CHUNK_MASK = _CHUNK - 1
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
_LONG_SHIFT_MAX = 63
"""A long takes ten bytes of seven bits at most: the last begins at bit 63."""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


# Two bytes at a time: a timestamp takes four look-ups instead of eight rounds of a loop.
_LAST = [_varint(number) for number in range(_CHUNK)]
_MORE = [bytes((number & 0x7F | 0x80, number >> 7 | 0x80)) for number in range(_CHUNK)]

SMALL_MAX = _CHUNK // 2 - 1
SMALL = _LAST[::2]
"""Encodings of 0 to SMALL_MAX. An index refuses floats, which shifting would refuse as well but int() would not."""

LENGTHS = [byte >> 1 if byte < 0x80 and byte % 2 == 0 else -1 for byte in range(256)]  # noqa: PLR2004
"""What a first byte says of a length; -1 when more bytes follow or it is negative."""

BOOLEANS = {True: b"\x01", False: b"\x00"}
BOOLEAN_OF = {0: False, 1: True}


def encode_long(number: int) -> bytes:
    """Encode a long.

    Raises:
        TypeError: It is no integer.
        OverflowError: It takes more than 64 bits.
    """
    if 0 <= number <= SMALL_MAX:
        return SMALL[number]
    if not LONG_MIN <= number <= LONG_MAX:
        raise OverflowError(f"{number} does not fit a long")
    left = number << 1 ^ number >> 63
    encoded = b""
    while left >= _CHUNK:
        encoded += _MORE[left & _CHUNK_MASK]
        left >>= _CHUNK_BITS
    return encoded + _LAST[left]


def encode_string(text: str) -> bytes:
    """Encode a text with its length."""
    encoded = text.encode()
    length = len(encoded)
    return (SMALL[length] if length <= SMALL_MAX else encode_long(length)) + encoded


def encode_timestamp(moment: datetime) -> bytes:
    """Encode an aware datetime as microseconds since 1970.

    Raises:
        TypeError: It is naive or no datetime.
    """
    since = moment - EPOCH
    return encode_long((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


encode_moment = lru_cache(maxsize=1_024)(encode_timestamp)
"""The same for moments that come again: all that one transaction tells of has one or two."""


def decode_long(data: bytes, at: int) -> tuple[int, int]:
    """Return a long and where the next value begins.

    Raises:
        IndexError: The bytes end before it does.
        ValueError: It takes more than 64 bits.
    """
    byte = data[at]
    number, shift, end = byte & 0x7F, 7, at + 1
    while byte > 0x7F:  # noqa: PLR2004
        # Without the bound, a number of any length would be built, in time that grows with its square.
        if shift > _LONG_SHIFT_MAX:
            raise ValueError("a long of more than 64 bits")
        byte = data[end]
        number |= (byte & 0x7F) << shift
        shift += 7
        end += 1
    if number >> 64:
        raise ValueError("a long of more than 64 bits")
    return number >> 1 ^ -(number & 1), end


def decode_length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length and where its bytes begin.

    Raises:
        ValueError: It is negative.
    """
    length, begin = decode_long(data, at)
    if length < 0:
        raise ValueError("a negative length")
    return length, begin


def decode_string(data: bytes, at: int) -> str:
    """Return a text.

    Raises:
        UnicodeDecodeError: It is no UTF-8.
    """
    length, begin = decode_length(data, at)
    return data[begin : begin + length].decode()


def decode_timestamp(data: bytes, at: int) -> tuple[datetime, int]:
    """Return microseconds since 1970 as an aware datetime, and where the next value begins.

    Raises:
        OverflowError: It is beyond the year 9999.
    """
    number, end = decode_long(data, at)
    return from_micros(number), end
