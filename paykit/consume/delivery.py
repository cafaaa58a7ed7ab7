"""What a service declares about the events it consumes, and what its handlers get and answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, cast

from paykit.base import telemetry
from paykit.base.errors import DefectError
from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.events.codec import Event
from paykit.events.shape_reading import ShapeLayout
from paykit.kafka import cloud_events
from paykit.postgres.database import Tx
from paykit.postgres.outbox import Headers


class Excerpt(Protocol):
    """What a fast lane makes of an event's fields, which its handler takes in the event's place."""

    TOPIC: ClassVar[str]
    """The topic without prefix."""

    @property
    def recorded_at(self) -> datetime | None:
        """When the producer recorded the event."""
        ...


REMEMBERED = ("event_id", "occurred_at", "recorded_at")
"""The fields by which an inbox remembers an event: those of `Identified`."""


BATCH_RECORDS_MAX = 2500
"""Records in one transaction: beyond some hundreds, more only spreads the cost of round trips and of the commit."""

E = TypeVar("E", bound=Event | Excerpt)


@dataclass(slots=True)
class Record:
    """A Kafka record as it arrived: everything needed to apply it later, elsewhere, byte for byte.

    Attributes:
        topic: With the topic prefix, as Kafka names it.
        key: The Kafka key as text; the id of the event's aggregate.
        value: None for a tombstone, which no paystream topic should hold.
        topic_id: Of the topic's incarnation: offsets begin anew where a topic is made again. Empty if not known.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: Headers
    topic_id: str = ""

    @property
    def traceparent(self) -> str | None:
        """W3C trace context that travelled with the event; None where a producer put something else in its place."""
        for content in cloud_events.traces_of(self.headers):
            if content:
                text = content.decode("ascii", errors="replace")
                return text if telemetry.is_traceparent(text) else None
        return None


@dataclass(slots=True)
class Delivered(Generic[E]):
    """An event in a handler's hands.

    Attributes:
        waited_s: Real time, in seconds, for which it has been parked while nothing was left that could help it: all is
            consumed that lay in the service's topics when it was parked. 0 for one that was not parked.
    """

    event: E
    record: Record
    waited_s: float = 0.0

    @property
    def key(self) -> str:
        """Kafka key, which the transaction holds while it handles the event."""
        return self.record.key

    @property
    def partition(self) -> int:
        """Source partition."""
        return self.record.partition

    @property
    def cause(self) -> Cause:
        """Cause of everything the handler does for this event."""
        event = cast("Event", self.event)  # Of an excerpt, nobody asks for it.
        return Cause(event.correlation_id, event.event_id, event.actor, self.record.traceparent)


@dataclass(frozen=True, slots=True)
class NotYet:
    """What the event builds on has not arrived; it is parked and tried again.

    Attributes:
        waits_for: What must come first, for the people who look at parked events.
    """

    waits_for: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """The domain refuses the event for good; it becomes a dead letter."""

    error: DomainError


HandlerResult = NotYet | Impossible | None
"""A handler's answer for one event; None: it was applied."""

Handler = Callable[[Tx, Sequence[Delivered[Any]]], Awaitable[Sequence[HandlerResult]]]


@dataclass(frozen=True, kw_only=True)
class FastLane:
    """How the events that a handler gets most are read without being decoded as a whole.

    It takes what was written by the schema of this build; every other version takes the way of all events, and so does
    what it leaves.

    Attributes:
        fields: Those that are read, as `paykit.events.partial_decoding` names them.
        take: Makes of their values what the handler gets in the event's place; None leaves the event to be decoded as
            a whole. Pure, and quick: it is called for each event, before any transaction.
    """

    fields: Sequence[str]
    take: Callable[[tuple[Any, ...]], Excerpt | None]


@dataclass(frozen=True, kw_only=True)
class ShapeLane:
    """How the events that a handler gets most are read by the shapes that they have in common.

    It takes what a `FastLane` would take, in less time, and is worth it where little is made of many fields.

    Attributes:
        specialize: Says of an example what is read of the events that are like it, and what the handler gets in their
            place. Pure.
    """

    specialize: Callable[[Any], ShapeLayout[Any] | None]


@dataclass(frozen=True, kw_only=True)
class Handle:
    """How one event type is handled.

    Attributes:
        handler: Applies a sequence of events of this type; one result per event, in order.
        deduplication: `natural`: the effect has a unique key of its own. `inbox`: the runtime remembers event ids.
        commutative: The handler gives the same result in any order, so its events are never kept behind others.
        rebuild: The part of the handler that keeps projection tables and does nothing else: it emits nothing, calls
            nothing, reads no clock and touches no record table. `paystream rebuild` applies it from the first event
            on, in order per key; events of other keys, types and topics may come in any order, so it must give the
            same rows in each. None: the event keeps no projection.
        fast_lane: Both handlers take its excerpts as well as events. Beside an inbox, excerpts have what it remembers
            events by.
    """

    handler: Handler
    deduplication: Literal["natural", "inbox"] = "natural"
    commutative: bool = False
    rebuild: Handler | None = None
    fast_lane: FastLane | ShapeLane | None = None

    def __post_init__(self) -> None:
        """Refuse a fast lane beside an inbox that leaves out what it remembers."""
        if self.fast_lane is None or self.deduplication != "inbox":
            return
        if not (isinstance(self.fast_lane, FastLane) and {*REMEMBERED} <= {*self.fast_lane.fields}):
            raise DefectError(f"an inbox remembers events by {', '.join(REMEMBERED)}, which a fast lane must read")


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One topic that a service consumes.

    Attributes:
        topic: Without prefix.
        handles: By event class.
        ignores: Full record names that the service knows and has no use for.
        batch_records_max: Records in one transaction. More is for what changes a row for many events at once: the locks
            on such rows last as long as the transaction.
    """

    topic: str
    handles: Mapping[type[Event], Handle]
    ignores: frozenset[str] = field(default_factory=frozenset)
    batch_records_max: int = BATCH_RECORDS_MAX

    def handle_of(self, record_name: str) -> Handle | None:
        """How records of a name are handled; None if they are not."""
        for event_type, handle in self.handles.items():
            if record_name == event_type.RECORD:
                return handle
        return None
