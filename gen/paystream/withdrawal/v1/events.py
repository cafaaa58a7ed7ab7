"""Events of paystream.withdrawal.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalApproved:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "automatic": self.automatic,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalApproved":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalApproved(record)
        made.__class__ = WithdrawalApproved
        result: WithdrawalApproved = made
        return result


class _UnfrozenWithdrawalApproved:
    """WithdrawalApproved while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
        "automatic",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.automatic = record["automatic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCompleted:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "channel": self.channel,
            "channel_reference": self.channel_reference,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalCompleted":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalCompleted(record)
        made.__class__ = WithdrawalCompleted
        result: WithdrawalCompleted = made
        return result


class _UnfrozenWithdrawalCompleted:
    """WithdrawalCompleted while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
        "channel",
        "channel_reference",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.channel = record["channel"]
        self.channel_reference = record["channel_reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCreated:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "approval_required": self.approval_required,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalCreated":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalCreated(record)
        made.__class__ = WithdrawalCreated
        result: WithdrawalCreated = made
        return result


class _UnfrozenWithdrawalCreated:
    """WithdrawalCreated while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
        "approval_required",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.approval_required = record["approval_required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFailed:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "funds_held": self.funds_held,
            "reason": self.reason,
            "failure_code": self.failure_code,
            "channel_reference": self.channel_reference,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalFailed":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalFailed(record)
        made.__class__ = WithdrawalFailed
        result: WithdrawalFailed = made
        return result


class _UnfrozenWithdrawalFailed:
    """WithdrawalFailed while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
        "funds_held",
        "reason",
        "failure_code",
        "channel_reference",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.funds_held = record["funds_held"]
        self.reason = record["reason"]
        self.failure_code = record["failure_code"]
        self.channel_reference = record["channel_reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRejected:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalRejected":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalRejected(record)
        made.__class__ = WithdrawalRejected
        result: WithdrawalRejected = made
        return result


class _UnfrozenWithdrawalRejected:
    """WithdrawalRejected while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalReturned:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "channel": self.channel,
            "channel_reference": self.channel_reference,
            "return_code": self.return_code,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalReturned":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalReturned(record)
        made.__class__ = WithdrawalReturned
        result: WithdrawalReturned = made
        return result


class _UnfrozenWithdrawalReturned:
    """WithdrawalReturned while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
        "channel",
        "channel_reference",
        "return_code",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.channel = record["channel"]
        self.channel_reference = record["channel_reference"]
        self.return_code = record["return_code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalSubmitted:
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
            "withdrawal_id": self.withdrawal_id,
            "bank_account_id": self.bank_account_id,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "channel": self.channel,
            "attempt_id": self.attempt_id,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "WithdrawalSubmitted":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenWithdrawalSubmitted(record)
        made.__class__ = WithdrawalSubmitted
        result: WithdrawalSubmitted = made
        return result


class _UnfrozenWithdrawalSubmitted:
    """WithdrawalSubmitted while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "withdrawal_id",
        "bank_account_id",
        "amount_minor",
        "currency_code",
        "channel",
        "attempt_id",
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
        self.withdrawal_id = record["withdrawal_id"]
        self.bank_account_id = record["bank_account_id"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.channel = record["channel"]
        self.attempt_id = record["attempt_id"]


EVENTS = (
    WithdrawalApproved,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalRejected,
    WithdrawalReturned,
    WithdrawalSubmitted,
)
