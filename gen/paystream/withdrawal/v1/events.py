"""Events of paystream.withdrawal.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalApproved"
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
    automatic: bool


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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalCompleted"
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
    channel_reference: str


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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalCreated"
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
    approval_required: bool


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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalFailed"
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
    funds_held: bool
    reason: str
    failure_code: str | None
    channel_reference: str | None


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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalRejected"
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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalReturned"
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
    channel_reference: str
    return_code: str | None


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
    """

    RECORD: ClassVar[str] = "paystream.withdrawal.v1.WithdrawalSubmitted"
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


EVENTS = (
    WithdrawalApproved,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalRejected,
    WithdrawalReturned,
    WithdrawalSubmitted,
)
