"""Events of paystream.payment.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class CancelReason(StrEnum):
    """Why a payment was given up. ORDER_CLOSED: its order was cancelled or had expired. UNKNOWN: newer than the
    reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    REQUESTED = "REQUESTED"
    AUTHORIZATION_EXPIRED = "AUTHORIZATION_EXPIRED"
    ORDER_CLOSED = "ORDER_CLOSED"


class DisputeReason(StrEnum):
    """What the payer says. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    FRAUD = "FRAUD"
    NOT_RECEIVED = "NOT_RECEIVED"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    DUPLICATE = "DUPLICATE"
    CREDIT_NOT_PROCESSED = "CREDIT_NOT_PROCESSED"
    OTHER = "OTHER"


class Evidence(StrEnum):
    """How it became known. NO_ANSWER: a call to the channel ended without an answer. RESPONSE: the answer to a call.
    INQUIRY: asked afterwards. CALLBACK: the channel told. STATEMENT_LINE: on a statement. UNKNOWN: newer than the
    reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    NO_ANSWER = "NO_ANSWER"
    RESPONSE = "RESPONSE"
    INQUIRY = "INQUIRY"
    CALLBACK = "CALLBACK"
    STATEMENT_LINE = "STATEMENT_LINE"


class FailureReason(StrEnum):
    """DECLINED: by the issuer, no closer reason. METHOD_INVALID, METHOD_EXPIRED: the means of payment cannot be used.
    LIMIT_EXCEEDED: of the payer or the channel. CHANNEL_REJECTED: the channel would not process it. NOT_RECEIVED:
    proven, after the channel's finality, never to have arrived there. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    DECLINED = "DECLINED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    METHOD_INVALID = "METHOD_INVALID"
    METHOD_EXPIRED = "METHOD_EXPIRED"
    FRAUD_SUSPECTED = "FRAUD_SUSPECTED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    CHANNEL_REJECTED = "CHANNEL_REJECTED"
    NOT_RECEIVED = "NOT_RECEIVED"


class PaymentMethod(StrEnum):
    """What the payer pays with. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    CARD = "CARD"
    BANK_TRANSFER = "BANK_TRANSFER"
    WALLET = "WALLET"


class PreviousState(StrEnum):
    """State before this event. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RefundReason(StrEnum):
    """CONTRADICTION: paystream gives back a capture reported after the payment had failed or been cancelled. UNKNOWN:
    newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    CUSTOMER_REQUEST = "CUSTOMER_REQUEST"
    DUPLICATE = "DUPLICATE"
    FRAUD = "FRAUD"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    CONTRADICTION = "CONTRADICTION"
    OTHER = "OTHER"


