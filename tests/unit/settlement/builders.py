"""Transactions, policies and settlements for tests; everything happens around NOON unless a test says otherwise."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from paykit.ids import named_id
from paystream.accounting.v1.events import Direction, Entry, Side, TransactionCreated, TransactionRejected
from paystream.merchant.v1.events import (
    MerchantCreated,
    MerchantStatus,
    RefundPolicy,
    SettlementPolicy,
    SettlementSchedule,
    SettlementThreshold,
)
from paystream.settlement.v1.events import BalanceRecovered, ReserveConsumed, ReserveReleased, SettlementCreated
from services.settlement.domain.policy import Policy
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.sums import Sums

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""A Sunday."""
ALICE = "mer_" + "a" * 32
BOB = "mer_" + "b" * 32


def utc(day: int, hour: int, minute: int = 0, *, month: int = 3, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def stl(number: int) -> str:
    return f"stl_{number:032x}"


def daily(at: str = "18:00", zone: str = "UTC", **fields: Any) -> Policy:
    return Policy(schedule=SettlementSchedule.DAILY, cut_off_time=time.fromisoformat(at), time_zone=zone, **fields)


def weekly(weekday: int, at: str = "18:00", zone: str = "UTC", **fields: Any) -> Policy:
    return Policy(
        schedule=SettlementSchedule.WEEKLY,
        cut_off_time=time.fromisoformat(at),
        cut_off_weekday=weekday,
        time_zone=zone,
        **fields,
    )


def monthly(month_day: int, at: str = "18:00", zone: str = "UTC", **fields: Any) -> Policy:
    return Policy(
        schedule=SettlementSchedule.MONTHLY,
        cut_off_time=time.fromisoformat(at),
        cut_off_month_day=month_day,
        time_zone=zone,
        **fields,
    )


def threshold(**thresholds: int) -> Policy:
    return Policy(schedule=SettlementSchedule.THRESHOLD, thresholds=thresholds)


MANUAL = Policy(schedule=SettlementSchedule.MANUAL)


def settlement(number: int = 1, **fields: Any) -> Settlement:
    """Give one of ALICE that collects since NOON, with one payment of 1,000."""
    given: dict[str, Any] = {
        "settlement_id": stl(number),
        "holder_id": stl(number),
        "merchant_id": ALICE,
        "currency_code": "USD",
        "cut_off_at": None,
        "due_at": NOON,
        "sums": Sums(item_count=1, payments_minor=1_000),
        "create_time": NOON,
        "update_time": NOON,
    }
    return Settlement(**given | fields)


def entry(kind: str, effect_minor: int, merchant_id: str | None = ALICE, currency_code: str = "USD") -> Entry:
    """Give an entry by its effect; the sides of a debit-normal account."""
    return Entry(
        account_id=named_id("acc", kind, merchant_id or "", currency_code),
        account_kind=kind,
        merchant_id=merchant_id,
        side=Side.DEBIT if effect_minor > 0 else Side.CREDIT,
        effect=1 if effect_minor > 0 else -1,
        amount_minor=abs(effect_minor),
        currency_code=currency_code,
    )


def booked(
    transaction_type: str,
    related_no: str,
    entries: list[Entry],
    *,
    at: datetime = NOON,
    root_reference: str | None = None,
    currency_code: str = "USD",
    merchant_id: str = ALICE,
) -> TransactionCreated:
    """Give a transaction that the ledger booked."""
    return TransactionCreated(
        event_id=named_id("evt", transaction_type, related_no),
        occurred_at=at,
        recorded_at=at,
        merchant_id=merchant_id,
        correlation_id="cor_" + related_no,
        aggregate_version=1,
        transaction_id=named_id("txn", transaction_type, related_no),
        transaction_type=transaction_type,
        related_no=related_no,
        root_reference=root_reference or related_no,
        direction=Direction.CREDIT,
        amount_minor=max(each.amount_minor for each in entries),
        currency_code=currency_code,
        effective_at=at,
        reverses_transaction_id=None,
        channel=None,
        channel_reference=None,
        fee_minor=0,
        chart_name="merchant_asset",
        reason=None,
        entries=tuple(entries),
    )


def capture(
    number: int,
    amount_minor: int = 1_000,
    fee_minor: int = 0,
    *,
    merchant_id: str = ALICE,
    at: datetime = NOON,
    currency_code: str = "USD",
) -> TransactionCreated:
    entries = [
        entry("merchant.settlement", amount_minor, merchant_id, currency_code),
        entry("platform.income", amount_minor, None, currency_code),
    ]
    if fee_minor:
        entries += [
            entry("merchant.settlement", -fee_minor, merchant_id, currency_code),
            entry("platform.fees", fee_minor, None, currency_code),
        ]
    return booked(
        "PaymentSuccess",
        f"cap_{number:032x}",
        entries,
        at=at,
        root_reference=f"pay_{number:032x}",
        currency_code=currency_code,
        merchant_id=merchant_id,
    )


def refund(
    number: int, amount_minor: int, fee_returned_minor: int = 0, *, merchant_id: str = ALICE, at: datetime = NOON
) -> TransactionCreated:
    entries = [entry("merchant.settlement", -amount_minor, merchant_id), entry("platform.income", -amount_minor, None)]
    if fee_returned_minor:
        entries.append(entry("merchant.settlement", fee_returned_minor, merchant_id))
        entries.append(entry("platform.fees", -fee_returned_minor, None))
    return booked(
        "RefundSuccess",
        f"ref_{number:032x}",
        entries,
        at=at,
        root_reference=f"pay_{number:032x}",
        merchant_id=merchant_id,
    )


def booking(
    settlement_id: str, total_minor: int, *, reserve_minor: int = 0, merchant_id: str = ALICE, at: datetime = NOON
) -> TransactionCreated:
    """Give what the ledger tells when it has booked a settlement."""
    entries = [entry("merchant.settlement", -total_minor, merchant_id)]
    entries += [entry("merchant.available", total_minor - reserve_minor, merchant_id)] * (reserve_minor < total_minor)
    entries += [entry("merchant.reserve", reserve_minor, merchant_id)] * bool(reserve_minor)
    return booked(
        "SettlementCreated",
        settlement_id,
        entries,
        at=at,
        merchant_id=merchant_id,
    )


def release(settlement_id: str, amount_minor: int, *, at: datetime = NOON) -> TransactionCreated:
    """Give the release of a reserve as version 1 asked for it, by the settlement."""
    return booked(
        "ReserveReleased",
        settlement_id,
        [entry("merchant.reserve", -amount_minor), entry("merchant.settlement", amount_minor)],
        at=at,
    )


Transfer = BalanceRecovered | ReserveConsumed | ReserveReleased


def transfer_id(event: Transfer) -> str:
    match event:
        case BalanceRecovered():
            return event.recovery_id
        case ReserveConsumed():
            return event.consumption_id
        case ReserveReleased():
            return event.release_id or event.settlement_id


def moved(event: Transfer) -> TransactionCreated:
    """Give what the ledger tells when it has booked a transfer."""
    merchant_id, amount_minor = event.merchant_id or "", event.amount_minor
    if isinstance(event, BalanceRecovered):
        entries = [entry("merchant.available", -amount_minor, merchant_id)]
        entries += [entry("merchant.settlement", event.settlement_minor, merchant_id)] * bool(event.settlement_minor)
        entries += [entry("merchant.receivable", -event.receivable_minor, merchant_id)] * bool(event.receivable_minor)
    else:
        entries = [
            entry("merchant.reserve", -amount_minor, merchant_id),
            entry("merchant.settlement", amount_minor, merchant_id),
        ]
    return booked(
        type(event).__name__,
        transfer_id(event),
        entries,
        root_reference=event.settlement_id,
        currency_code=event.currency_code,
        merchant_id=merchant_id,
    )


def journal(number: int, *, merchant_id: str = ALICE, at: datetime = NOON, **effects_minor: int) -> TransactionCreated:
    """Give a manual journal by what it does to accounts of a merchant, as in `available=-5`."""
    entries = [entry(f"merchant.{name}", minor, merchant_id) for name, minor in effects_minor.items()]
    return booked("Adjustment", f"jrn_{number}", entries, at=at, merchant_id=merchant_id)


def rejected(
    related_no: str, transaction_type: str = "SettlementCreated", reason: str = "INSUFFICIENT_FUNDS"
) -> TransactionRejected:
    return TransactionRejected(
        event_id=named_id("evt", "rejected", transaction_type, related_no),
        occurred_at=NOON,
        recorded_at=NOON,
        merchant_id=ALICE,
        correlation_id="cor_" + related_no,
        aggregate_version=1,
        transaction_type=transaction_type,
        related_no=related_no,
        root_reference=related_no,
        reason=reason,
    )


def merchant(
    policy: Policy,
    *,
    merchant_id: str = ALICE,
    version: int = 1,
    status: MerchantStatus = MerchantStatus.ACTIVE,
    frozen: bool = False,
) -> MerchantCreated:
    """Give the event of a merchant with a policy."""
    return MerchantCreated(
        locale="en",
        public_name=None,
        support_email=None,
        event_id=named_id("evt", merchant_id, str(version)),
        occurred_at=NOON,
        recorded_at=NOON,
        merchant_id=merchant_id,
        correlation_id="cor_merchant",
        aggregate_version=version,
        display_name="A shop",
        status=status,
        country_code=None,
        fee_plan_version=1,
        fees=(),
        refund_fee_returned=False,
        settlement_policy=SettlementPolicy(
            schedule=policy.schedule,
            cut_off_time=policy.cut_off_time.isoformat("minutes") if policy.cut_off_time else None,
            cut_off_weekday=policy.cut_off_weekday,
            time_zone=policy.time_zone,
            delay_days=policy.delay_days,
            thresholds=tuple(
                SettlementThreshold(currency_code=code, threshold_minor=minor)
                for code, minor in sorted(policy.thresholds.items())
            ),
            reserve_basis_points=policy.reserve_basis_points,
            reserve_days=policy.reserve_days,
            cut_off_month_day=policy.cut_off_month_day,
            business_days=policy.business_days,
            calendar=policy.calendar,
            reserve_base=policy.reserve_base,
        ),
        default_basis_points=None,
        free=False,
        refund_policy=RefundPolicy.ALLOW,
        refund_limits=(),
        payout_hold=False,
        frozen=frozen,
        closing=False,
    )


def settled(event: SettlementCreated) -> TransactionCreated:
    """Give what the ledger tells when it has booked a settlement as it was told of."""
    return booking(
        event.settlement_id,
        event.total_minor,
        reserve_minor=event.reserve_held_minor,
        merchant_id=event.merchant_id or "",
    )


def hours(count: float) -> timedelta:
    return timedelta(hours=count)
