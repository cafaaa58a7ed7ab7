"""Events of paystream.withdrawal.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOverdue(AvroRecord):
    """A payout handed to the bank has had no outcome for longer than payouts take; it is inquired about on and on, and
    the amount stays held. Told once for each call.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        attempt_id: The key under which the bank knows it: att_ and a UUIDv7.
        channel_reference: The bank's reference; null when it has given none.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created.
        requester: Who created the withdrawal, the caller's name.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds of business time; null where it was not kept.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        started_at: When it was taken to be sent, UTC, microseconds; real time, whatever business time is.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.AttemptOverdue"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    attempt_id: str
    channel_reference: str | None
    bank_account_last_four: str
    requester: str
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccountCreated(AvroRecord):
    """A merchant registered a bank account; nothing is paid to it before it is verified.

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
        bank_account_id: The bank account: bnk_ and a UUIDv7. The Kafka key.
        currency_code: The currency that it takes: ISO 4217 code in upper case, three letters.
        last_four: Last four characters of its number, digits or capital letters; nothing more of it is in any event.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.BankAccountCreated"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "bank_account_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    bank_account_id: str
    currency_code: str
    last_four: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccountDisabled(AvroRecord):
    """A bank account is not to be used any more, or was refused when it was checked: nothing is paid to it.

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
        bank_account_id: The bank account: bnk_ and a UUIDv7. The Kafka key.
        currency_code: The currency that it takes: ISO 4217 code in upper case, three letters.
        last_four: Last four characters of its number, digits or capital letters; nothing more of it is in any event.
        refused: Whether it was refused when it was checked; otherwise it was disabled.
        stated_reason: Why, as who disabled it says, 1..500 characters, no card number; null where a check refused it,
            and in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.BankAccountDisabled"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "bank_account_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    bank_account_id: str
    currency_code: str
    last_four: str
    refused: bool
    stated_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccountVerified(AvroRecord):
    """A bank account was checked: the merchant's payouts may go to it.

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
        bank_account_id: The bank account: bnk_ and a UUIDv7. The Kafka key.
        currency_code: The currency that it takes: ISO 4217 code in upper case, three letters.
        last_four: Last four characters of its number, digits or capital letters; nothing more of it is in any event.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.BankAccountVerified"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "bank_account_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    bank_account_id: str
    currency_code: str
    last_four: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceUnmatched(AvroRecord):
    """The bank told of a payout that withdrawal never made, or does not know any more: kept, and listed for people.

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
        withdrawal_id: The Kafka key: the attempt_id named, as there is no withdrawal.
        evidence_id: The evidence as it is listed: evd_ and a UUIDv7.
        attempt_id: The attempt that it names, which is not known, 1..100 characters.
        channel: Name of the channel adapter, as in simulator; empty when not known.
        channel_reference: The channel's reference; null when it has given none.
        reported_outcome: What it says, as in SUCCEEDED.
        amount_minor: Amount that it says, in minor units of currency_code; null where it says none.
        currency_code: ISO 4217 code in upper case, three letters; null where it says no amount.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.EvidenceUnmatched"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    evidence_id: str
    attempt_id: str
    channel: str
    channel_reference: str | None
    reported_outcome: str
    amount_minor: int | None
    currency_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalApproved(AvroRecord):
    """A withdrawal may go to the bank: a second person approved it, or it needed none.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        automatic: Whether it needed no second person; actor is null then.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalApproved"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    automatic: bool
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalBounced(AvroRecord):
    """The bank says that it never paid a withdrawal that was recorded as completed: the amount is there again.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The bank's reference of the payout.
        failure_code: Why, as the bank says, 1..100 characters; null when it says nothing.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the bank that it is about: att_ and a UUIDv7; null where none was queued and in earlier
            versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalBounced"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    channel_reference: str
    failure_code: str | None
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    attempt_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCancelled(AvroRecord):
    """A withdrawal was called off before it was sent to the bank; its amount can be withdrawn again.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        funds_held: Whether the ledger had booked the hold, and so gives the amount back.
        reason: Why, as who called it off says, 1..500 characters; null when nothing was said.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalCancelled"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    funds_held: bool
    reason: str | None
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCompleted(AvroRecord):
    """The bank has paid a withdrawal out. Moves money in the ledger.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The bank's reference of the payout.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the bank that it is about: att_ and a UUIDv7; null where none was queued and in earlier
            versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalCompleted"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    channel_reference: str
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    attempt_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalContradicted(AvroRecord):
    """Evidence contradicts the recorded outcome of a withdrawal.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        contradiction_id: The contradiction as it is listed: ctr_ and a UUIDv7.
        kind: What kind of contradiction it is.
        attempt_id: The call to the bank that the evidence is about: att_ and a UUIDv7.
        recorded_state: State of the withdrawal as recorded before.
        reported_outcome: What the evidence says instead, as in SUCCEEDED.
        expected_minor: Amount recorded, in minor units of currency_code; null where no amount is contradicted.
        reported_minor: Amount that the evidence says, in minor units of currency_code; null where it says none.
        channel_reference: The bank's reference; null when it has given none.
        needs_decision: Whether payouts of the merchant in this currency wait until two people have decided.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalContradicted"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    contradiction_id: str
    kind: ContradictionKind
    attempt_id: str | None
    recorded_state: str
    reported_outcome: str
    expected_minor: int | None
    reported_minor: int | None
    channel_reference: str | None
    needs_decision: bool
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalContradictionResolved(AvroRecord):
    """A contradiction about a withdrawal is over: two people decided, or evidence did.

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
        contradiction_id: The contradiction: ctr_ and a UUIDv7.
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        resolution: What was decided.
        proposer: Who proposed the decision; the actor approved it; null when evidence decided.
        reason: Why, 1..500 characters; null when evidence decided.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalContradictionResolved"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    contradiction_id: str
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    resolution: ContradictionResolution
    proposer: str | None
    reason: str | None
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCreated(AvroRecord):
    """A merchant asked for a withdrawal. The ledger is to hold the amount.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        approval_required: Whether it is above the limit from which a second person has to approve it.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalCreated"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    approval_required: bool
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFailed(AvroRecord):
    """A withdrawal ended without moving money. If funds_held, the ledger is to release the amount.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        funds_held: Whether the ledger holds the amount; false when it refused to.
        reason: Reason in UPPER_SNAKE, as in INSUFFICIENT_FUNDS or BANK_REJECTED.
        failure_code: What the bank says, lower_snake; null when it says nothing.
        channel_reference: The bank's reference; null when it has given none.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the bank that it is about: att_ and a UUIDv7; null where none was queued and in earlier
            versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalFailed"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    funds_held: bool
    reason: str
    failure_code: str | None
    channel_reference: str | None
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    attempt_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalPaidLate(AvroRecord):
    """The bank paid a withdrawal that was recorded as failed, rejected, cancelled or returned: the amount is out.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The bank's reference of the payout.
        previous_state: State as recorded before, as in FAILED.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the bank that it is about: att_ and a UUIDv7; null where none was queued and in earlier
            versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalPaidLate"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    channel_reference: str
    previous_state: str
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    attempt_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRejected(AvroRecord):
    """A second person refused a withdrawal. The ledger is to release the amount.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        reason: Why, as who rejected it says, 1..500 characters, no card number; null in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalRejected"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalReturned(AvroRecord):
    """The bank gave a paid withdrawal back, as when the account was closed. Moves money in the ledger: the amount is
    available again.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        channel_reference: The bank's reference of the payout.
        return_code: What the bank says, lower_snake; null when it says nothing.
        bank_fee_minor: Part of amount_minor that banks kept, so that it did not come back, in minor units of
            currency_code, 0..amount_minor; the rest came back.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
        attempt_id: The call to the bank that it is about: att_ and a UUIDv7; null where none was queued and in earlier
            versions.
        returned_minor: Part of amount_minor that came back, amount_minor - bank_fee_minor, in minor units of
            currency_code, 0..2^53-1; null in earlier versions.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalReturned"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    channel_reference: str
    return_code: str | None
    bank_fee_minor: int
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int
    attempt_id: str | None
    returned_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalSubmitted(AvroRecord):
    """A withdrawal is being handed to the bank; its outcome follows.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        attempt_id: The key under which the bank knows it: att_ and a UUIDv7.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalSubmitted"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    attempt_id: str
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalUnknown(AvroRecord):
    """The bank's answer to a payout is missing: it is inquired about on and on, and the amount stays held until
    evidence says how it ended.

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
        withdrawal_id: The withdrawal: wdr_ and a UUIDv7; the ledger's related_no. The Kafka key.
        bank_account_id: The merchant's bank account: bnk_ and a UUIDv7.
        amount_minor: Amount of the withdrawal, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        channel: Name of the channel adapter, as in simulator.
        attempt_id: The key under which the bank knows it: att_ and a UUIDv7.
        channel_reference: The bank's reference; null when it has given none.
        bank_account_last_four: Last four characters of the bank account's number, digits or capital letters, as they
            were when the withdrawal was created; null in earlier versions.
        requester: Who created the withdrawal, the caller's name; null in earlier versions.
        decider: Who approved or rejected it, the caller's name; null while nobody has, and where nobody had to.
        note: What who created it wrote about it, 1..500 characters, no card number; null when nothing.
        submitted_at: When it was handed to the bank, UTC, microseconds; null before.
        payout_fee_minor: What the merchant is charged for the payout, in minor units of currency_code, 0..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalUnknown"
    TOPIC: ClassVar[str] = "withdrawal.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "withdrawal_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    withdrawal_id: str
    bank_account_id: str
    amount_minor: int
    currency_code: str
    channel: str
    attempt_id: str
    channel_reference: str | None
    bank_account_last_four: str | None
    requester: str | None
    decider: str | None
    note: str | None
    submitted_at: datetime | None
    payout_fee_minor: int


EVENTS = (
    AttemptOverdue,
    BankAccountCreated,
    BankAccountDisabled,
    BankAccountVerified,
    EvidenceUnmatched,
    WithdrawalApproved,
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalContradicted,
    WithdrawalContradictionResolved,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
    WithdrawalSubmitted,
    WithdrawalUnknown,
)
