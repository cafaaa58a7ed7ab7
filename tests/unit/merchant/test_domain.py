"""Transitions of a merchant, against values worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.addresses import EmailInvalid
from paykit.errors import CurrencyUnknown, DomainError, EtagMismatch, FieldInvalid
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.merchant.v1 import events
from paystream.merchant.v1.events import (
    FeeRule,
    MerchantStatus,
    SettlementPolicy,
    SettlementSchedule,
    SettlementThreshold,
)
from services.merchant import domain
from services.merchant.domain import rules
from services.merchant.domain.fee_plan import FeePlan, FeePlanTerms
from services.merchant.domain.merchant import Event, Merchant, Profile, RefundTerms, Restrictions

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOON = MORNING + timedelta(hours=4)
SUSPECTED = StatedReason(stated_reason="fraud suspected", stated_by="chief", stated_time=NOON)
USD = FeeRule(currency_code="USD", basis_points=290, fixed_minor=30, dispute_fee_minor=0)
JPY = FeeRule(currency_code="JPY", basis_points=360, fixed_minor=0, dispute_fee_minor=0)


def make(**changes: Any) -> Merchant:
    given: dict[str, Any] = {
        "merchant_id": "mer_" + "0" * 32,
        "display_name": "Corner Books",
        "country_code": "DE",
        "contact_email": "owner@corner-books.example",
        "fee_terms": FeePlanTerms(fees=(USD, JPY), refund_fee_returned=True),
        "settlement_policy": domain.merchant.MANUAL_SETTLEMENT,
        "now": MORNING,
    }
    return domain.merchant.create(**given | changes)[0]


def policy(**changes: Any) -> SettlementPolicy:
    return replace(domain.merchant.MANUAL_SETTLEMENT, **changes)


def daily(**changes: Any) -> SettlementPolicy:
    return policy(
        **{"schedule": SettlementSchedule.DAILY, "cut_off_time": "17:30", "time_zone": "Asia/Tokyo"} | changes
    )


def test_a_new_merchant_is_created_at_version_one_with_fees_in_order_of_currency() -> None:
    assert make() == Merchant(
        merchant_id="mer_00000000000000000000000000000000",
        display_name="Corner Books",
        status=MerchantStatus.CREATED,
        country_code="DE",
        contact_email="owner@corner-books.example",
        fee_plan=FeePlan(
            version=1,
            fees=(JPY, USD),
            refund_fee_returned=True,
            default_basis_points=None,
            free=False,
            effective_time=MORNING,
        ),
        settlement_policy=domain.merchant.MANUAL_SETTLEMENT,
        create_time=MORNING,
        update_time=MORNING,
        version=1,
    )


def test_the_event_of_a_creation_tells_everything_but_the_contact_address() -> None:
    _, event = domain.merchant.create(
        merchant_id="mer_1",
        display_name="Corner Books",
        country_code=None,
        contact_email="owner@corner-books.example",
        fee_terms=FeePlanTerms(fees=(USD,)),
        settlement_policy=domain.merchant.MANUAL_SETTLEMENT,
        now=MORNING,
    )
    assert event == events.MerchantCreated(
        locale="en",
        public_name=None,
        support_email=None,
        occurred_at=MORNING,
        merchant_id="mer_1",
        aggregate_version=1,
        display_name="Corner Books",
        status=MerchantStatus.CREATED,
        country_code=None,
        fee_plan_version=1,
        fees=(USD,),
        refund_fee_returned=False,
        settlement_policy=domain.merchant.MANUAL_SETTLEMENT,
        default_basis_points=None,
        free=False,
        refund_policy=events.RefundPolicy.ALLOW,
        refund_limits=(),
        payout_hold=False,
        frozen=False,
        closing=False,
    )
    assert "example" not in repr(event)


def test_the_terms_of_refunds_are_told_in_the_order_of_their_currencies() -> None:
    limits = tuple(events.RefundLimit(currency_code=code, limit_minor=5_000) for code in ("USD", "JPY"))
    terms = RefundTerms(refund_policy=events.RefundPolicy.ALLOW, refund_limits=limits)
    changed, event = domain.merchant.update(make(), Profile(refund_terms=terms), etag="v1", now=NOON)
    assert changed.version == 2
    assert event is not None
    assert [limit.currency_code for limit in event.refund_limits] == ["JPY", "USD"]
    refusing = RefundTerms(refund_policy=events.RefundPolicy.REFUSE)
    assert make(refund_terms=refusing).refund_terms == refusing
    with pytest.raises(rules.CurrencyRepeated):
        make(refund_terms=RefundTerms(refund_limits=(limits[0], limits[0])))


def test_another_fee_plan_is_the_next_version_in_force_at_once() -> None:
    cheaper = replace(USD, basis_points=250)
    changed, event = domain.merchant.update(
        make(), Profile(fee_terms=FeePlanTerms(fees=(cheaper,))), etag="v1", now=NOON
    )
    assert changed.fee_plan == FeePlan(
        version=2,
        fees=(cheaper,),
        refund_fee_returned=False,
        default_basis_points=None,
        free=False,
        effective_time=NOON,
    )
    assert (changed.version, changed.etag, changed.create_time, changed.update_time) == (2, "v2", MORNING, NOON)
    assert isinstance(event, events.MerchantUpdated)
    assert (event.aggregate_version, event.fee_plan_version, event.fees) == (2, 2, (cheaper,))


def test_the_same_fee_plan_in_another_order_changes_nothing() -> None:
    merchant = make()
    same = Profile(fee_terms=FeePlanTerms(fees=(JPY, USD), refund_fee_returned=True))
    assert domain.merchant.update(merchant, same, etag="", now=NOON) == (merchant, None)


def test_an_update_leaves_alone_what_it_does_not_name() -> None:
    changed, _ = domain.merchant.update(make(), Profile(display_name="Corner Books and Tea"), etag="", now=NOON)
    assert changed == replace(make(), display_name="Corner Books and Tea", version=2, update_time=NOON)


def test_a_country_can_be_removed() -> None:
    changed, event = domain.merchant.update(
        make(), Profile(country_code=None, country_code_given=True), etag="", now=NOON
    )
    assert changed.country_code is None
    assert event is not None
    assert event.country_code is None


def test_a_change_of_the_contact_address_alone_is_told_without_it() -> None:
    changed, event = domain.merchant.update(
        make(), Profile(contact_email="new@corner-books.example"), etag="", now=NOON
    )
    assert changed.contact_email == "new@corner-books.example"
    assert isinstance(event, events.MerchantUpdated)
    assert "new@" not in repr(event)


def test_a_merchant_goes_from_created_to_active_to_suspended_and_back() -> None:
    active, activated = domain.merchant.activate(make(), etag="v1", now=NOON)
    suspended, stopped = domain.merchant.suspend(active, stated=SUSPECTED, etag="v2", now=NOON)
    again, reactivated = domain.merchant.activate(suspended, etag="v3", now=NOON)
    assert [m.status for m in (active, suspended, again)] == ["ACTIVE", "SUSPENDED", "ACTIVE"]
    assert [m.stated for m in (active, suspended, again)] == [NOT_STATED, SUSPECTED, NOT_STATED]
    assert [type(e) for e in (activated, stopped, reactivated)] == [
        events.MerchantActivated,
        events.MerchantSuspended,
        events.MerchantActivated,
    ]
    assert (again.version, reactivated.aggregate_version if reactivated else 0) == (4, 4)


def test_activating_twice_and_suspending_twice_change_nothing() -> None:
    active, _ = domain.merchant.activate(make(), etag="", now=NOON)
    assert domain.merchant.activate(active, etag="", now=NOON) == (active, None)
    suspended, _ = domain.merchant.suspend(active, stated=SUSPECTED, etag="", now=NOON)
    assert domain.merchant.suspend(suspended, stated=SUSPECTED, etag="", now=NOON) == (suspended, None)


def test_a_merchant_that_was_never_active_cannot_be_suspended() -> None:
    with pytest.raises(domain.merchant.MerchantStateInvalid) as refused:
        domain.merchant.suspend(make(), stated=SUSPECTED, etag="", now=NOON)
    assert refused.value.metadata == {"state": "CREATED", "action": "suspend"}


def test_an_old_etag_is_refused_by_every_change() -> None:
    active, _ = domain.merchant.activate(make(), etag="v1", now=NOON)
    with pytest.raises(EtagMismatch):
        domain.merchant.update(active, Profile(display_name="Other"), etag="v1", now=NOON)
    with pytest.raises(EtagMismatch):
        domain.merchant.activate(active, etag="v1", now=NOON)
    with pytest.raises(EtagMismatch):
        domain.merchant.suspend(active, stated=SUSPECTED, etag="v1", now=NOON)


@pytest.mark.parametrize(
    "address",
    ["a@b.co", "first.last+tag@sub.example.com", "x_y-z@xn--bcher-kva.example", "o'hara@example.ie"],
)
def test_plain_addresses_are_accepted(address: str) -> None:
    assert make(contact_email=address).contact_email == address


@pytest.mark.parametrize(
    "address",
    [
        "owner.example.com",
        "@example.com",
        "a@",
        "a@localhost",
        "a@@example.com",
        "a b@example.com",
        ".a@example.com",
        "a..b@example.com",
        "a@-example.com",
        "a@example.com ",
        "a@example.com\nBcc: b@example.com",
        "Owner <a@example.com>",
        "a@example.c",
        "l" * 65 + "@example.com",
        "a@" + "d" * 63 + "." + "d" * 63 + "." + "d" * 63 + "." + "d" * 63 + ".example",
    ],
)
def test_what_is_not_one_plain_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(EmailInvalid) as refused:
        make(contact_email=address)
    assert refused.value.field == "contact_email"
    assert address not in refused.value.message


def test_blank_and_overlong_names_are_refused() -> None:
    for name in ("", "   ", "n" * 201):
        with pytest.raises(FieldInvalid):
            make(display_name=name)
    assert make(display_name="n" * 200).display_name == "n" * 200


def test_a_fee_in_an_unknown_currency_names_its_field() -> None:
    unknown = FeeRule(currency_code="XYZ", basis_points=1, fixed_minor=0, dispute_fee_minor=0)
    with pytest.raises(CurrencyUnknown) as refused:
        make(fee_terms=FeePlanTerms(fees=(USD, unknown)))
    assert refused.value.field == "fee_plan.fees[1].currency_code"


def test_two_fees_in_one_currency_are_refused() -> None:
    with pytest.raises(rules.CurrencyRepeated) as refused:
        make(fee_terms=FeePlanTerms(fees=(USD, JPY, USD)))
    assert refused.value.field == "fee_plan.fees[2].currency_code"


THRESHOLD = (SettlementThreshold(currency_code="USD", threshold_minor=10_000),)


@pytest.mark.parametrize(
    "accepted",
    [
        policy(),
        policy(schedule=SettlementSchedule.THRESHOLD, thresholds=THRESHOLD),
        daily(),
        daily(thresholds=THRESHOLD, delay_days=2, reserve_basis_points=500, reserve_days=90),
        daily(schedule=SettlementSchedule.WEEKLY, cut_off_weekday=5),
        daily(schedule=SettlementSchedule.MONTHLY, cut_off_month_day=31),
        daily(delay_days=2, business_days=True),
        daily(delay_days=2, business_days=True, calendar="DE-BY"),
        daily(time_zone="America/Argentina/Buenos_Aires"),
        daily(time_zone="Etc/GMT+3"),
    ],
)
def test_a_policy_that_fits_its_schedule_is_accepted(accepted: SettlementPolicy) -> None:
    assert make(settlement_policy=accepted).settlement_policy == accepted


@pytest.mark.parametrize(
    ("refused_policy", "refusal", "field"),
    [
        (policy(cut_off_time="10:00"), rules.SettlementPolicyInvalid, "cut_off_time"),
        (daily(cut_off_time=None), rules.SettlementPolicyInvalid, "cut_off_time"),
        (daily(cut_off_weekday=1), rules.SettlementPolicyInvalid, "cut_off_weekday"),
        (daily(schedule=SettlementSchedule.WEEKLY), rules.SettlementPolicyInvalid, "cut_off_weekday"),
        (daily(cut_off_month_day=1), rules.SettlementPolicyInvalid, "cut_off_month_day"),
        (daily(schedule=SettlementSchedule.MONTHLY), rules.SettlementPolicyInvalid, "cut_off_month_day"),
        (daily(calendar="DE"), rules.SettlementPolicyInvalid, "calendar"),
        (daily(calendar="DE-XX", business_days=True), rules.CalendarUnknown, "calendar"),
        (policy(schedule=SettlementSchedule.THRESHOLD), rules.SettlementPolicyInvalid, "thresholds"),
        (policy(reserve_basis_points=500), rules.SettlementPolicyInvalid, "reserve_days"),
        (policy(reserve_days=30), rules.SettlementPolicyInvalid, "reserve_days"),
        (daily(time_zone="Mars/Olympus"), rules.TimeZoneUnknown, "time_zone"),
        (daily(time_zone="Europe"), rules.TimeZoneUnknown, "time_zone"),
        (daily(time_zone="posixrules"), rules.TimeZoneUnknown, "time_zone"),
        (daily(time_zone="../../etc/passwd"), rules.TimeZoneUnknown, "time_zone"),
        (policy(thresholds=THRESHOLD * 2), rules.CurrencyRepeated, "thresholds[1].currency_code"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(
    refused_policy: SettlementPolicy, refusal: type[DomainError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        make(settlement_policy=refused_policy)
    assert refused.value.field == f"settlement_policy.{field}"


def test_a_restriction_is_told_without_its_reason_and_lifted_again() -> None:
    held, told = restrict(make(), payout_hold=True, reason="fraud suspected", etag="v1")
    frozen, _ = restrict(held, payout_hold=True, frozen=True, closing=True, reason="court order", etag="v2")
    lifted, again = restrict(frozen, reason="court order ended", etag="v3")

    assert held.restrictions == Restrictions(payout_hold=True, **because("fraud suspected"))
    assert isinstance(told, events.MerchantUpdated)
    assert (told.payout_hold, told.frozen, told.closing, told.aggregate_version) == (True, False, False, 2)
    assert "fraud" not in repr(told)
    assert frozen.restrictions == Restrictions(payout_hold=True, frozen=True, closing=True, **because("court order"))
    assert lifted.restrictions == Restrictions(**because("court order ended"))
    assert again is not None
    assert (again.payout_hold, again.frozen, again.closing) == (False, False, False)


def test_the_same_restriction_again_changes_nothing_and_keeps_its_reason() -> None:
    held, _ = restrict(make(), payout_hold=True, reason="fraud suspected")

    assert restrict(held, payout_hold=True, reason="asked again") == (held, None)
    with pytest.raises(EtagMismatch):
        restrict(held, reason="over", etag="v1")


def test_a_restriction_leaves_the_status_alone_and_the_status_the_restriction() -> None:
    frozen, _ = restrict(make(), frozen=True, reason="court order")

    active, told = domain.merchant.activate(frozen, etag="", now=NOON)

    assert (active.status, active.restrictions) == (MerchantStatus.ACTIVE, frozen.restrictions)
    assert told is not None
    assert told.frozen is True


def stated(reason: str) -> StatedReason:
    return StatedReason(stated_reason=reason, stated_by="chief", stated_time=NOON)


def because(reason: str) -> dict[str, Any]:
    return {"restriction_reason": reason, "restricted_by": "chief", "restrict_time": NOON}


def restrict(
    merchant: Merchant,
    *,
    payout_hold: bool = False,
    frozen: bool = False,
    closing: bool = False,
    reason: str,
    etag: str = "",
) -> tuple[Merchant, Event | None]:
    return domain.merchant.restrict(
        merchant, payout_hold=payout_hold, frozen=frozen, closing=closing, stated=stated(reason), etag=etag, now=NOON
    )


def test_what_other_currencies_cost_is_a_part_of_the_plan() -> None:
    made, free_terms = make(), FeePlanTerms(fees=(USD, JPY), free=True)
    free, told = domain.merchant.update(made, Profile(fee_terms=free_terms), etag="", now=NOON)
    priced, told_too = domain.merchant.update(
        free, Profile(fee_terms=FeePlanTerms(fees=(USD, JPY), default_basis_points=350)), etag="", now=NOON
    )

    assert told is not None
    assert told_too is not None
    assert (told.free, told.default_basis_points, told.fee_plan_version) == (True, None, 2)
    assert (told_too.free, told_too.default_basis_points, told_too.fee_plan_version) == (False, 350, 3)
    assert priced.fee_plan.default_basis_points == 350


def test_other_currencies_are_not_both_free_and_priced() -> None:
    terms = FeePlanTerms(free=True, default_basis_points=0)
    with pytest.raises(FieldInvalid) as refused:
        domain.merchant.update(make(), Profile(fee_terms=terms), etag="", now=NOON)
    assert refused.value.field == "fee_plan.free"
