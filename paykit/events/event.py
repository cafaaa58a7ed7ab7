"""What every generated event class offers."""

from datetime import datetime
from typing import Any, ClassVar, Protocol, Self

STAMPED = {"event_id": '""', "recorded_at": "None", "correlation_id": '""', "causation_id": "None", "actor": "None"}
"""What `tx.emit` stamps, which may be left out when a domain makes the event, with the default that stands there."""


class Identified(Protocol):
    """What tells an event from all others, of the event itself or of an excerpt that takes its place."""

    @property
    def event_id(self) -> str:
        """Identity of the event; empty until it is emitted."""
        ...

    @property
    def occurred_at(self) -> datetime:
        """Effective time, UTC."""
        ...

    @property
    def recorded_at(self) -> datetime | None:
        """When the producer recorded it; None until it is emitted."""
        ...


class Event(Identified, Protocol):
    """One Avro record as a frozen dataclass, generated into `paystream.<service>.v1.events`.

    Attributes:
        RECORD: Full name of the Avro record, as in `paystream.payment.v1.PaymentSuccess`.
        TOPIC: The topic it goes to, without a topic prefix.
        VERSION: Number of the schema file that the class was generated from.
        KEY: Name of the field that is the Kafka key.
    """

    RECORD: ClassVar[str]
    TOPIC: ClassVar[str]
    VERSION: ClassVar[int]
    KEY: ClassVar[str]

    @property
    def merchant_id(self) -> str | None:
        """The merchant concerned, if one is."""
        ...

    @property
    def correlation_id(self) -> str:
        """The journey; empty until the event is emitted."""
        ...

    @property
    def causation_id(self) -> str | None:
        """The request or event that led here."""
        ...

    @property
    def actor(self) -> str | None:
        """Who asked, if a caller did."""
        ...

    @property
    def aggregate_version(self) -> int:
        """Version of the aggregate after the event."""
        ...

    def as_record(self) -> dict[str, Any]:
        """Return the field values by name, nested records as dictionaries, times as aware datetimes."""
        ...

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """Make the event of a complete record of the class's own schema version."""
        ...
