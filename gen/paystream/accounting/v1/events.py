"""Events of paystream.accounting.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class Direction(StrEnum):
    """Seen from the merchant, whatever the sides of the chart. CREDIT: to the merchant (a payment). DEBIT: from the
    merchant (a refund). UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


class Side(StrEnum):
    """Side of a journal. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(AvroRecord):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated(AvroRecord):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionCreated(AvroRecord):
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
        channel: Name of the channel adapter that the money moved by, as in simulator; null where what is booked does
            not say.
        channel_reference: The channel's reference of the movement, of a dispute that of the dispute; null where what is
            booked does not say.
        fee_minor: The fee that is booked with it, in minor units of currency_code, -(2^53-1)..2^53-1: of a payment what
            the merchant pays, of a channel's statement what the channel keeps; below 0 where it is given back.
        chart_name: Name of the chart of accounts that it was booked by, as in merchant_asset; null in versions before
            2.
        reason: Why a manual journal, its reversal or a correction was booked, as the person wrote it; null for what
            other events book.
    """

    RECORD: ClassVar[str] = "paystream.accounting.v1.TransactionCreated"
    TOPIC: ClassVar[str] = "accounting.events"
    VERSION: ClassVar[int] = 2
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
    channel: str | None
    channel_reference: str | None
    fee_minor: int
    chart_name: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRejected(AvroRecord):
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


EVENTS = (
    AccountCreated,
    TransactionCreated,
    TransactionRejected,
)
