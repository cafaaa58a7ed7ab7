"""Events of paystream.notification.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class RecipientKind(StrEnum):
    """Whom a notification is for."""

    UNKNOWN = "UNKNOWN"
    MERCHANT = "MERCHANT"
    PAYER = "PAYER"
    OPERATOR = "OPERATOR"


class WebhookStopReason(StrEnum):
    """FAILING: every try of five days failed. GONE: its receiver answered 410. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    FAILING = "FAILING"
    GONE = "GONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFailed(AvroRecord):
    """A notification's mail was refused for good, given up, or left in doubt.

    Attributes:
        event_id: Identity of this event: evt_ and a UUIDv7 in 32 hexadecimal digits. The same in every redelivery:
            de-duplicate by it.
        occurred_at: Effective (business) time of what happened, UTC, microseconds.
        recorded_at: When the producer recorded it, UTC, microseconds; not before occurred_at unless the fact was dated
            ahead.
        merchant_id: The merchant concerned: mer_ and a UUIDv7; null where no single merchant is.
        correlation_id: The journey: the same from the first request to the last event it led to.
        causation_id: The request id or event id that directly led to this event; null when none did.
        actor: Name of the authenticated caller or operator who asked; null when paystream acted by itself. Never a
            payer.
        aggregate_version: Version of the aggregate after this event, from 1, +1 with every change of the aggregate.
        notification_id: The notification: ntf_ and 32 hexadecimal digits. The Kafka key.
        template: Name of the template, as in settlement_completed.
        recipient_kind: Whom it is for; no event has an address.
        notified_event_id: The event that it tells of: evt_ and 32 hexadecimal digits.
        resource_id: What that event is about: a prefixed id, as of an order or a settlement.
        locale: Language of the mail, as in zh-CN; null where it was never rendered.
        try_count: How often sending was tried since it was queued, or queued anew, 1..1000.
        resend_count: How often a person had it sent once more, 0..1000.
        reason: Why, UPPER_SNAKE, as in RECIPIENT_REFUSED.
        smtp_code: Reply code of the mail server, 400..599; null where it gave none.
        in_doubt: Whether it may have arrived all the same: the mail server got it and never said what became of it.
    """

    RECORD: ClassVar[str] = "paystream.notification.v1.NotificationFailed"
    TOPIC: ClassVar[str] = "notification.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "notification_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    notification_id: str
    template: str
    recipient_kind: RecipientKind
    notified_event_id: str
    resource_id: str
    locale: str | None
    try_count: int
    resend_count: int
    reason: str
    smtp_code: int | None
    in_doubt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent(AvroRecord):
    """The mail server took a notification's mail.

    Attributes:
        event_id: Identity of this event: evt_ and a UUIDv7 in 32 hexadecimal digits. The same in every redelivery:
            de-duplicate by it.
        occurred_at: Effective (business) time of what happened, UTC, microseconds.
        recorded_at: When the producer recorded it, UTC, microseconds; not before occurred_at unless the fact was dated
            ahead.
        merchant_id: The merchant concerned: mer_ and a UUIDv7; null where no single merchant is.
        correlation_id: The journey: the same from the first request to the last event it led to.
        causation_id: The request id or event id that directly led to this event; null when none did.
        actor: Name of the authenticated caller or operator who asked; null when paystream acted by itself. Never a
            payer.
        aggregate_version: Version of the aggregate after this event, from 1, +1 with every change of the aggregate.
        notification_id: The notification: ntf_ and 32 hexadecimal digits. The Kafka key.
        template: Name of the template, as in settlement_completed.
        recipient_kind: Whom it is for; no event has an address.
        notified_event_id: The event that it tells of: evt_ and 32 hexadecimal digits.
        resource_id: What that event is about: a prefixed id, as of an order or a settlement.
        locale: Language of the mail, as in zh-CN; null where it was never rendered.
        try_count: How often sending was tried since it was queued, or queued anew, 1..1000.
        resend_count: How often a person had it sent once more, 0..1000.
    """

    RECORD: ClassVar[str] = "paystream.notification.v1.NotificationSent"
    TOPIC: ClassVar[str] = "notification.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "notification_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    notification_id: str
    template: str
    recipient_kind: RecipientKind
    notified_event_id: str
    resource_id: str
    locale: str | None
    try_count: int
    resend_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpointStopped(AvroRecord):
    """Nothing is delivered to a webhook endpoint any more until its owner enables it again.

    Attributes:
        event_id: Identity of this event: evt_ and a UUIDv7 in 32 hexadecimal digits. The same in every redelivery:
            de-duplicate by it.
        occurred_at: Effective (business) time of what happened, UTC, microseconds.
        recorded_at: When the producer recorded it, UTC, microseconds; not before occurred_at unless the fact was dated
            ahead.
        merchant_id: The merchant concerned: mer_ and a UUIDv7; null where no single merchant is.
        correlation_id: The journey: the same from the first request to the last event it led to.
        causation_id: The request id or event id that directly led to this event; null when none did.
        actor: Name of the authenticated caller or operator who asked; null when paystream acted by itself. Never a
            payer.
        aggregate_version: Version of the aggregate after this event, from 1, +1 with every change of the aggregate.
        endpoint_id: The endpoint: whe_ and 32 hexadecimal digits. The Kafka key.
        reason: Why nothing is delivered to it any more.
        host: Host of its address, as in hooks.shop.example; no event has the address itself, which may hold a secret.
        failing_since_at: Since when every try failed, UTC, microseconds, in real time; null where the try before it was
            stopped succeeded.
        failure_count: Tries that failed since then, 0 or more.
    """

    RECORD: ClassVar[str] = "paystream.notification.v1.WebhookEndpointStopped"
    TOPIC: ClassVar[str] = "notification.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "endpoint_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    endpoint_id: str
    reason: WebhookStopReason
    host: str
    failing_since_at: datetime | None
    failure_count: int


EVENTS = (
    NotificationFailed,
    NotificationSent,
    WebhookEndpointStopped,
)
