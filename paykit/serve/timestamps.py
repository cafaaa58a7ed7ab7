"""Between messages and domain values, where the same mapping would stand in every servicer."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.clock import EPOCH

# protobuf allows years 1 to 9999 and nanoseconds; paystream keeps microseconds, as PostgreSQL does.
_NANOS_PER_MICRO = 1_000


def to_timestamp(moment: datetime) -> Timestamp:
    """Map to the wire, exactly.

    Raises:
        ValueError: `moment` has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone names no instant")
    since = moment - EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * _NANOS_PER_MICRO)


def from_timestamp(timestamp: Timestamp) -> datetime:
    """Map from the wire to UTC; what is finer than a microsecond is cut off.

    Raises:
        ValueError: Outside of the years 1 to 9999; the rule `timestamp` of protovalidate refuses that earlier.
    """
    moment: datetime = timestamp.ToDatetime(tzinfo=UTC)
    return moment


def from_optional(message: Message, field: str) -> datetime | None:
    """Map the time in a field that may be left out; None where it was."""
    return from_timestamp(getattr(message, field)) if message.HasField(field) else None
