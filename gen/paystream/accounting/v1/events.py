"""Events of paystream.accounting.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar


class Direction(StrEnum):
    """Seen from the merchant, whatever the sides of the chart. CREDIT: to the merchant (a payment). DEBIT: from the
    merchant (a refund). UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


_DIRECTION = dict(Direction.__members__)


class Side(StrEnum):
    """Side of a journal. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


_SIDE = dict(Side.__members__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One leg of a transaction.

    Attributes:
        account_id: The account: acc_ and 32 hexadecimal digits.
        account_kind: Kind of the account in the chart, as in merchant.settlement or platform.fees.
        merchant_id: Owner of the account: mer_ and a UUIDv7; null for the platform's own accounts.
        side: The side booked; what it does to the account depends on the chart: sum effect instead.
        effect: +1 when the entry increases the account, -1 when it decreases it: balance = sum of effect x
            amount_minor.
        amount_minor: Amount of the entry, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
    """

    account_id: str
    account_kind: str
    merchant_id: str | None
    side: Side
    effect: int
    amount_minor: int
    currency_code: str

    def as_record(self) -> dict[str, Any]:
        """Give the field values by name, nested records as dictionaries."""
        return {
            "account_id": self.account_id,
            "account_kind": self.account_kind,
            "merchant_id": self.merchant_id,
            "side": self.side,
            "effect": self.effect,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Entry":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenEntry(record)
        made.__class__ = Entry
        result: Entry = made
        return result


class _UnfrozenEntry:
    """Entry while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "account_id",
        "account_kind",
        "merchant_id",
        "side",
        "effect",
        "amount_minor",
        "currency_code",
    )

    def __init__(self, record: dict[str, Any]) -> None:
        self.account_id = record["account_id"]
        self.account_kind = record["account_kind"]
        self.merchant_id = record["merchant_id"]
        self.side = _SIDE.get(record["side"], Side.UNKNOWN)
        self.effect = record["effect"]
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated:
    """A ledger account was opened.

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
        account_id: The account: acc_ and a UUIDv5 of its owner, kind and currency. The Kafka key.
        account_kind: Kind of the account in the chart, as in merchant.settlement or platform.fees.
        currency_code: ISO 4217 code in upper case, three letters.
        normal_side: The side that increases the account.
    """

    RECORD: ClassVar[str] = "paystream.accounting.v1.AccountCreated"
    TOPIC: ClassVar[str] = "accounting.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "account_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    account_id: str
    account_kind: str
    currency_code: str
    normal_side: Side

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
            "account_id": self.account_id,
            "account_kind": self.account_kind,
            "currency_code": self.currency_code,
            "normal_side": self.normal_side,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "AccountCreated":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenAccountCreated(record)
        made.__class__ = AccountCreated
        result: AccountCreated = made
        return result


class _UnfrozenAccountCreated:
    """AccountCreated while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "account_id",
        "account_kind",
        "currency_code",
        "normal_side",
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
        self.account_id = record["account_id"]
        self.account_kind = record["account_kind"]
        self.currency_code = record["currency_code"]
        self.normal_side = _SIDE.get(record["normal_side"], Side.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionCreated:
    """A transaction was booked: its debits equal its credits in each currency. Never changed afterwards.

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
        transaction_id: The transaction: txn_ and a UUIDv5 of transaction_type and related_no.
        transaction_type: Type in the chart, as in PaymentSuccess or RefundSuccess.
        related_no: Id of what moved the money: a capture_id, refund_id, settlement_id or withdrawal_id. Unique together
            with transaction_type.
        root_reference: What the journey began with: a payment_id, settlement_id or withdrawal_id; for a manual journal
            its related_no. The Kafka key, so that all about it arrives in order.
        direction: Which way the amount moves for the merchant; null when it moves between a merchant's own accounts or
            touches no merchant.
        amount_minor: Principal amount, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        currency_code: ISO 4217 code in upper case, three letters.
        effective_at: Time from which balances include it, UTC, microseconds.
        reverses_transaction_id: The transaction that this one reverses: txn_ and 32 hexadecimal digits; null when it
            reverses none.
        entries: All legs, at least 2 and at most 32.
    """

    RECORD: ClassVar[str] = "paystream.accounting.v1.TransactionCreated"
    TOPIC: ClassVar[str] = "accounting.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "root_reference"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    transaction_id: str
    transaction_type: str
    related_no: str
    root_reference: str
    direction: Direction | None
    amount_minor: int
    currency_code: str
    effective_at: datetime
    reverses_transaction_id: str | None
    entries: tuple[Entry, ...]

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
            "transaction_id": self.transaction_id,
            "transaction_type": self.transaction_type,
            "related_no": self.related_no,
            "root_reference": self.root_reference,
            "direction": self.direction,
            "amount_minor": self.amount_minor,
            "currency_code": self.currency_code,
            "effective_at": self.effective_at,
            "reverses_transaction_id": self.reverses_transaction_id,
            "entries": [item.as_record() for item in self.entries],
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "TransactionCreated":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenTransactionCreated(record)
        made.__class__ = TransactionCreated
        result: TransactionCreated = made
        return result


class _UnfrozenTransactionCreated:
    """TransactionCreated while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "transaction_id",
        "transaction_type",
        "related_no",
        "root_reference",
        "direction",
        "amount_minor",
        "currency_code",
        "effective_at",
        "reverses_transaction_id",
        "entries",
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
        self.transaction_id = record["transaction_id"]
        self.transaction_type = record["transaction_type"]
        self.related_no = record["related_no"]
        self.root_reference = record["root_reference"]
        self.direction = None if (value := record["direction"]) is None else _DIRECTION.get(value, Direction.UNKNOWN)
        self.amount_minor = record["amount_minor"]
        self.currency_code = record["currency_code"]
        self.effective_at = record["effective_at"]
        self.reverses_transaction_id = record["reverses_transaction_id"]
        self.entries = tuple([Entry.from_record(item) for item in record["entries"]])


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRejected:
    """The ledger refused to book what an event or request asked for, by a rule of business. Nothing was booked.

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
        transaction_type: Type in the chart, as in PaymentSuccess or RefundSuccess.
        related_no: Id of what moved the money: a capture_id, refund_id, settlement_id or withdrawal_id. Unique together
            with transaction_type.
        root_reference: What the journey began with: a payment_id, settlement_id or withdrawal_id; for a manual journal
            its related_no. The Kafka key, so that all about it arrives in order.
        reason: Reason in UPPER_SNAKE from the catalogue of errors, as in INSUFFICIENT_FUNDS.
    """

    RECORD: ClassVar[str] = "paystream.accounting.v1.TransactionRejected"
    TOPIC: ClassVar[str] = "accounting.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "root_reference"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    transaction_type: str
    related_no: str
    root_reference: str
    reason: str

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
            "transaction_type": self.transaction_type,
            "related_no": self.related_no,
            "root_reference": self.root_reference,
            "reason": self.reason,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "TransactionRejected":
        """Make it of a complete record of this schema version."""
        made: Any = _UnfrozenTransactionRejected(record)
        made.__class__ = TransactionRejected
        result: TransactionRejected = made
        return result


class _UnfrozenTransactionRejected:
    """TransactionRejected while it is filled: the same slots, assigned without the detour of a frozen class."""

    __slots__ = (
        "event_id",
        "occurred_at",
        "recorded_at",
        "merchant_id",
        "correlation_id",
        "causation_id",
        "actor",
        "aggregate_version",
        "transaction_type",
        "related_no",
        "root_reference",
        "reason",
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
        self.transaction_type = record["transaction_type"]
        self.related_no = record["related_no"]
        self.root_reference = record["root_reference"]
        self.reason = record["reason"]


EVENTS = (
    AccountCreated,
    TransactionCreated,
    TransactionRejected,
)