class ReportedOutcome(StrEnum):
    """What the evidence says. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeLost(AvroRecord):
    """A dispute was decided for the payer, or accepted by the merchant: the amount is gone. Moves money in the ledger.

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
        dispute_id: The dispute: dsp_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount disputed, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        reason: Why it was opened.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the dispute.
        accepted: Whether the merchant accepted it, rather than lost it.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeLost"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    dispute_id: str
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    reason: DisputeReason
    channel: str
    channel_reference: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened(AvroRecord):
    """A payer disputes a captured payment: its bank holds the amount back. Moves money in the ledger, between the
    merchant's own accounts.

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
        dispute_id: The dispute: dsp_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount disputed, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        reason: Why it was opened.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the dispute.
        respond_by: Until when the merchant may contest it, UTC, microseconds; null when the channel sets no limit.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeOpened"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    dispute_id: str
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    reason: DisputeReason
    channel: str
    channel_reference: str
    respond_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWon(AvroRecord):
    """A dispute was decided for the merchant, who has the amount again. Moves money in the ledger, between the
    merchant's own accounts.

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
        dispute_id: The dispute: dsp_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount disputed, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        reason: Why it was opened.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the dispute.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeWon"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    dispute_id: str
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    reason: DisputeReason
    channel: str
    channel_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorized(AvroRecord):
    """An amount was reserved with the payer's bank and can be captured until it expires. Moves no money.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount authorized, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the authorization.
        expires_at: When what is not captured by then is given up, UTC, microseconds.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentAuthorized"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    method: PaymentMethod
    channel: str
    channel_reference: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCancelled(AvroRecord):
    """What was not captured of a payment was given up; nothing can be captured any more. Moves no money.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount of the payment, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        captured_minor: Captured before, and kept, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            0..2^53-1.
        cancelled_minor: Given up, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the authorization; null when it has given none.
        reason: Why it was given up.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentCancelled"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    captured_minor: int
    cancelled_minor: int
    method: PaymentMethod
    channel: str
    channel_reference: str | None
    reason: CancelReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentContradicted(AvroRecord):
    """Evidence contradicts the recorded outcome of a payment or of one of its refunds. Nothing was overwritten; a
    refund or a discrepancy follows.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount asked for, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        refund_id: The refund contradicted: ref_ and a UUIDv7; null when it is the payment itself.
        evidence: Where the contradiction comes from.
        previous_state: The recorded state that the evidence contradicts; it stays.
        reported_outcome: What the evidence says instead.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentContradicted"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    method: PaymentMethod
    channel: str
    channel_reference: str | None
    refund_id: str | None
    evidence: Evidence
    previous_state: PreviousState
    reported_outcome: ReportedOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCreated(AvroRecord):
    """A payment was accepted and will be submitted to its channel.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount asked for, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentCreated"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    method: PaymentMethod
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(AvroRecord):
    """A payment ended without moving money.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount asked for, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        reason: Why, in paystream's terms.
        failure_code: The channel's own code, as it gave it; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentFailed"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    method: PaymentMethod
    channel: str
    channel_reference: str | None
    reason: FailureReason
    failure_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSuccess(AvroRecord):
    """Funds were captured: one event per capture. Moves money in the ledger.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        capture_id: The capture: cap_ and a UUIDv7; the ledger's related_no.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount captured, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        fee_minor: Fee charged to the merchant for this capture, in minor units of currency_code, 0..amount_minor.
        fee_plan_version: Version of the merchant's fee plan that the fee was computed by, from 1.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the capture.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentSuccess"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    capture_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    fee_minor: int
    fee_plan_version: int
    method: PaymentMethod
    channel: str
    channel_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentUnknown(AvroRecord):
    """A call to the channel ended without an answer: the outcome is unknown until evidence ends it. Counts as spent in
    every limit.

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
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount asked for, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        evidence: How the outcome became unknown.
        previous_state: State of the payment before.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentUnknown"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    method: PaymentMethod
    channel: str
    channel_reference: str | None
    evidence: Evidence
    previous_state: PreviousState


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCreated(AvroRecord):
    """A refund was accepted and will be submitted to the channel; its amount counts as refunded in every limit.

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
        refund_id: The refund: ref_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        capture_id: The capture it gives back: cap_ and a UUIDv7; null when it gives back parts of several.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount refunded, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        fee_returned_minor: Part of the fee returned to the merchant with this refund, in minor units of currency_code,
            0..amount_minor.
        reason: Why it was asked for.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundCreated"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    refund_id: str
    payment_id: str
    capture_id: str | None
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    fee_returned_minor: int
    reason: RefundReason
    channel: str
    channel_reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(AvroRecord):
    """A refund ended without moving money; its amount can be refunded again.

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
        refund_id: The refund: ref_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        capture_id: The capture it gives back: cap_ and a UUIDv7; null when it gives back parts of several.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount refunded, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        fee_returned_minor: Part of the fee returned to the merchant with this refund, in minor units of currency_code,
            0..amount_minor.
        reason: Why it was asked for.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        failure_reason: Why it failed, in paystream's terms.
        failure_code: The channel's own code, as it gave it; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundFailed"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    refund_id: str
    payment_id: str
    capture_id: str | None
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    fee_returned_minor: int
    reason: RefundReason
    channel: str
    channel_reference: str | None
    failure_reason: FailureReason
    failure_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSuccess(AvroRecord):
    """A refund was paid out to the payer. Moves money in the ledger.

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
        refund_id: The refund: ref_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        capture_id: The capture it gives back: cap_ and a UUIDv7; null when it gives back parts of several.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount refunded, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        fee_returned_minor: Part of the fee returned to the merchant with this refund, in minor units of currency_code,
            0..amount_minor.
        reason: Why it was asked for.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the refund.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundSuccess"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    refund_id: str
    payment_id: str
    capture_id: str | None
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    fee_returned_minor: int
    reason: RefundReason
    channel: str
    channel_reference: str


EVENTS = (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentAuthorized,
    PaymentCancelled,
    PaymentContradicted,
    PaymentCreated,
    PaymentFailed,
    PaymentSuccess,
    PaymentUnknown,
    RefundCreated,
    RefundFailed,
    RefundSuccess,
)
