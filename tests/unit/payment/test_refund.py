"""What can be refunded, what a refund holds, and what it gives back when it fails."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import CurrencyMismatch, DomainError, IllegalTransition
from paystream.payment.v1 import events
from services.payment.domain import capture, movement, refund
from services.payment.domain import payment as domain
from services.payment.domain.payment import Payment, PaymentState
from services.payment.domain.refund import Refund, RefundExceedsRefundable
from tests.unit.payment.builders import (
    ATTEMPT_ID,
    CAPTURE_ID,
    LATER,
    PAYMENT_ID,
    REFUND_ID,
    captured,
    declined,
    payment,
    terms,
)


def make(
    of: Payment, amount_minor: int = 2_500, currency_code: str = "USD", refund_id: str = REFUND_ID
) -> tuple[Payment, Refund, events.RefundCreated]:
    charged = capture.of_charge(of)
    accepted = refund.create(
        of,
        [charged] if charged else [],
        refund_id=refund_id,
        amount_minor=amount_minor,
        currency_code=currency_code,
        reason=events.RefundReason.DUPLICATE,
        now=LATER,
    )
    return accepted.payment, accepted.refund, accepted.event


def held(of: Payment) -> tuple[int, int, int, int]:
    return of.refunding_minor, of.refunded_minor, of.fee_returning_minor, of.fee_returned_minor


def test_a_refund_holds_its_amount_and_its_part_of_the_fee() -> None:
    after, made, event = make(captured(terms(refund_fee_returned=True)))

    assert held(after) == (2_500, 0, 80, 0)  # A quarter of the fee of 320.
    assert (made.state, made.fee_returned_minor, made.capture_id) == ("CREATED", 80, CAPTURE_ID)
    assert domain.refundable_minor(after) == 7_500
    assert event == events.RefundCreated(
        automatic=False,
        occurred_at=LATER,
        merchant_id="mer_" + "5" * 32,
        correlation_id="cor_1",
        aggregate_version=3,
        refund_id=REFUND_ID,
        payment_id=PAYMENT_ID,
        capture_id=CAPTURE_ID,
        order_id=None,
        merchant_reference="order-77",
        amount_minor=2_500,
        currency_code="USD",
        fee_returned_minor=80,
        reason=events.RefundReason.DUPLICATE,
        channel="simulator",
        channel_reference=None,
    )


def test_a_plan_that_returns_no_fee_keeps_it() -> None:
    after, made, _ = make(captured(terms()), 10_000)

    assert (held(after), made.fee_returned_minor) == ((10_000, 0, 0, 0), 0)


def test_a_refund_that_succeeds_becomes_refunded() -> None:
    before, made, _ = make(captured(terms(refund_fee_returned=True)))

    after, ended, event = pay(before, made)

    assert held(after) == (0, 2_500, 0, 80)
    assert (ended.state, ended.channel_reference) == ("SUCCEEDED", "ch_r")
    assert (event.amount_minor, event.fee_returned_minor, event.channel_reference) == (2_500, 80, "ch_r")
    assert event.aggregate_version == 4


def test_a_refund_that_fails_can_be_asked_for_again() -> None:
    before, made, _ = make(captured(terms(refund_fee_returned=True)), 10_000)

    after, ended, event = refund.fail(before, made, declined("do_not_honor"), now=LATER)

    assert (held(after), domain.refundable_minor(after)) == ((0, 0, 0, 0), 10_000)
    assert (ended.state, ended.failure_reason) == ("FAILED", "DECLINED")
    assert (event.failure_reason, event.failure_code) == ("DECLINED", "do_not_honor")


def test_a_refund_without_an_answer_counts_as_spent() -> None:
    before, made, _ = make(captured(terms()), 9_000)
    unknown = movement.lose_answer(made, now=LATER)

    assert unknown.state == "UNKNOWN"
    with pytest.raises(RefundExceedsRefundable) as refused:
        make(before, 1_001)
    assert refused.value.metadata == {"refundable_minor": "1000", "currency_code": "USD"}
    assert refused.value.field == "amount.amount_minor"


def test_a_disputed_amount_cannot_be_refunded() -> None:
    with pytest.raises(RefundExceedsRefundable) as refused:
        make(captured(terms(), disputed_minor=9_999), 2)
    assert refused.value.metadata["refundable_minor"] == "1"


@pytest.mark.parametrize("state", [s for s in PaymentState if s is not PaymentState.SUCCEEDED])
def test_only_a_captured_payment_is_refunded(state: PaymentState) -> None:
    with pytest.raises(IllegalTransition) as refused:
        make(payment(state=state))
    assert refused.value.metadata == {"state": state, "action": "REFUND"}


def test_a_refund_is_in_the_currency_of_the_payment() -> None:
    with pytest.raises(CurrencyMismatch) as refused:
        make(captured(terms()), currency_code="JPY")
    assert refused.value.field == "amount.currency_code"


def test_a_capture_that_was_never_booked_goes_back_beside_the_books() -> None:
    failed = payment(state=PaymentState.FAILED, aggregate_version=3)

    before, made, created = refund.give_back(
        failed, refund_id=REFUND_ID, amount_minor=10_000, late_capture_id="cap_late", now=LATER
    )
    after, paid, succeeded = pay(before, made)

    assert (held(before), held(after), after.state) == ((0, 0, 0, 0), (0, 0, 0, 0), "FAILED")
    assert (created.reason, created.capture_id, created.amount_minor) == ("CONTRADICTION", None, 10_000)
    assert (created.aggregate_version, succeeded.aggregate_version) == (4, 5)
    assert (paid.suspense_minor, succeeded.suspense_minor, domain.refundable_minor(after)) == (10_000, 10_000, 0)


STEPS = st.lists(
    st.tuples(st.integers(1, 400), st.sampled_from(["leave", "succeed", "fail"]), st.integers(0, 30)), max_size=30
)


@given(steps=STEPS, basis_points=st.integers(0, 10_000))
def test_no_course_of_refunds_gives_back_more_than_was_taken(steps: list[Any], basis_points: int) -> None:
    now = captured(terms(basis_points, 0, refund_fee_returned=True), amount_minor=1_000)
    live: list[Refund] = []
    done: list[Refund] = []
    for number, (amount_minor, fate, which) in enumerate(steps):
        try:
            now, made, _ = make(now, amount_minor, refund_id=f"ref_{number}")
            live.append(made)
        except DomainError:
            assert amount_minor > domain.refundable_minor(now)
        if fate != "leave" and live:
            ended = live.pop(which % len(live))
            now = settle(now, ended, succeeds=fate == "succeed")
            done += [ended] if fate == "succeed" else []

    assert now.refunding_minor == sum(r.amount_minor for r in live)
    assert now.refunded_minor == sum(r.amount_minor for r in done)
    assert now.refunded_minor + now.refunding_minor <= 1_000
    assert now.fee_returning_minor == sum(r.fee_returned_minor for r in live)
    assert now.fee_returned_minor == sum(r.fee_returned_minor for r in done)
    assert now.fee_returned_minor + now.fee_returning_minor <= now.fee_minor


def pay(of: Payment, made: Refund) -> tuple[Payment, Refund, events.RefundSuccess]:
    """Have a refund succeed in full, borne as it was held."""
    shares = refund.shares_of(made, []) if made.late_capture_id is None else []
    return refund.succeed(
        of, made, shares, attempt_id=ATTEMPT_ID, channel_reference="ch_r", amount_minor=made.amount_minor, now=LATER
    )


def settle(of: Payment, made: Refund, *, succeeds: bool) -> Payment:
    if succeeds:
        return pay(of, made)[0]
    return refund.fail(of, made, declined(None), now=LATER)[0]


@given(cuts=st.sets(st.integers(1, 999), max_size=12), basis_points=st.integers(0, 10_000))
def test_refunds_of_everything_return_the_whole_fee(cuts: set[int], basis_points: int) -> None:
    now = captured(terms(basis_points, 0, refund_fee_returned=True), amount_minor=1_000)
    edges = [0, *sorted(cuts), 1_000]
    for low, high in itertools.pairwise(edges):
        now, made, _ = make(now, high - low)
        now = settle(now, made, succeeds=True)

    assert (now.refunded_minor, now.fee_returned_minor) == (1_000, now.fee_minor)
