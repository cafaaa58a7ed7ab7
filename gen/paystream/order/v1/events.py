"""Events of paystream.order.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled:
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
        paid_minor: Captured for the order so far, refunds not taken off, in minor units of currency_code (JPY 0, USD 2,
            BHD 3 decimals), 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderCancelled"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 1
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

    def as_record(self) -> dict[str, Any]:
        """Give the field values by name, nested records as dictionaries."""
        return {
            "event_id": self.event_id,
            "occurred_at": self.occurred_at,
            "recorded_at": self.recorded_at,
            "merchant_id": self.merchant_id,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "actor": self.actor,
            "aggregate_version": self.aggregate_version,
            "order_id": self.order_id,
            "merchant_reference": self.merchant_reference,
            "total_minor": self.total_minor,
            "currency_code": self.currency_code,
            "paid_minor": self.paid_minor,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "OrderCancelled":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenOrderCancelled(record)
        made.__class__ = OrderCancelled
        result: OrderCancelled = made
        return result


class _UnfrozenOrderCancelled:
    """OrderCancelled while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "order_id",
        "merchant_reference",
        "total_minor",
        "currency_code",
        "paid_minor",
    )

    def __init__(self, record: dict[str, Any]) -> None:
        self.event_id = record["event_id"]
        self.occurred_at = record["occurred_at"]
        self.recorded_at = record["recorded_at"]
        self.merchant_id = record["merchant_id"]
        self.correlation_id = record["correlation_id"]
        self.causation_id = record["causation_id"]
        self.actor = record["actor"]
        self.aggregate_version = record["aggregate_version"]
        self.order_id = record["order_id"]
        self.merchant_reference = record["merchant_reference"]
        self.total_minor = record["total_minor"]
        self.currency_code = record["currency_code"]
        self.paid_minor = record["paid_minor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated:
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
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderCreated"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 1
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

    def as_record(self) -> dict[str, Any]:
        """Give the field values by name, nested records as dictionaries."""
        return {
            "event_id": self.event_id,
            "occurred_at": self.occurred_at,
            "recorded_at": self.recorded_at,
            "merchant_id": self.merchant_id,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "actor": self.actor,
            "aggregate_version": self.aggregate_version,
            "order_id": self.order_id,
            "merchant_reference": self.merchant_reference,
            "total_minor": self.total_minor,
            "currency_code": self.currency_code,
            "item_count": self.item_count,
            "expires_at": self.expires_at,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "OrderCreated":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenOrderCreated(record)
        made.__class__ = OrderCreated
        result: OrderCreated = made
        return result


class _UnfrozenOrderCreated:
    """OrderCreated while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "order_id",
        "merchant_reference",
        "total_minor",
        "currency_code",
        "item_count",
        "expires_at",
    )

    def __init__(self, record: dict[str, Any]) -> None:
        self.event_id = record["event_id"]
        self.occurred_at = record["occurred_at"]
        self.recorded_at = record["recorded_at"]
        self.merchant_id = record["merchant_id"]
        self.correlation_id = record["correlation_id"]
        self.causation_id = record["causation_id"]
        self.actor = record["actor"]
        self.aggregate_version = record["aggregate_version"]
        self.order_id = record["order_id"]
        self.merchant_reference = record["merchant_reference"]
        self.total_minor = record["total_minor"]
        self.currency_code = record["currency_code"]
        self.item_count = record["item_count"]
        self.expires_at = record["expires_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExpired:
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
        paid_minor: Captured for the order so far, refunds not taken off, in minor units of currency_code (JPY 0, USD 2,
            BHD 3 decimals), 0..2^53-1.
        expired_at: The time until which it could be paid, UTC, microseconds.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderExpired"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 1
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

    def as_record(self) -> dict[str, Any]:
        """Give the field values by name, nested records as dictionaries."""
        return {
            "event_id": self.event_id,
            "occurred_at": self.occurred_at,
            "recorded_at": self.recorded_at,
            "merchant_id": self.merchant_id,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "actor": self.actor,
            "aggregate_version": self.aggregate_version,
            "order_id": self.order_id,
            "merchant_reference": self.merchant_reference,
            "total_minor": self.total_minor,
            "currency_code": self.currency_code,
            "paid_minor": self.paid_minor,
            "expired_at": self.expired_at,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "OrderExpired":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenOrderExpired(record)
        made.__class__ = OrderExpired
        result: OrderExpired = made
        return result


class _UnfrozenOrderExpired:
    """OrderExpired while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "order_id",
        "merchant_reference",
        "total_minor",
        "currency_code",
        "paid_minor",
        "expired_at",
    )

    def __init__(self, record: dict[str, Any]) -> None:
        self.event_id = record["event_id"]
        self.occurred_at = record["occurred_at"]
        self.recorded_at = record["recorded_at"]
        self.merchant_id = record["merchant_id"]
        self.correlation_id = record["correlation_id"]
        self.causation_id = record["causation_id"]
        self.actor = record["actor"]
        self.aggregate_version = record["aggregate_version"]
        self.order_id = record["order_id"]
        self.merchant_reference = record["merchant_reference"]
        self.total_minor = record["total_minor"]
        self.currency_code = record["currency_code"]
        self.paid_minor = record["paid_minor"]
        self.expired_at = record["expired_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid:
    """Captured payments have reached the total of an order.

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
        paid_minor: Captured for the order so far, refunds not taken off, in minor units of currency_code (JPY 0, USD 2,
            BHD 3 decimals), 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderPaid"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 1
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

    def as_record(self) -> dict[str, Any]:
        """Give the field values by name, nested records as dictionaries."""
        return {
            "event_id": self.event_id,
            "occurred_at": self.occurred_at,
            "recorded_at": self.recorded_at,
            "merchant_id": self.merchant_id,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "actor": self.actor,
            "aggregate_version": self.aggregate_version,
            "order_id": self.order_id,
            "merchant_reference": self.merchant_reference,
            "total_minor": self.total_minor,
            "currency_code": self.currency_code,
            "paid_minor": self.paid_minor,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "OrderPaid":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenOrderPaid(record)
        made.__class__ = OrderPaid
        result: OrderPaid = made
        return result


class _UnfrozenOrderPaid:
    """OrderPaid while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "order_id",
        "merchant_reference",
        "total_minor",
        "currency_code",
        "paid_minor",
    )

    def __init__(self, record: dict[str, Any]) -> None:
        self.event_id = record["event_id"]
        self.occurred_at = record["occurred_at"]
        self.recorded_at = record["recorded_at"]
        self.merchant_id = record["merchant_id"]
        self.correlation_id = record["correlation_id"]
        self.causation_id = record["causation_id"]
        self.actor = record["actor"]
        self.aggregate_version = record["aggregate_version"]
        self.order_id = record["order_id"]
        self.merchant_reference = record["merchant_reference"]
        self.total_minor = record["total_minor"]
        self.currency_code = record["currency_code"]
        self.paid_minor = record["paid_minor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded:
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
        paid_minor: Captured for the order so far, refunds not taken off, in minor units of currency_code (JPY 0, USD 2,
            BHD 3 decimals), 0..2^53-1.
        payment_id: The payment refunded: pay_ and a UUIDv7.
        refund_id: The refund: ref_ and a UUIDv7.
        amount_minor: Amount of this refund, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        refunded_minor: Refunded of the order so far, this refund included, in minor units of currency_code (JPY 0, USD
            2, BHD 3 decimals), 1..2^53-1.
        fully_refunded: Whether everything that was captured has gone back.
    """

    RECORD: ClassVar[str] = "paystream.order.v1.OrderRefunded"
    TOPIC: ClassVar[str] = "order.events"
    VERSION: ClassVar[int] = 1
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

    def as_record(self) -> dict[str, Any]:
        """Give the field values by name, nested records as dictionaries."""
        return {
            "event_id": self.event_id,
            "occurred_at": self.occurred_at,
            "recorded_at": self.recorded_at,
            "merchant_id": self.merchant_id,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "actor": self.actor,
            "aggregate_version": self.aggregate_version,
            "order_id": self.order_id,
            "merchant_reference": self.merchant_reference,
            "total_minor": self.total_minor,
            "currency_code": self.currency_code,
            "paid_minor": self.paid_minor,
            "payment_id": self.payment_id,
            "refund_id": self.refund_id,
            "amount_minor": self.amount_minor,
            "refunded_minor": self.refunded_minor,
            "fully_refunded": self.fully_refunded,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "OrderRefunded":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenOrderRefunded(record)
        made.__class__ = OrderRefunded
        result: OrderRefunded = made
        return result


class _UnfrozenOrderRefunded:
    """OrderRefunded while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "order_id",
        "merchant_reference",
        "total_minor",
        "currency_code",
        "paid_minor",
        "payment_id",
        "refund_id",
        "amount_minor",
        "refunded_minor",
        "fully_refunded",
    )

    def __init__(self, record: dict[str, Any]) -> None:
        self.event_id = record["event_id"]
        self.occurred_at = record["occurred_at"]
        self.recorded_at = record["recorded_at"]
        self.merchant_id = record["merchant_id"]
        self.correlation_id = record["correlation_id"]
        self.causation_id = record["causation_id"]
        self.actor = record["actor"]
        self.aggregate_version = record["aggregate_version"]
        self.order_id = record["order_id"]
        self.merchant_reference = record["merchant_reference"]
        self.total_minor = record["total_minor"]
        self.currency_code = record["currency_code"]
        self.paid_minor = record["paid_minor"]
        self.payment_id = record["payment_id"]
        self.refund_id = record["refund_id"]
        self.amount_minor = record["amount_minor"]
        self.refunded_minor = record["refunded_minor"]
        self.fully_refunded = record["fully_refunded"]


EVENTS = (
    OrderCancelled,
    OrderCreated,
    OrderExpired,
    OrderPaid,
    OrderRefunded,
)
