"""What a record turns out to be before any transaction, and what becomes of it in one."""

from dataclasses import dataclass, field
from typing import Any

from paykit.consume.delivery import Delivered, Handle, NotYet, Record


@dataclass(frozen=True, slots=True)
class DeadLetterCause:
    """Why a record becomes a dead letter.

    Attributes:
        reason: For programs, such as `UNDECODABLE` or the reason of the domain's refusal.
        error: For people.
        unexpected: Its handler crashed, which may be the build's fault and not the event's.
    """

    reason: str
    error: str
    unexpected: bool = False


@dataclass(slots=True)
class ReadyEvent(Delivered[Any]):
    """A decoded event of a type that the service handles, or the excerpt of one that takes the fast lane.

    It is what the handler gets: nothing more is made for each event on its way there.

    Attributes:
        name: Full name of its Avro record.
    """

    name: str = field(kw_only=True)
    handle: Handle = field(kw_only=True)


@dataclass(slots=True)
class UnhandledEvent:
    """An event of a type that the service neither handles nor ignores: one newer than the build."""

    record: Record
    name: str


@dataclass(slots=True)
class UndecodableRecord:
    """A record whose bytes are no event of a schema that is known."""

    record: Record
    cause: DeadLetterCause


@dataclass(slots=True)
class ExcludedRecord(UndecodableRecord):
    """A record that people decided to go past, whatever it is."""


PreparedRecord = ReadyEvent | UnhandledEvent | UndecodableRecord


@dataclass(frozen=True, slots=True)
class Skipped:
    """An unhandled event is kept for a replay by a newer build."""


EventResult = NotYet | DeadLetterCause | Skipped | None
"""What becomes of a record: it is parked, a dead letter, skipped, or (None) applied."""
