"""Events of paystream.settlement.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class SettlementTrigger(StrEnum):
    """What started a settlement. UNKNOWN: newer than the reader's schema."""

    UNKNOWN = "UNKNOWN"
    REQUEST = "REQUEST"
    THRESHOLD = "THRESHOLD"
    CUT_OFF = "CUT_OFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRecovered(AvroRecord):
    """Available funds of a merchant make up for its negative settlement balance, or for what it owes.

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
        recovery_id: This recovery: rec_ and a UUIDv7; the Kafka key, and the ledger's related_no.
        settlement_id: The Kafka key of this topic: the recovery_id.
        currency_code: ISO 4217 code in upper case, three letters.
        amount_minor: Amount taken from available funds, the sum of the two others, in minor units of currency_code (JPY
            0, USD 2, BHD 3 decimals), 1..2^53-1.
        settlement_minor: Part of it that goes to the settlement account, in minor units of currency_code,
            0..amount_minor.
        receivable_minor: Part of it that pays what the merchant owes, in minor units of currency_code, 0..amount_minor.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.BalanceRecovered"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    recovery_id: str
    settlement_id: str
    currency_code: str
    amount_minor: int
    settlement_minor: int
    receivable_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantBalanceNegative(AvroRecord):
    """What paystream holds for a merchant in a currency fell below zero.

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
        settlement_id: The Kafka key of this topic: merchant_id and currency_code, joined by a colon.
        currency_code: ISO 4217 code in upper case, three letters.
        balance_minor: Settlement, available and reserve together, in minor units of currency_code, below 0.
        receivable_minor: What the merchant owes beyond that, in minor units of currency_code, 0 or more.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.MerchantBalanceNegative"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    balance_minor: int
    receivable_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveConsumed(AvroRecord):
    """A reserve, or part of it, makes up for a negative settlement balance of its merchant.

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
        consumption_id: This consumption: rsc_ and a UUIDv7; the ledger's related_no.
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        amount_minor: Amount taken from the reserve, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.ReserveConsumed"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    consumption_id: str
    settlement_id: str
    currency_code: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveExtended(AvroRecord):
    """A reserve is held longer than its policy said.

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
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        amount_minor: Amount still held, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        reserve_release_at: When it is to be released now, UTC, microseconds.
        reason: Why, as the caller says, 1..500 characters.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.ReserveExtended"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    amount_minor: int
    reserve_release_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveReleaseRefused(AvroRecord):
    """The ledger would not release what is left of a settlement's reserve; it is asked again, for what it still holds.

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
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        release_id: The release that was refused: rsr_ and a UUIDv7.
        amount_minor: Amount that was to be released, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            1..2^53-1.
        reason: Reason in UPPER_SNAKE, as the ledger's TransactionRejected gives it.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.ReserveReleaseRefused"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    release_id: str
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveReleased(AvroRecord):
    """The reserve of a settlement is released: the ledger is to move it back to what awaits settlement, and the next
    settlement pays it.

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
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        amount_minor: Amount released, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        release_id: This release: rsr_ and a UUIDv7, the ledger's related_no; null before version 2, where settlement_id
            is.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.ReserveReleased"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    amount_minor: int
    release_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCarried(AvroRecord):
    """What a settlement collected was not worth settling at its cut-off: it counts in another one.

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
        settlement_id: The settlement that is settled by another: stl_ and a UUIDv7. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        into_settlement_id: The settlement in which it counts from now on: stl_ and a UUIDv7.
        carried_minor: Sum of what it collected, in minor units of currency_code; below zero when it takes from the
            merchant.
        item_count: Number of its transactions, 0 or more.
        cut_off_at: The cut-off it closed at, UTC, microseconds; null unless a cut-off started it.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.SettlementCarried"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    into_settlement_id: str
    carried_minor: int
    item_count: int
    cut_off_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCompleted(AvroRecord):
    """The ledger has booked a settlement: from now on its net_minor can be withdrawn.

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
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        total_minor: Sum of its transactions, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        reserve_held_minor: Part held back as reserve, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            0..2^53-1.
        net_minor: Part that becomes available, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            0..2^53-1.
        transaction_id: The transaction that booked it: txn_ and a UUIDv5.
        item_count: Number of its transactions, 1 or more; 0 in version 1.
        payments_minor: Captures, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below zero when it
            takes from the merchant; 0 in version 1.
        refunds_minor: Refunds, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below zero when it takes
            from the merchant; 0 in version 1.
        fees_minor: Fees charged and returned, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below
            zero when it takes from the merchant; 0 in version 1.
        disputes_minor: Disputes opened, won and lost, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals);
            below zero when it takes from the merchant; 0 in version 1.
        reserve_released_minor: Reserve of earlier settlements that was released, in minor units of currency_code (JPY
            0, USD 2, BHD 3 decimals); below zero when it takes from the merchant; 0 in version 1.
        adjustments_minor: Manual journals and reversals, in minor units of currency_code (JPY 0, USD 2, BHD 3
            decimals); below zero when it takes from the merchant; 0 in version 1.
        cut_off_at: The cut-off it closed at, UTC, microseconds; null unless a cut-off started it.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.SettlementCompleted"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    total_minor: int
    reserve_held_minor: int
    net_minor: int
    transaction_id: str
    item_count: int
    payments_minor: int
    refunds_minor: int
    fees_minor: int
    disputes_minor: int
    reserve_released_minor: int
    adjustments_minor: int
    cut_off_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCreated(AvroRecord):
    """A merchant's transactions of one currency were closed into a settlement. The ledger is to move net_minor to what
    is available and reserve_held_minor to the reserve.

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
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        trigger: What started it.
        cut_off_at: The cut-off it closed at, UTC, microseconds; null unless a cut-off started it.
        item_count: Number of its transactions, 1 or more.
        payments_minor: Captures, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below zero when it
            takes from the merchant.
        refunds_minor: Refunds, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below zero when it takes
            from the merchant.
        fees_minor: Fees charged and returned, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below
            zero when it takes from the merchant.
        disputes_minor: Disputes opened, won and lost, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals);
            below zero when it takes from the merchant.
        reserve_released_minor: Reserve of earlier settlements that was released, in minor units of currency_code (JPY
            0, USD 2, BHD 3 decimals); below zero when it takes from the merchant.
        adjustments_minor: Manual journals and reversals, in minor units of currency_code (JPY 0, USD 2, BHD 3
            decimals); below zero when it takes from the merchant.
        total_minor: Sum of all of these, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        reserve_held_minor: Part held back as reserve, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            0..2^53-1.
        net_minor: Part that becomes available: total_minor less reserve_held_minor, in minor units of currency_code
            (JPY 0, USD 2, BHD 3 decimals), 0..2^53-1.
        reserve_release_at: When the reserve is released, UTC, microseconds; null when none is held.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.SettlementCreated"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 1
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    trigger: SettlementTrigger
    cut_off_at: datetime | None
    item_count: int
    payments_minor: int
    refunds_minor: int
    fees_minor: int
    disputes_minor: int
    reserve_released_minor: int
    adjustments_minor: int
    total_minor: int
    reserve_held_minor: int
    net_minor: int
    reserve_release_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFailed(AvroRecord):
    """The ledger refused a settlement; its transactions are pending again.

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
        settlement_id: The settlement: stl_ and a UUIDv7; the ledger's related_no. The Kafka key.
        currency_code: ISO 4217 code in upper case, three letters.
        total_minor: Sum of its transactions, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals), 1..2^53-1.
        reserve_held_minor: Part held back as reserve, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            0..2^53-1.
        net_minor: Part that becomes available, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals),
            0..2^53-1.
        reason: Reason in UPPER_SNAKE, as the ledger's TransactionRejected gives it.
        item_count: Number of its transactions, 1 or more; 0 in version 1.
        payments_minor: Captures, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below zero when it
            takes from the merchant; 0 in version 1.
        refunds_minor: Refunds, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below zero when it takes
            from the merchant; 0 in version 1.
        fees_minor: Fees charged and returned, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals); below
            zero when it takes from the merchant; 0 in version 1.
        disputes_minor: Disputes opened, won and lost, in minor units of currency_code (JPY 0, USD 2, BHD 3 decimals);
            below zero when it takes from the merchant; 0 in version 1.
        reserve_released_minor: Reserve of earlier settlements that was released, in minor units of currency_code (JPY
            0, USD 2, BHD 3 decimals); below zero when it takes from the merchant; 0 in version 1.
        adjustments_minor: Manual journals and reversals, in minor units of currency_code (JPY 0, USD 2, BHD 3
            decimals); below zero when it takes from the merchant; 0 in version 1.
        cut_off_at: The cut-off it closed at, UTC, microseconds; null unless a cut-off started it.
    """

    RECORD: ClassVar[str] = "paystream.settlement.v1.SettlementFailed"
    TOPIC: ClassVar[str] = "settlement.events"
    VERSION: ClassVar[int] = 2
    KEY: ClassVar[str] = "settlement_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    settlement_id: str
    currency_code: str
    total_minor: int
    reserve_held_minor: int
    net_minor: int
    reason: str
    item_count: int
    payments_minor: int
    refunds_minor: int
    fees_minor: int
    disputes_minor: int
    reserve_released_minor: int
    adjustments_minor: int
    cut_off_at: datetime | None


EVENTS = (
    BalanceRecovered,
    MerchantBalanceNegative,
    ReserveConsumed,
    ReserveExtended,
    ReserveReleaseRefused,
    ReserveReleased,
    SettlementCarried,
    SettlementCompleted,
    SettlementCreated,
    SettlementFailed,
)
