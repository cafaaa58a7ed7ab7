"""Prefixed ids: `<prefix>_<32 hex digits of a UUID>`.

Ids that paystream gives out are UUIDv7, so they sort by creation time; ids that follow from other names are UUIDv5,
so the same names always give the same id. Source: RFC 9562.

The 12 bits behind the version of a UUIDv7 (`rand_a`) are its shard slot: the three digits behind the 7. A merchant gets
a random one with its id, and everything of the merchant has the same, so that any id alone says where it belongs. Ids
of nobody's have a random one. Source: ADR 63.
"""

import hashlib
import random
import re
import time
from binascii import hexlify, unhexlify
from collections.abc import Sequence
from functools import lru_cache

NAMESPACE = bytes.fromhex("5b0e6c2a9d9b4c0f8f5d6f1b1d6f7a21")
"""The UUIDv5 namespace of all derived ids. Never changed: transaction ids depend on it."""

_ID = re.compile(r"([a-z]{3})_([0-9a-f]{32})")
_TIMESTAMP = (1 << 48) - 1
_RANDOM_BYTES = 8
"""Behind the slot: two bits of them are the variant."""
_VARIANT = {f"{number:x}": f"{8 | number & 3:x}" for number in range(16)}
SLOTS = 4_096
"""Shard slots, of 12 bits."""
_SLOT = slice(17, 20)
"""Where the digits of the slot stand in an id, behind its prefix of three letters."""
SLOTS_KEPT = 4_096
"""Texts whose slot is remembered: merchants come again, with each id that is made for them."""
# Seeded by the operating system. Ids must be unique, not secret, and asking the system for each one costs a call to it;
# processes are spawned, never forked, so no two share a state.
_RANDOM = random.Random()  # noqa: S311


def new_id(prefix: str, *, of: str | None = None) -> str:
    """Return a new id that sorts after those made in earlier milliseconds.

    Args:
        prefix: Three letters.
        of: The merchant's id, or any that was made for the merchant: the new one has its slot. None, or a text without
            a slot, for an id of nobody's: it has a random one.
    """
    return id_in_slot(prefix, None if of is None else _known_slot_of(of))


def id_in_slot(prefix: str, slot: int | None) -> str:
    """Return a new id with a slot that is known already, as `slot_of` says it."""
    if slot is None:
        slot = _RANDOM.getrandbits(12)
    # In halves of 64 bits: integers of 128 take twice as long.
    first = (time.time_ns() // 1_000_000 & _TIMESTAMP) << 16 | 0x7 << 12 | slot
    return f"{prefix}_{first:016x}{0x2 << 62 | _RANDOM.getrandbits(62):016x}"


def ids_in_slots(prefix: str, slots: Sequence[int | None]) -> list[str]:
    """Return new ids, each with a slot as `id_in_slot` has it: many cost half as much together."""
    millisecond = f"{prefix}_{time.time_ns() // 1_000_000 & _TIMESTAMP:012x}7"
    random_digits = _RANDOM.randbytes(_RANDOM_BYTES * len(slots)).hex()
    ids = []
    for at, slot in enumerate(slots):
        begin = 2 * _RANDOM_BYTES * at
        known = _RANDOM.getrandbits(12) if slot is None else slot
        variant = _VARIANT[random_digits[begin]]
        ids.append(f"{millisecond}{known:03x}{variant}{random_digits[begin + 1 : begin + 16]}")
    return ids


def slot_of(text: str) -> int | None:
    """Return the slot of an id, 0 to SLOTS - 1; None of a text that is no id, or one that follows from names.

    Of a transaction of the ledger, which is a UUIDv7 but for six bits (ADR 49), it is that of what moved the money.
    """
    match = _ID.fullmatch(text)
    if match is None or (match[2][12] == "5" and match[2][16] in "89ab"):
        return None
    return int(text[_SLOT], 16)


_known_slot_of = lru_cache(maxsize=SLOTS_KEPT)(slot_of)


def bytes_of_digits(digits: bytes) -> bytes | None:
    """Return the bytes of digits; None where they are none, or would not come back as they are, in lower case."""
    try:
        found = unhexlify(digits)
    except ValueError:
        return None
    return found if hexlify(found) == digits else None


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
