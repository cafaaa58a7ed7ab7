"""Events of paystream.payment.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class AttemptAction(StrEnum):
    """What a channel is asked: CHARGE authorizes and captures in one, CANCEL releases what is not captured. UNKNOWN:
    newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    CHARGE = "CHARGE"
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"


class CancelReason(StrEnum):
    """Why a payment was given up. ORDER_CLOSED: its order was cancelled or had expired. UNKNOWN: newer than the
    reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    REQUESTED = "REQUESTED"
    AUTHORIZATION_EXPIRED = "AUTHORIZATION_EXPIRED"
    ORDER_CLOSED = "ORDER_CLOSED"


class CaptureMode(StrEnum):
    """AUTOMATIC: captured with its authorization. MANUAL: by captures that are asked for. UNKNOWN: newer than the
    reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class CardFunding(StrEnum):
    """What a card is charged to. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    CREDIT = "CREDIT"
    DEBIT = "DEBIT"
    PREPAID = "PREPAID"


class ContradictionKind(StrEnum):
    """LATE_SUCCESS: recorded as failed, cancelled or rejected, and carried out after all. LATE_FAILURE: recorded as
    succeeded, and said to have failed. SECOND_REFERENCE: carried out twice. OTHER_AMOUNT: carried out with another
    amount. REVERSED, RETURNED: undone later by the channel or the payer's bank. DECISION_OVERTURNED: a dispute decided
    anew. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    LATE_SUCCESS = "LATE_SUCCESS"
    LATE_FAILURE = "LATE_FAILURE"
    SECOND_REFERENCE = "SECOND_REFERENCE"
    OTHER_AMOUNT = "OTHER_AMOUNT"
    REVERSED = "REVERSED"
    RETURNED = "RETURNED"
    DECISION_OVERTURNED = "DECISION_OVERTURNED"


class ContradictionResolution(StrEnum):
    """NONE: nothing is to be done. CHARGE_MERCHANT: the merchant bears it. WRITE_OFF: the platform bears it. ACCEPT:
    money that came late is taken for the merchant. RETRY: it is given back once more. EVIDENCE: the channel's later
    word has settled it. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    NONE = "NONE"
    CHARGE_MERCHANT = "CHARGE_MERCHANT"
    WRITE_OFF = "WRITE_OFF"
    ACCEPT = "ACCEPT"
    RETRY = "RETRY"
    EVIDENCE = "EVIDENCE"


class DisputeDecision(StrEnum):
    """As decided for the merchant. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    WON = "WON"
    LOST = "LOST"


class DisputeReason(StrEnum):
    """What the payer says. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    FRAUD = "FRAUD"
    NOT_RECEIVED = "NOT_RECEIVED"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    DUPLICATE = "DUPLICATE"
    CREDIT_NOT_PROCESSED = "CREDIT_NOT_PROCESSED"
    OTHER = "OTHER"


class DisputeStage(StrEnum):
    """INQUIRY: the payer's bank asks, no money moves. CHARGEBACK: the channel has taken the amount. PRE_ARBITRATION: a
    decision is fought over; no money moves before it is made. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    INQUIRY = "INQUIRY"
    CHARGEBACK = "CHARGEBACK"
    PRE_ARBITRATION = "PRE_ARBITRATION"


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
    proven, after the channel's finality, never to have arrived there. EXPIRED_UNSENT: its time was over before it was
    sent. MERCHANT_SUSPENDED: not sent, as the merchant may do no business. UNKNOWN: newer than the reader's schema.
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
    EXPIRED_UNSENT = "EXPIRED_UNSENT"
    MERCHANT_SUSPENDED = "MERCHANT_SUSPENDED"


