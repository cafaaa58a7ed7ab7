"""Events of paystream.order.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(AvroRecord):
    """An order was called off before it was paid. What was captured for it is refunded by payment.

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
        order_id: The order: ord_ and a UUIDv7. The Kafka key.
        merchant_reference: The merchant's own reference of the order, unique per merchant, 1..100 characters.
        total_minor: Total of the order, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        paid_minor: Paid for the order so far: captured, less what was refunded, lost in disputes or bounced (not taken
            off before version 2), in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 0..2^53-1.
        captured_minor: Captured for the order so far, refunds and lost disputes not taken off, in minor units of
            currency_code, 0..2^53-1; 0 before version 2, where paid_minor says it.
        locale: Language of the payer, BCP 47, as in de-AT, as the merchant gave it; null when it gave none.
        stated_reason: Why, as who called it off says, 1..500 characters, no card number; null in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderCancelled"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 4
    KEY: ClassVar[str] = "order_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    paid_minor: int
    captured_minor: int
    locale: str | None
    stated_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated(AvroRecord):
    """An order was accepted and can be paid for.

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
        order_id: The order: ord_ and a UUIDv7. The Kafka key.
        merchant_reference: The merchant's own reference of the order, unique per merchant, 1..100 characters.
        total_minor: Total of the order, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        item_count: Number of its line items, 1..100.
        expires_at: When it can no longer be paid for, UTC, microseconds; null when it never expires.
        locale: Language of the payer, BCP 47, as in de-AT, as the merchant gave it; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderCreated"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "order_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    item_count: int
    expires_at: datetime | None
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExpired(AvroRecord):
    """An order was not paid in time. What was captured for it is refunded by payment.

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
        order_id: The order: ord_ and a UUIDv7. The Kafka key.
        merchant_reference: The merchant's own reference of the order, unique per merchant, 1..100 characters.
        total_minor: Total of the order, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        paid_minor: Paid for the order so far: captured, less what was refunded, lost in disputes or bounced (not taken
            off before version 2), in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 0..2^53-1.
        expired_at: The time until which it could be paid, UTC, microseconds.
        captured_minor: Captured for the order so far, refunds and lost disputes not taken off, in minor units of
            currency_code, 0..2^53-1; 0 before version 2, where paid_minor says it.
        locale: Language of the payer, BCP 47, as in de-AT, as the merchant gave it; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderExpired"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "order_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    paid_minor: int
    expired_at: datetime
    captured_minor: int
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid(AvroRecord):
    """What was paid of an order has reached its total, or the order was settled at what was paid: by a final capture,
    or because the merchant completed it.

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
        order_id: The order: ord_ and a UUIDv7. The Kafka key.
        merchant_reference: The merchant's own reference of the order, unique per merchant, 1..100 characters.
        total_minor: Total of the order, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        paid_minor: Paid for the order so far: captured, less what was refunded, lost in disputes or bounced (not taken
            off before version 2), in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 0..2^53-1.
        captured_minor: Captured for the order so far, refunds and lost disputes not taken off, in minor units of
            currency_code, 0..2^53-1; 0 before version 2, where paid_minor says it.
        locale: Language of the payer, BCP 47, as in de-AT, as the merchant gave it; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderPaid"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "order_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    paid_minor: int
    captured_minor: int
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded(AvroRecord):
    """A refund of one of the order's payments reached the payer: one event for each refund.

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
        order_id: The order: ord_ and a UUIDv7. The Kafka key.
        merchant_reference: The merchant's own reference of the order, unique per merchant, 1..100 characters.
        total_minor: Total of the order, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        paid_minor: Paid for the order so far: captured, less what was refunded, lost in disputes or bounced (not taken
            off before version 2), in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 0..2^53-1.
        payment_id: The payment refunded: pay_ and a UUIDv7.
        refund_id: The refund: ref_ and a UUIDv7.
        amount_minor: Amount of this refund, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        refunded_minor: Refunded of the order so far, this refund included, in minor units of currency_code (JPY 0, USD
            2, BHD 3 decimals), 1..2^53-1.
        fully_refunded: Whether everything that was captured has gone back.
        captured_minor: Captured for the order so far, refunds and lost disputes not taken off, in minor units of
            currency_code, 0..2^53-1; 0 before version 2, where paid_minor says it.
        locale: Language of the payer, BCP 47, as in de-AT, as the merchant gave it; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderRefunded"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "order_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    paid_minor: int
    payment_id: str
    refund_id: str
    amount_minor: int
    refunded_minor: int
    fully_refunded: bool
    captured_minor: int
    locale: str | None


EVENTS = (
    OrderCancelled,
    OrderCreated,
    OrderExpired,
    OrderPaid,
    OrderRefunded,
)
