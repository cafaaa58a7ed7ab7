"""Events of paystream.merchant.v1, one class per Avro record: generated from schemas/avro by scripts/gen_events.py."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from paystream.avro_record import AvroRecord


class MerchantStatus(StrEnum):
    """CREATED: known, not yet allowed to take payments. ACTIVE: may take payments. SUSPENDED: may not take new
    payments; refunds go on, settlements and payouts wait. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class RefundPolicy(StrEnum):
    """ALLOW: carried out, down to refund_limits. QUEUE: waits until funds are there. REFUSE: refused. UNKNOWN: newer
    than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    ALLOW = "ALLOW"
    QUEUE = "QUEUE"
    REFUSE = "REFUSE"


class ReserveBase(StrEnum):
    """NET: of the settlement's total. GROSS: of its payments, before refunds, fees and disputes. UNKNOWN: newer than
    the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    NET = "NET"
    GROSS = "GROSS"


class SettlementSchedule(StrEnum):
    """MANUAL: only on request. THRESHOLD: as soon as the pending total reaches the threshold of its currency. DAILY,
    WEEKLY, MONTHLY: at the cut-off. UNKNOWN: newer than the reader's schema.
    """

    UNKNOWN = "UNKNOWN"
    MANUAL = "MANUAL"
    THRESHOLD = "THRESHOLD"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRule(AvroRecord):
    """The fee for captures in one currency: the payment's captured total x basis_points / 10000, rounded half up, plus
    fixed_minor, capped at that total, less the fees of its earlier captures.

    Attributes:
        currency_code: ISO 4217 code in upper case, three letters; at most one rule each.
        basis_points: Hundredths of a percent of each capture, 0..10000.
        fixed_minor: Fixed part, once per payment, in minor units of currency_code, 0..2^53-1.
        dispute_fee_minor: Charged for a dispute that reaches chargeback, given back when it is won, in minor units of
            currency_code, 0..2^53-1.
    """

    currency_code: str
    basis_points: int
    fixed_minor: int
    dispute_fee_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementThreshold(AvroRecord):
    """The smallest total worth settling in one currency.

    Attributes:
        currency_code: ISO 4217 code in upper case, three letters; at most one threshold each.
        threshold_minor: Smallest pending total to settle, in minor units of currency_code, 1..2^53-1.
    """

    currency_code: str
    threshold_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementPolicy(AvroRecord):
    """When and how the merchant's funds are settled.

    Attributes:
        schedule: What starts a settlement.
        cut_off_time: Local time of day of the cut-off in time_zone, HH:MM from 00:00 to 23:59; null unless schedule is
            DAILY, WEEKLY or MONTHLY.
        cut_off_weekday: ISO 8601 day of the week of the cut-off, 1 (Monday)..7 (Sunday); null unless schedule is
            WEEKLY.
        time_zone: IANA time zone of the cut-off, as in Europe/Berlin; UTC where it does not matter.
        delay_days: The N of T+N: whole days between the cut-off and the settlement, 0..30.
        thresholds: Smallest totals by currency, ascending by currency_code, at most 64; a currency without one is
            settled from 1 minor unit.
        reserve_basis_points: Rolling reserve held back from each settlement, in hundredths of a percent, 0..10000.
        reserve_days: Days until a held reserve is released, 0..365; 0 when none is held.
        cut_off_month_day: Day of the month of the cut-off, 1..31, the last day where the month is shorter; null unless
            schedule is MONTHLY.
        business_days: Whether delay_days counts business days of calendar only, and a settlement due on another day
            waits for the next.
        calendar: Whose holidays count: ISO 3166-1 alpha-2, or ISO 3166-2, in upper case; null for weekends alone.
        reserve_base: What reserve_basis_points are taken of.
    """

    schedule: SettlementSchedule
    cut_off_time: str | None
    cut_off_weekday: int | None
    time_zone: str
    delay_days: int
    thresholds: tuple[SettlementThreshold, ...]
    reserve_basis_points: int
    reserve_days: int
    cut_off_month_day: int | None
    business_days: bool
    calendar: str | None
    reserve_base: ReserveBase


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLimit(AvroRecord):
    """How far refunds may take a merchant's balance below zero in one currency.

    Attributes:
        currency_code: ISO 4217 code in upper case, three letters; at most one limit each.
        limit_minor: Largest amount below zero, in minor units of currency_code, 0..2^53-1.
    """

    currency_code: str
    limit_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantActivated(AvroRecord):
    """A merchant may take payments from now on. Carries the complete public state.

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
        display_name: Trading name of the business, 1..200 characters; no name of a private person.
        status: State after this event.
        country_code: Country of the business, ISO 3166-1 alpha-2 in upper case; null when not given.
        fee_plan_version: Version of the fee plan in force, from 1, +1 with every change of the plan.
        fees: The complete fee plan in force, ascending by currency_code, at most 64 rules; a currency without one
            follows default_basis_points, is free if free is set, and is refused else.
        refund_fee_returned: Whether a refund returns the fee, in proportion to the amount refunded.
        settlement_policy: The complete settlement policy in force.
        default_basis_points: Fee of currencies without a rule, in hundredths of a percent, 0..10000; null where such a
            currency has none.
        free: Whether a currency without a rule costs no fee.
        refund_policy: What becomes of a refund that the merchant's funds do not cover.
        refund_limits: With ALLOW: limits by currency, ascending by currency_code, at most 64; a currency without one
            has no limit.
        payout_hold: Whether payouts wait.
        frozen: Whether nothing new is taken and nothing is paid out.
        closing: Whether the merchant leaves: no new payments, refunds and payouts go on.
        locale: Language in which the merchant is written to, BCP 47, as in zh-Hans.
        public_name: The name that payers know it by, 1..200 characters; null when it is display_name.
        support_email: The address that the merchant publishes to its customers; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.merchant.v1.MerchantActivated"
    TOPIC: ClassVar[str] = "merchant.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "merchant_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    display_name: str
    status: MerchantStatus
    country_code: str | None
    fee_plan_version: int
    fees: tuple[FeeRule, ...]
    refund_fee_returned: bool
    settlement_policy: SettlementPolicy
    default_basis_points: int | None
    free: bool
    refund_policy: RefundPolicy
    refund_limits: tuple[RefundLimit, ...]
    payout_hold: bool
    frozen: bool
    closing: bool
    locale: str
    public_name: str | None
    support_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantCreated(AvroRecord):
    """A merchant was created. Carries the merchant's complete public state.

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
        display_name: Trading name of the business, 1..200 characters; no name of a private person.
        status: State after this event.
        country_code: Country of the business, ISO 3166-1 alpha-2 in upper case; null when not given.
        fee_plan_version: Version of the fee plan in force, from 1, +1 with every change of the plan.
        fees: The complete fee plan in force, ascending by currency_code, at most 64 rules; a currency without one
            follows default_basis_points, is free if free is set, and is refused else.
        refund_fee_returned: Whether a refund returns the fee, in proportion to the amount refunded.
        settlement_policy: The complete settlement policy in force.
        default_basis_points: Fee of currencies without a rule, in hundredths of a percent, 0..10000; null where such a
            currency has none.
        free: Whether a currency without a rule costs no fee.
        refund_policy: What becomes of a refund that the merchant's funds do not cover.
        refund_limits: With ALLOW: limits by currency, ascending by currency_code, at most 64; a currency without one
            has no limit.
        payout_hold: Whether payouts wait.
        frozen: Whether nothing new is taken and nothing is paid out.
        closing: Whether the merchant leaves: no new payments, refunds and payouts go on.
        locale: Language in which the merchant is written to, BCP 47, as in zh-Hans.
        public_name: The name that payers know it by, 1..200 characters; null when it is display_name.
        support_email: The address that the merchant publishes to its customers; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.merchant.v1.MerchantCreated"
    TOPIC: ClassVar[str] = "merchant.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "merchant_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    display_name: str
    status: MerchantStatus
    country_code: str | None
    fee_plan_version: int
    fees: tuple[FeeRule, ...]
    refund_fee_returned: bool
    settlement_policy: SettlementPolicy
    default_basis_points: int | None
    free: bool
    refund_policy: RefundPolicy
    refund_limits: tuple[RefundLimit, ...]
    payout_hold: bool
    frozen: bool
    closing: bool
    locale: str
    public_name: str | None
    support_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantSuspended(AvroRecord):
    """A merchant may not take new payments from now on. Carries the complete public state.

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
        display_name: Trading name of the business, 1..200 characters; no name of a private person.
        status: State after this event.
        country_code: Country of the business, ISO 3166-1 alpha-2 in upper case; null when not given.
        fee_plan_version: Version of the fee plan in force, from 1, +1 with every change of the plan.
        fees: The complete fee plan in force, ascending by currency_code, at most 64 rules; a currency without one
            follows default_basis_points, is free if free is set, and is refused else.
        refund_fee_returned: Whether a refund returns the fee, in proportion to the amount refunded.
        settlement_policy: The complete settlement policy in force.
        default_basis_points: Fee of currencies without a rule, in hundredths of a percent, 0..10000; null where such a
            currency has none.
        free: Whether a currency without a rule costs no fee.
        refund_policy: What becomes of a refund that the merchant's funds do not cover.
        refund_limits: With ALLOW: limits by currency, ascending by currency_code, at most 64; a currency without one
            has no limit.
        payout_hold: Whether payouts wait.
        frozen: Whether nothing new is taken and nothing is paid out.
        closing: Whether the merchant leaves: no new payments, refunds and payouts go on.
        locale: Language in which the merchant is written to, BCP 47, as in zh-Hans.
        public_name: The name that payers know it by, 1..200 characters; null when it is display_name.
        support_email: The address that the merchant publishes to its customers; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.merchant.v1.MerchantSuspended"
    TOPIC: ClassVar[str] = "merchant.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "merchant_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    display_name: str
    status: MerchantStatus
    country_code: str | None
    fee_plan_version: int
    fees: tuple[FeeRule, ...]
    refund_fee_returned: bool
    settlement_policy: SettlementPolicy
    default_basis_points: int | None
    free: bool
    refund_policy: RefundPolicy
    refund_limits: tuple[RefundLimit, ...]
    payout_hold: bool
    frozen: bool
    closing: bool
    locale: str
    public_name: str | None
    support_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantUpdated(AvroRecord):
    """A merchant's profile, fee plan or settlement policy changed. Carries the complete public state after the change.

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
        display_name: Trading name of the business, 1..200 characters; no name of a private person.
        status: State after this event.
        country_code: Country of the business, ISO 3166-1 alpha-2 in upper case; null when not given.
        fee_plan_version: Version of the fee plan in force, from 1, +1 with every change of the plan.
        fees: The complete fee plan in force, ascending by currency_code, at most 64 rules; a currency without one
            follows default_basis_points, is free if free is set, and is refused else.
        refund_fee_returned: Whether a refund returns the fee, in proportion to the amount refunded.
        settlement_policy: The complete settlement policy in force.
        default_basis_points: Fee of currencies without a rule, in hundredths of a percent, 0..10000; null where such a
            currency has none.
        free: Whether a currency without a rule costs no fee.
        refund_policy: What becomes of a refund that the merchant's funds do not cover.
        refund_limits: With ALLOW: limits by currency, ascending by currency_code, at most 64; a currency without one
            has no limit.
        payout_hold: Whether payouts wait.
        frozen: Whether nothing new is taken and nothing is paid out.
        closing: Whether the merchant leaves: no new payments, refunds and payouts go on.
        locale: Language in which the merchant is written to, BCP 47, as in zh-Hans.
        public_name: The name that payers know it by, 1..200 characters; null when it is display_name.
        support_email: The address that the merchant publishes to its customers; null when it gave none.
    """

    RECORD: ClassVar[str] = "paystream.merchant.v1.MerchantUpdated"
    TOPIC: ClassVar[str] = "merchant.events"
    VERSION: ClassVar[int] = 3
    KEY: ClassVar[str] = "merchant_id"

    event_id: str = ""
    occurred_at: datetime
    recorded_at: datetime | None = None
    merchant_id: str | None
    correlation_id: str = ""
    causation_id: str | None = None
    actor: str | None = None
    aggregate_version: int
    display_name: str
    status: MerchantStatus
    country_code: str | None
    fee_plan_version: int
    fees: tuple[FeeRule, ...]
    refund_fee_returned: bool
    settlement_policy: SettlementPolicy
    default_basis_points: int | None
    free: bool
    refund_policy: RefundPolicy
    refund_limits: tuple[RefundLimit, ...]
    payout_hold: bool
    frozen: bool
    closing: bool
    locale: str
    public_name: str | None
    support_email: str | None


EVENTS = (
    MerchantActivated,
    MerchantCreated,
    MerchantSuspended,
    MerchantUpdated,
)