class LateReason(StrEnum):
    """AFTER_FAILURE: the charge or capture was recorded FAILED. AFTER_CANCELLATION: the payment was cancelled.
    SECOND_REFERENCE: the channel carried out one attempt twice. ABOVE_AMOUNT: more was taken than was asked for; the
    rest of it is here. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    AFTER_FAILURE = "AFTER_FAILURE"
    AFTER_CANCELLATION = "AFTER_CANCELLATION"
    SECOND_REFERENCE = "SECOND_REFERENCE"
    ABOVE_AMOUNT = "ABOVE_AMOUNT"


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
class AttemptOverdue(AvroRecord):
    """A call to a channel has had no outcome for longer than calls take; it is inquired about on and on. Told once for
    each call.

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
        amount_minor: Amount that the call is over, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        attempt_id: The call to the channel: att_ and a UUIDv7.
        action: What was asked of the channel.
        capture_id: The capture that it was to make: cap_ and a UUIDv7; null where it makes none, or none was named
            before the call.
        refund_id: The refund that it was to make: ref_ and a UUIDv7; null where it makes none.
        started_at: When it was taken to be sent, UTC, microseconds; real time, whatever business time is.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.AttemptOverdue"
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
    attempt_id: str
    action: AttemptAction
    capture_id: str | None
    refund_id: str | None
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationExpiring(AvroRecord):
    """What is authorized and not captured is given up soon; told once for each authorization.

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
        amount_minor: Amount that was authorized, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the authorization.
        capturable_minor: What can still be captured of it, in minor units of currency_code, 1..amount_minor.
        expires_at: When that is given up, UTC, microseconds.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.AuthorizationExpiring"
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
    capturable_minor: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureFailed(AvroRecord):
    """A capture of an authorized payment ended without moving money; its amount can be captured again.

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
        amount_minor: Amount that was to be captured, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        method: Means of payment.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        capture_id: The capture: cap_ and a UUIDv7.
        reason: Why, in paystream's terms.
        failure_code: The channel's own code, as it gave it; null when it gave none.
        final: Whether what it left was to be given up; it can be captured again all the same.
        attempt_id: The call to the channel: att_ and a UUIDv7.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.CaptureFailed"
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
    capture_id: str
    reason: FailureReason
    failure_code: str | None
    final: bool
    attempt_id: str
    attempt_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeContested(AvroRecord):
    """The merchant contests a dispute, or answers an inquiry; its channel is still to be told.

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
        capture_id: The capture disputed: cap_ and a UUIDv7; null where none is known.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held.
        stage: How far it has gone.
        category: The card scheme's or bank's own category, as in 10.4, 1..50 characters; null when none was given.
        respond_by: Until when the merchant may contest it, UTC, microseconds; null when the channel sets no limit.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeContested"
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
    capture_id: str | None
    attempt_id: str
    opened_at: datetime
    fee_minor: int
    stage: DisputeStage
    category: str | None
    respond_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeContradicted(AvroRecord):
    """A channel says of a dispute what cannot be applied by rule: two people decide.

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
        capture_id: The capture disputed: cap_ and a UUIDv7; null before version 2.
        contradiction_id: The contradiction as it is listed: ctr_ and a UUIDv7.
        kind: What kind of contradiction it is.
        recorded_state: State of the dispute as recorded, which stays.
        reported_outcome: What the channel says instead.
        reported_minor: Amount that it says, in minor units of currency_code; null where it says none.
        needs_decision: Whether payouts of the merchant in this currency wait until two people have decided.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7; null before version 2.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds; null before this
            field.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held, and before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeContradicted"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    capture_id: str | None
    contradiction_id: str
    kind: ContradictionKind
    recorded_state: str
    reported_outcome: str
    reported_minor: int | None
    needs_decision: bool
    attempt_id: str | None
    opened_at: datetime | None
    fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeDueSoon(AvroRecord):
    """The time to contest a dispute ends soon, and the merchant has not answered; told once for each such time.

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
        capture_id: The capture disputed: cap_ and a UUIDv7; null where none is known.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held.
        stage: How far it has gone.
        category: The card scheme's or bank's own category, as in 10.4, 1..50 characters; null when none was given.
        respond_by: Until when the merchant may contest it, UTC, microseconds.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeDueSoon"
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
    capture_id: str | None
    attempt_id: str
    opened_at: datetime
    fee_minor: int
    stage: DisputeStage
    category: str | None
    respond_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeExceeded(AvroRecord):
    """More is disputed than was left of the capture: what exceeds it cannot be held, and the merchant owes it once it
    is lost. Told after DisputeOpened, which the ledger books.

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
        capture_id: The capture disputed: cap_ and a UUIDv7; null where none is known.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held.
        stage: How far it has gone.
        held_minor: Part of amount_minor that is held, in minor units of currency_code, 0..amount_minor.
        excess_minor: The rest of amount_minor, in minor units of currency_code, 1..amount_minor.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeExceeded"
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
    capture_id: str | None
    attempt_id: str
    opened_at: datetime
    fee_minor: int
    stage: DisputeStage
    held_minor: int
    excess_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeInquiryOpened(AvroRecord):
    """The payer's bank asks about a capture; nothing is held, and answering may prevent a dispute.

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
        capture_id: The capture disputed: cap_ and a UUIDv7; null before version 2.
        category: The card scheme's or bank's own category, as in 10.4, 1..50 characters; null when none was given.
        respond_by: Until when the merchant may contest it, UTC, microseconds; null when the channel sets no limit.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7; null before version 2.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds; null before this
            field.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held, and before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeInquiryOpened"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    capture_id: str | None
    category: str | None
    respond_by: datetime | None
    attempt_id: str | None
    opened_at: datetime | None
    fee_minor: int


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
        capture_id: The capture disputed: cap_ and a UUIDv7; null before version 2.
        stage: How far it has gone.
        returned_minor: Part of what was held that comes back to the merchant, in minor units of currency_code,
            0..amount_minor.
        excess_lost_minor: Lost though it could not be held: the merchant owes it, in minor units of currency_code,
            0..amount_minor. The part lost of what was held is amount_minor less the three others.
        excess_returned_minor: Neither held nor lost, in minor units of currency_code, 0..amount_minor.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7; null before version 3.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds; null before this
            field.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held, and before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeLost"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 3
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
    capture_id: str | None
    stage: DisputeStage
    returned_minor: int
    excess_lost_minor: int
    excess_returned_minor: int
    attempt_id: str | None
    opened_at: datetime | None
    fee_minor: int


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
        capture_id: The capture disputed: cap_ and a UUIDv7; null before version 2.
        stage: How far it has gone.
        category: The card scheme's or bank's own category, as in 10.4, 1..50 characters; null when none was given.
        excess_minor: Part of amount_minor that was not left of the capture any more, so that it could not be held, in
            minor units of currency_code, 0..amount_minor; the rest is held.
        fee_minor: Charged to the merchant for it, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7; null before version 3.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds; null before this
            field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeOpened"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 3
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
    capture_id: str | None
    stage: DisputeStage
    category: str | None
    excess_minor: int
    fee_minor: int
    attempt_id: str | None
    opened_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOverturned(AvroRecord):
    """A decided dispute was decided the other way: by representment, pre-arbitration or arbitration.

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
        overturn_id: The new decision: ovt_ and a UUIDv7; the ledger's related_no.
        dispute_id: The dispute: dsp_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount disputed, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        reason: Why it was opened.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the dispute.
        capture_id: The capture disputed: cap_ and a UUIDv7; null before version 2.
        stage: How far it has gone.
        outcome: The decision that stands now.
        settlement_minor: Part of amount_minor that moves on the merchant's settlement account: comes back when WON,
            goes when LOST, in minor units of currency_code, 0..amount_minor.
        receivable_minor: Part of amount_minor that moves on what the merchant owes: owed no more when WON, owed when
            LOST, in minor units of currency_code, 0..amount_minor.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7; null before version 2.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds; null before this
            field.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held, and before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeOverturned"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "payment_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    overturn_id: str
    dispute_id: str
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    reason: DisputeReason
    channel: str
    channel_reference: str
    capture_id: str | None
    stage: DisputeStage
    outcome: DisputeDecision
    settlement_minor: int
    receivable_minor: int
    attempt_id: str | None
    opened_at: datetime | None
    fee_minor: int


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
        capture_id: The capture disputed: cap_ and a UUIDv7; null before version 2.
        stage: How far it has gone.
        excess_minor: Part of amount_minor that was not left of the capture any more when it was opened, in minor units
            of currency_code, 0..amount_minor; the rest was held and comes back.
        fee_returned_minor: Given back of what was charged for it, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the channel that captured what is disputed: att_ and a UUIDv7; null before version 3.
        opened_at: When paystream first heard of the dispute, an inquiry included, UTC, microseconds; null before this
            field.
        fee_minor: Charged to the merchant for the dispute, in minor units of currency_code, 0..2^53-1; 0 before it is
            held, and before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.DisputeWon"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 3
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
    capture_id: str | None
    stage: DisputeStage
    excess_minor: int
    fee_returned_minor: int
    attempt_id: str | None
    opened_at: datetime | None
    fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceUnmatched(AvroRecord):
    """A channel told of an attempt that payment never made, or does not know any more: kept, and listed for people.

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
        payment_id: The Kafka key: the attempt_id named, as there is no payment.
        evidence_id: The evidence as it is listed: evd_ and a UUIDv7.
        attempt_id: The attempt that it names, which is not known, 1..100 characters.
        channel: Name of the channel adapter, as in simulator; empty when not known.
        channel_reference: The channel's reference; null when it has given none.
        reported_outcome: What it says, as in SUCCEEDED.
        amount_minor: Amount that it says, in minor units of currency_code; null where it says none.
        currency_code: ISO 4217 code in upper case, three letters; null where it says no amount.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.EvidenceUnmatched"
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
    evidence_id: str
    attempt_id: str
    channel: str
    channel_reference: str | None
    reported_outcome: str
    amount_minor: int | None
    currency_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateCaptureAccepted(AvroRecord):
    """Two people took money that had come late for the merchant, with a reason: it leaves suspense, and PaymentSuccess
    with the same capture_id follows.

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
        amount_minor: Amount accepted, that of LateCaptureReceived, in minor units of currency_code (JPY 0, USD 2, BHD 3
            decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the capture.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.LateCaptureAccepted"
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
    channel: str
    channel_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateCaptureReceived(AvroRecord):
    """Money of a payer came for a charge or capture that was over, or that had taken its money already. The ledger
    holds it in suspense until it is given back or accepted.

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
        amount_minor: Amount that came, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        late_reason: Why nothing was waiting for this money.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the capture.
        attempt_id: The call to the channel that it came for: att_ and a UUIDv7; null before version 2.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.LateCaptureReceived"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    late_reason: LateReason
    channel: str
    channel_reference: str
    attempt_id: str | None


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
        attempt_id: The call to the channel that authorized: att_ and a UUIDv7; null before version 2.
        created_at: When the payment was accepted, UTC, microseconds; null before this field.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1; 0 before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentAuthorized"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    attempt_id: str | None
    created_at: datetime | None
    attempt_count: int


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
        stated_reason: Why, as the caller says who asked for it, 1..500 characters, no card number; null where paystream
            gave it up, and in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentCancelled"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    stated_reason: str | None


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
        contradiction_id: The contradiction as it is listed: ctr_ and a UUIDv7; null before version 2.
        kind: What kind of contradiction it is.
        attempt_id: The call to the channel that the evidence is about: att_ and a UUIDv7; null before version 2.
        capture_id: The capture contradicted: cap_ and a UUIDv7; null when it is another thing.
        expected_minor: Amount recorded, in minor units of currency_code; null where no amount is contradicted.
        reported_minor: Amount that the evidence says, in minor units of currency_code; null where it says none.
        needs_decision: Whether payouts of the merchant in this currency wait until two people have decided.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentContradicted"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    contradiction_id: str | None
    kind: ContradictionKind
    attempt_id: str | None
    capture_id: str | None
    expected_minor: int | None
    reported_minor: int | None
    needs_decision: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentContradictionResolved(AvroRecord):
    """A contradiction about a payment, its refunds or its disputes is over: two people decided, or evidence did.

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
        contradiction_id: The contradiction: ctr_ and a UUIDv7; the ledger's related_no.
        payment_id: The payment: pay_ and a UUIDv7. The Kafka key.
        order_id: The order it pays for: ord_ and a UUIDv7; null when there is none.
        merchant_reference: The merchant's own reference of the payment, unique per merchant, 1..100 characters.
        amount_minor: Amount in question, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        resolution: What was decided.
        charged_minor: Taken from the merchant's settlement account to clear suspense, in minor units of currency_code,
            0..amount_minor.
        written_off_minor: Borne by the platform to clear suspense, in minor units of currency_code, 0..amount_minor.
        proposer: Who proposed the decision; the actor approved it; null when evidence decided.
        reason: Why, 1..500 characters; null when evidence decided.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentContradictionResolved"
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
    contradiction_id: str
    payment_id: str
    order_id: str | None
    merchant_reference: str
    amount_minor: int
    currency_code: str
    resolution: ContradictionResolution
    charged_minor: int
    written_off_minor: int
    proposer: str | None
    reason: str | None


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
        capture_mode: When what is authorized is captured; UNKNOWN before this field.
        country_code: Country of the merchant when the payment was accepted, ISO 3166-1 alpha-2; null when the merchant
            gave none.
        brand: Brand of the means of payment as the merchant's request says, as in visa, 1..50 characters; null when it
            says none.
        funding: What the card is charged to, as the merchant's request says; null when it says nothing.
        issuer_country_code: Country of the issuer, ISO 3166-1 alpha-2, as the merchant's request says; null when it
            says none.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentCreated"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    capture_mode: CaptureMode
    country_code: str | None
    brand: str | None
    funding: CardFunding | None
    issuer_country_code: str | None


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
        attempt_id: The call to the channel that failed: att_ and a UUIDv7; null before version 3.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1; 0 before this field.
        created_at: When the payment was accepted, UTC, microseconds; null before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentFailed"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 3
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
    attempt_id: str | None
    attempt_count: int
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRerouted(AvroRecord):
    """A charge or authorization that was not sent goes through another channel, as its own cannot be reached.

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
        previous_channel: Name of the channel adapter that it was to go through before.
        attempt_id: The call to the channel: att_ and a UUIDv7.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentRerouted"
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
    previous_channel: str
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversed(AvroRecord):
    """A capture that had succeeded bounced: the channel took its money back. Not a refund and not a dispute.

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
        amount_minor: Amount taken back, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        fee_returned_minor: The fee of what was taken back, returned in full, in minor units of currency_code,
            0..amount_minor.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the capture.
        failure_code: Why, as the channel says, 1..100 characters; null when it says nothing.
        attempt_id: The call to the channel whose capture bounced: att_ and a UUIDv7; null before version 2.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentReversed"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    fee_returned_minor: int
    channel: str
    channel_reference: str
    failure_code: str | None
    attempt_id: str | None


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
        final: Whether the merchant takes no more of the payment: with it an order is settled at what is paid, even
            below its total.
        order_returned_minor: What had been refunded or lost in disputes of all payments for the order before this
            capture, in minor units of currency_code, 0..2^53-1; 0 when there is no order.
        attempt_id: The call to the channel that captured: att_ and a UUIDv7; null before version 3.
        capture_mode: When what is authorized is captured; UNKNOWN before this field.
        country_code: Country of the merchant when the payment was accepted, ISO 3166-1 alpha-2; null when the merchant
            gave none.
        brand: Brand of the means of payment as the merchant's request says, as in visa, 1..50 characters; null when it
            says none.
        funding: What the card is charged to, as the merchant's request says; null when it says nothing.
        issuer_country_code: Country of the issuer, ISO 3166-1 alpha-2, as the merchant's request says; null when it
            says none.
        captured_total_minor: All that was captured of the payment, this capture included, in minor units of
            currency_code, amount_minor..2^53-1; 0 before this field.
        capture_number: Which of the payment's captures it is, from 1; 0 before this field.
        created_at: When the payment was accepted, UTC, microseconds; null before this field.
        authorized_at: When the amount was authorized, UTC, microseconds; null for a payment that was captured with its
            authorization, and before this field.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1; 0 before this field.
        fee_basis_points: Share of the fee terms in force, in hundredths of a percent, 0..10000.
        fee_fixed_minor: Fixed part of the fee terms in force, once per payment, in minor units of currency_code,
            0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentSuccess"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 3
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
    final: bool
    order_returned_minor: int
    attempt_id: str | None
    capture_mode: CaptureMode
    country_code: str | None
    brand: str | None
    funding: CardFunding | None
    issuer_country_code: str | None
    captured_total_minor: int
    capture_number: int
    created_at: datetime | None
    authorized_at: datetime | None
    attempt_count: int
    fee_basis_points: int
    fee_fixed_minor: int


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
        attempt_id: The call to the channel that was not answered: att_ and a UUIDv7; null before version 2.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.PaymentUnknown"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    attempt_id: str | None


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
        automatic: Whether paystream gives back by itself, as of a closed order or of what came late.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundCreated"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    automatic: bool


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
        attempt_id: The call to the channel that failed: att_ and a UUIDv7; null when it was given up before it was
            queued, and before version 3.
        automatic: Whether paystream gives back by itself, as of a closed order or of what came late.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1; 0 before this field.
        stated_reason: Why a caller gave it up while it waited, 1..500 characters, no card number; null where none did,
            and in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundFailed"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 4
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
    attempt_id: str | None
    automatic: bool
    attempt_count: int
    stated_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReturned(AvroRecord):
    """A refund that had succeeded came back from the payer's bank: the merchant has the amount again, and the payer has
    not.

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
        amount_minor: Amount that came back, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        fee_minor: Part of the fee that the refund had returned and that is charged again, in minor units of
            currency_code, 0..amount_minor.
        suspense_minor: Part of amount_minor that the refund had taken out of suspense, in minor units of currency_code,
            0..amount_minor.
        reason: Why it was asked for.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference of the refund.
        failure_code: Why, as the channel says, 1..100 characters; null when it says nothing.
        attempt_id: The call to the channel that had refunded: att_ and a UUIDv7; null before version 2.
        automatic: Whether paystream gives back by itself, as of a closed order or of what came late.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1; 0 before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundReturned"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 2
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
    fee_minor: int
    suspense_minor: int
    reason: RefundReason
    channel: str
    channel_reference: str
    failure_code: str | None
    attempt_id: str | None
    automatic: bool
    attempt_count: int


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
        suspense_minor: Part of amount_minor that no booked capture stands behind, so that it is taken out of suspense
            and not from the merchant, in minor units of currency_code, 0..amount_minor.
        attempt_id: The call to the channel that refunded: att_ and a UUIDv7; null before version 3.
        automatic: Whether paystream gives back by itself, as of a closed order or of what came late.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1; 0 before this field.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundSuccess"
    TOPIC: ClassVar[str] = "payment.events"
    VERSION: ClassVar[int] = 3
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
    suspense_minor: int
    attempt_id: str | None
    automatic: bool
    attempt_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundUnknown(AvroRecord):
    """A refund was asked of its channel, which has not answered: the outcome is not known, and its amount stays held.

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
        automatic: Whether paystream gives back by itself, as of a closed order or of what came late.
        evidence: How the outcome became unknown.
        attempt_id: The call to the channel: att_ and a UUIDv7.
        attempt_count: Calls to channels that were queued for the payment until this event, whatever they asked for,
            from 1.
    """

    RECORD: ClassVar[str] = "paystream.payment.v1.RefundUnknown"
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
    automatic: bool
    evidence: Evidence
    attempt_id: str
    attempt_count: int


EVENTS = (
    AttemptOverdue,
    AuthorizationExpiring,
    CaptureFailed,
    DisputeContested,
    DisputeContradicted,
    DisputeDueSoon,
    DisputeExceeded,
    DisputeInquiryOpened,
    DisputeLost,
    DisputeOpened,
    DisputeOverturned,
    DisputeWon,
    EvidenceUnmatched,
    LateCaptureAccepted,
    LateCaptureReceived,
    PaymentAuthorized,
    PaymentCancelled,
    PaymentContradicted,
    PaymentContradictionResolved,
    PaymentCreated,
    PaymentFailed,
    PaymentRerouted,
    PaymentReversed,
    PaymentSuccess,
    PaymentUnknown,
    RefundCreated,
    RefundFailed,
    RefundReturned,
    RefundSuccess,
    RefundUnknown,
)
