"""What protobuf can carry and PostgreSQL or Python's datetime cannot hold: NUL in a text, and times that are none."""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from paykit.serve.validation import contents

NUL_RULE = "string.no_nul"
TIME_RULE = "timestamp.valid"
SECONDS_MIN = -62_135_596_800
"""0001-01-01 00:00 UTC, the first instant of google.protobuf.Timestamp."""
SECONDS_MAX = 253_402_300_799
"""9999-12-31 23:59:59 UTC, the last one."""
NANOS_MAX = 999_999_999

_TIMESTAMP = "google.protobuf.Timestamp"
_NUL = b"\x00"


def find(message: Message, serialized: bytes) -> tuple[str, str] | None:
    """Return the path of the first value that cannot be held, and the rule it breaks; items of batches are left out.

    Most messages hold no zero byte and no time, which is seen at once.
    """
    if _NUL not in serialized and not _holds_time(message):
        return None
    return next(_faults(message), None)


def _faults(message: Message) -> Iterator[tuple[str, str]]:
    for path, value in contents.walk(message):
        if isinstance(value, str):
            if "\x00" in value:
                yield path, NUL_RULE
        elif isinstance(value, Message) and value.DESCRIPTOR.full_name == _TIMESTAMP and not _is_time(value):
            yield path, TIME_RULE


def _is_time(timestamp: Message) -> bool:
    seconds, nanos = getattr(timestamp, "seconds"), getattr(timestamp, "nanos")  # noqa: B009  Known at run time only.
    return bool(SECONDS_MIN <= seconds <= SECONDS_MAX and 0 <= nanos <= NANOS_MAX)


def _holds_time(message: Message) -> bool:
    """Return whether a time is set in a message, or something that is repeated and can hold one."""
    for name, is_repeated, is_time in _timed_fields(message.DESCRIPTOR):
        if is_repeated:
            if len(getattr(message, name)) > 0:
                return True
        elif message.HasField(name) and (is_time or _holds_time(getattr(message, name))):
            return True
    return False


@cache
def _timed_fields(descriptor: Descriptor) -> tuple[tuple[str, bool, bool], ...]:
    """Return the fields in which a time can stand: by name, whether it is repeated, and whether it is a time itself."""
    skipped = contents.items_of(descriptor)
    return tuple(
        (field.name, field.is_repeated, field.message_type.full_name == _TIMESTAMP)
        for field in descriptor.fields
        if field.message_type is not None
        and field.number not in skipped
        and _TIMESTAMP in _types_in(field.message_type, set())
    )


def _types_in(descriptor: Descriptor, seen: set[str]) -> set[str]:
    if descriptor.full_name not in seen:
        seen.add(descriptor.full_name)
        for field in descriptor.fields:
            if field.message_type is not None and field.number not in contents.items_of(descriptor):
                _types_in(field.message_type, seen)
    return seen
