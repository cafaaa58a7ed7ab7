"""Events of paystream.reconciliation.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class DiscrepancyKind(StrEnum):
    """AMOUNT_MISMATCH, CURRENCY_MISMATCH, FEE_MISMATCH: both sides have it, with another amount, currency or fee of the
    channel. DUPLICATE: a second line of what one line has matched. MISSING_INTERNAL: a line, or a channel's word of a
    call, of which paystream knows nothing. MISSING_CHANNEL: a transaction that no line has told of within the channel's
    time. CONTRADICTED: a line, or a later word of the channel, says otherwise than what is recorded. NOT_BOOKED: money
    moved at a channel that the ledger has not booked in time. BOOKED_ONLY: the ledger has booked that money moved at a
    channel, and nothing else tells of it. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    FEE_MISMATCH = "FEE_MISMATCH"
    DUPLICATE = "DUPLICATE"
    MISSING_INTERNAL = "MISSING_INTERNAL"
    MISSING_CHANNEL = "MISSING_CHANNEL"
    CONTRADICTED = "CONTRADICTED"
    NOT_BOOKED = "NOT_BOOKED"
    BOOKED_ONLY = "BOOKED_ONLY"


class DiscrepancyResolution(StrEnum):
    """EVIDENCE_CONFIRMED: the line was taken as evidence of how a call to the channel ended. CORRECTED: the ledger has
    booked a correction that two people decided. EXPLAINED: people gave a reason, nothing is booked. MATCHED: what was
    missing came. CONTRADICTION_DECIDED: payment or withdrawal has ended the contradiction. UNKNOWN: newer than the
    reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    EVIDENCE_CONFIRMED = "EVIDENCE_CONFIRMED"
    CORRECTED = "CORRECTED"
    EXPLAINED = "EXPLAINED"
    MATCHED = "MATCHED"
    CONTRADICTION_DECIDED = "CONTRADICTION_DECIDED"


class EvidenceOperation(StrEnum):
    """AUTHORIZE, CAPTURE (a charge too), CANCEL, REFUND: of a payment, payment applies them. PAY: a payout, withdrawal
    applies it. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    CANCEL = "CANCEL"
    REFUND = "REFUND"
    PAY = "PAY"


