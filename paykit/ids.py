"""Prefixed ids: `<prefix>_<32 hex digits of a UUID>`.

Ids that paystream gives out are UUIDv7, so they sort by creation time; ids that follow from other names are UUIDv5,
so the same names always give the same id. Source: RFC 9562.
"""

import hashlib
import random
import re
import time

NAMESPACE = bytes.fromhex("5b0e6c2a9d9b4c0f8f5d6f1b1d6f7a21")
"""The UUIDv5 namespace of all derived ids. Never changed: transaction ids depend on it."""

_ID = re.compile(r"([a-z]{3})_([0-9a-f]{32})")
_TIMESTAMP_BITS = 48
# Seeded by the operating system. Ids must be unique, not secret, and asking the system for each one costs a call to it;
# processes are spawned, never forked, so no two share a state.
_RANDOM = random.Random()  # noqa: S311


def new_id(prefix: str) -> str:
    """Return a new id that sorts after those made in earlier milliseconds."""
    value = (time.time_ns() // 1_000_000 & ((1 << _TIMESTAMP_BITS) - 1)) << 80 | _RANDOM.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{value:032x}"


def named_id(prefix: str, *names: str) -> str:
    """Return the one id that belongs to these names, in this order."""
    digest = bytearray(hashlib.sha1(NAMESPACE + "\x1f".join(names).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return f"{prefix}_{digest.hex()}"


def is_id(prefix: str, text: str) -> bool:
    """Return whether the text is an id of this prefix."""
    match = _ID.fullmatch(text)
    return match is not None and match[1] == prefix