class EvidenceOutcome(StrEnum):
    """SUCCEEDED, FAILED: it was carried out, or not, or what was carried out bounced. RETURNED: a payout came back,
    whole or in part. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


class StatementSource(StrEnum):
    """CHANNEL: lines from channel.events. FILE: an imported file. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    CHANNEL = "CHANNEL"
    FILE = "FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionApproved(AvroRecord):
    """Two people decided that the ledger books a correction; accounting books it as a Correction, or refuses it by
    TransactionRejected.

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
        discrepancy_id: The discrepancy that it ends: dis_ and a UUIDv7. The Kafka key.
        correction_id: The correction: crp_ and a UUIDv7; the ledger's related_no.
        statement_id: The statement that the line is on: stm_ and a UUIDv7; null where no line is.
        channel: Name of the channel adapter, as in simulator.
        related_no: What moved the money that differs: a capture_id, refund_id or withdrawal_id; null when not known.
        channel_reference: The channel's reference of the line; null when it has given none.
        debit_account_kind: Kind of the platform's account that is debited, as in channel.fees.
        credit_account_kind: Kind of the platform's account that is credited, as in channel.receivable.
        amount_minor: What is booked, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        reason: Why, 1..500 characters.
        proposer: Who proposed it.
        approver: Who approved it, another person.
    """

    RECORD: ClassVar[str] = "paystream.reconciliation.v1.CorrectionApproved"
    TOPIC: ClassVar[str] = "reconciliation.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "discrepancy_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    discrepancy_id: str
    correction_id: str
    statement_id: str | None
    channel: str
    related_no: str | None
    channel_reference: str | None
    debit_account_kind: str
    credit_account_kind: str
    amount_minor: int
    currency_code: str
    reason: str
    proposer: str
    approver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyDetected(AvroRecord):
    """Reconciliation found a difference between a channel's statement and what paystream has recorded.

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
        discrepancy_id: The discrepancy: dis_ and a UUIDv7. The Kafka key.
        kind: What differs.
        channel: Name of the channel adapter, as in simulator; empty when not known.
        statement_id: The statement that the line is on: stm_ and a UUIDv7; null where no line is.
        line_id: The line as its channel or file names it, 1..200 characters; null where no line is.
        transaction_id: The transaction of the ledger: txn_ and a UUIDv5; null where none is.
        attempt_id: The call to the channel, att_ and a UUIDv7; null when not known.
        related_no: What moved the money: a capture_id, refund_id, dispute_id or withdrawal_id; null when not known.
        root_reference: The journey's first id, as in a payment_id or withdrawal_id; null when not known.
        channel_reference: The channel's reference; null when it has given none.
        currency_code: ISO 4217 code in upper case, three letters, of what is recorded; of the line or the channel's
            word where nothing is recorded, XXX where that says none.
        expected_minor: Amount recorded, in minor units of currency_code, 0..2^53-1; null where nothing is recorded.
        reported_minor: Amount that the line says, or the channel's word, in minor units of reported_currency_code,
            0..2^53-1; null where neither does.
        reported_currency_code: ISO 4217 code in upper case, three letters, that the line says, or the channel's word;
            null where neither does.
        expected_fee_minor: Fee of the channel that was expected, in minor units of currency_code, -(2^53-1)..2^53-1;
            null where none was expected.
        reported_fee_minor: Fee that the line says, in minor units of reported_currency_code, -(2^53-1)..2^53-1; null
            where it says none.
        contradiction_id: The contradiction of payment or withdrawal, where it is decided: ctr_ and a UUIDv7; null where
            there is none.
        value_date: Date of the line, or of the transaction where no line is, YYYY-MM-DD; null when not known.
        evidence_id: What a channel said of a call that nobody made, as payment or withdrawal lists it: evd_ and a
            UUIDv7; null of anything else, and in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.reconciliation.v1.DiscrepancyDetected"
    TOPIC: ClassVar[str] = "reconciliation.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "discrepancy_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    discrepancy_id: str
    kind: DiscrepancyKind
    channel: str
    statement_id: str | None
    line_id: str | None
    transaction_id: str | None
    attempt_id: str | None
    related_no: str | None
    root_reference: str | None
    channel_reference: str | None
    currency_code: str
    expected_minor: int | None
    reported_minor: int | None
    reported_currency_code: str | None
    expected_fee_minor: int | None
    reported_fee_minor: int | None
    contradiction_id: str | None
    value_date: str | None
    evidence_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyResolved(AvroRecord):
    """A discrepancy is over: people decided, the ledger booked a correction, or what was missing came.

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
        discrepancy_id: The discrepancy: dis_ and a UUIDv7. The Kafka key.
        kind: What differs.
        channel: Name of the channel adapter, as in simulator; empty when not known.
        statement_id: The statement that the line is on: stm_ and a UUIDv7; null where no line is.
        currency_code: ISO 4217 code in upper case, three letters, of what is recorded; of the line where nothing is
            recorded.
        resolution: How it ended.
        correction_id: The correction that was booked: crp_ and a UUIDv7; null where none was.
        amount_minor: The difference in money, reported less expected, of amounts or of fees, in minor units of
            currency_code, -(2^53-1)..2^53-1; null where it is none of one currency.
        reason: Why, 1..500 characters; null when no person decided.
        proposer: Who asked for it; null when no person decided.
        approver: Who decided, where a second person did; null otherwise.
    """

    RECORD: ClassVar[str] = "paystream.reconciliation.v1.DiscrepancyResolved"
    TOPIC: ClassVar[str] = "reconciliation.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "discrepancy_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    discrepancy_id: str
    kind: DiscrepancyKind
    channel: str
    statement_id: str | None
    currency_code: str
    resolution: DiscrepancyResolution
    correction_id: str | None
    amount_minor: int | None
    reason: str | None
    proposer: str | None
    approver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEvidenceAccepted(AvroRecord):
    """A person took a line of a statement as evidence of how a call to the channel ended; payment or withdrawal applies
    it as any other evidence.

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
        attempt_id: The call to the channel: att_ and a UUIDv7, or what the line says. The Kafka key.
        discrepancy_id: The discrepancy that it ends: dis_ and a UUIDv7.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The channel's reference; null when it has given none.
        operation: What the line says was done.
        outcome: How the line says that it ended.
        amount_minor: Amount that the line says, of a return what came back, in minor units of currency_code (JPY 0, USD
            2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters, that the line says.
        failure_code: Why it failed, as the channel says; null where it succeeded or says none.
        value_date: Date of the line, YYYY-MM-DD; null when it says none.
        statement_id: The statement: stm_ and a UUIDv7.
        line_id: The line as its channel or file names it, 1..200 characters.
        reason: Why it was accepted, 1..500 characters.
    """

    RECORD: ClassVar[str] = "paystream.reconciliation.v1.StatementEvidenceAccepted"
    TOPIC: ClassVar[str] = "reconciliation.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "attempt_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    attempt_id: str
    discrepancy_id: str
    channel: str
    channel_reference: str | None
    operation: EvidenceOperation
    outcome: EvidenceOutcome
    amount_minor: int
    currency_code: str
    failure_code: str | None
    value_date: str | None
    statement_id: str
    line_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementReconciled(AvroRecord):
    """A statement was matched: all its lines, and all transactions of its day that no line told of in time.

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
        statement_id: The statement: stm_ and a UUIDv7. The Kafka key.
        channel: Name of the channel adapter, as in simulator.
        currency_code: ISO 4217 code in upper case, three letters.
        statement_date: Date of the statement, YYYY-MM-DD, in the channel's time zone.
        source: Where its lines came from.
        rule_set_id: The rules it was matched by: rul_ and a UUIDv7; null where the built-in rules did.
        line_count: Number of its lines, 0 or more.
        matched_count: Number of lines that match, 0 or more.
        amount_mismatch_count: Number of lines with another amount, 0 or more.
        currency_mismatch_count: Number of lines with another currency, 0 or more.
        fee_mismatch_count: Number of lines with another fee, 0 or more.
        duplicate_count: Number of lines that repeat another, 0 or more.
        missing_internal_count: Number of lines of which paystream knows nothing, 0 or more.
        missing_channel_count: Number of transactions that no line told of in time, 0 or more.
        contradicted_count: Number of lines that contradict what is recorded, 0 or more.
        line_minor: Sum of its lines, what came in less what went out, in minor units of currency_code,
            -(2^53-1)..2^53-1.
        matched_minor: The same of the lines that match, in minor units of currency_code, -(2^53-1)..2^53-1.
        channel_fee_minor: Sum of the channel's fees on its lines, in minor units of currency_code, -(2^53-1)..2^53-1.
        opening_balance_minor: Balance before its first line, in minor units of currency_code, -(2^53-1)..2^53-1; null
            where it says none.
        closing_balance_minor: Balance after its last line, in minor units of currency_code, -(2^53-1)..2^53-1; null
            where it says none.
    """

    RECORD: ClassVar[str] = "paystream.reconciliation.v1.StatementReconciled"
    TOPIC: ClassVar[str] = "reconciliation.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "statement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    statement_id: str
    channel: str
    currency_code: str
    statement_date: str
    source: StatementSource
    rule_set_id: str | None
    line_count: int
    matched_count: int
    amount_mismatch_count: int
    currency_mismatch_count: int
    fee_mismatch_count: int
    duplicate_count: int
    missing_internal_count: int
    missing_channel_count: int
    contradicted_count: int
    line_minor: int
    matched_minor: int
    channel_fee_minor: int
    opening_balance_minor: int | None
    closing_balance_minor: int | None


EVENTS = (
    CorrectionApproved,
    DiscrepancyDetected,
    DiscrepancyResolved,
    StatementEvidenceAccepted,
    StatementReconciled,
)
