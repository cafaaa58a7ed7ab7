"""Refunds spread over captures, each returning its fee by its own terms, worked out by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paystream.payment.v1 import events
from services.payment.domain import capture, fee, refund, refund_share
from services.payment.domain.capture import Capture
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment, PaymentState
from services.payment.domain.refund import AcceptedRefund, RefundExceedsRefundable
from services.payment.domain.refund_share import RefundShare
from tests.unit.payment.builders import LATER, NOON, PAYMENT_ID, authorized

FIRST, SECOND = "cap_" + "1" * 32, "cap_" + "2" * 32


def taken(capture_id: str, amount_minor: int, fee_minor: int, *, returned: bool, **changes: Any) -> Capture:
    given: dict[str, Any] = {
        "capture_id": capture_id,
        "payment_id": PAYMENT_ID,
        "merchant_id": "mer_1",
        "amount_minor": amount_minor,
        "currency_code": "USD",
        "final": False,
        "state": MovementState.SUCCEEDED,
        "channel_reference": "ch_c",
        "fee_minor": fee_minor,
        "fee_plan_version": 1,
        "refund_fee_returned": returned,
        "create_time": NOON,
        "update_time": NOON,
    }
    return Capture(**given | changes)


def paid_by(captures: list[Capture]) -> Payment:
    """A payment that these captures took."""
    return authorized(
        state=PaymentState.SUCCEEDED,
        captured_minor=sum(each.amount_minor for each in captures),
        fee_minor=sum(each.fee_minor for each in captures),
        capture_id=captures[-1].capture_id,
    )


def give_back(captures: list[Capture], amount_minor: int, *, refund_id: str = "ref_1", **how: Any) -> AcceptedRefund:
    return refund.create(
        paid_by(captures),
        captures,
        refund_id=refund_id,
        amount_minor=amount_minor,
        currency_code="USD",
        reason=events.RefundReason.CUSTOMER_REQUEST,
        now=LATER,
        **how,
    )


@pytest.mark.parametrize(
    ("basis_points", "returned"),
    [((1_000, 1_500), 100), ((1_500, 1_000), 150)],
)
def test_each_capture_returns_its_fee_by_its_own_terms(basis_points: tuple[int, int], returned: int) -> None:
    # The first plan returns its fees, the second does not.
    plans = [CaptureTerms(1, basis_points[0], 0, True), CaptureTerms(2, basis_points[1], 0, False)]  # noqa: FBT003
    captures: list[Capture] = []
    for capture_id, plan in zip((FIRST, SECOND), plans, strict=True):
        cost = fee.capture_fee_minor(
            amount_minor=1_000,
            terms=plan,
            captured_minor=1_000 * len(captures),
            fee_minor=sum(each.fee_minor for each in captures),
        )
        captures.append(taken(capture_id, 1_000, cost, returned=plan.refund_fee_returned))

    accepted = give_back(captures, 2_000)

    assert accepted.refund.fee_returned_minor == returned
    assert [(share.capture_id, share.amount_minor) for share in accepted.shares] == [(FIRST, 1_000), (SECOND, 1_000)]
    assert accepted.refund.capture_id is None


def test_a_refund_takes_the_oldest_capture_first() -> None:
    captures = [taken(FIRST, 1_000, 100, returned=True, refunded_minor=400, fee_returned_minor=40)]
    captures.append(taken(SECOND, 1_000, 150, returned=True))

    within, over = give_back(captures, 600), give_back(captures, 700)

    assert (within.refund.capture_id, within.refund.fee_returned_minor) == (FIRST, 60)
    assert (over.refund.capture_id, over.refund.fee_returned_minor) == (None, 75)
    assert [(share.amount_minor, share.fee_returned_minor) for share in over.shares] == [(600, 60), (100, 15)]
    assert [(held.refunding_minor, held.fee_returning_minor) for held in over.captures] == [(600, 60), (100, 15)]


def test_a_refund_of_a_named_capture_takes_that_alone() -> None:
    captures = [taken(FIRST, 1_000, 100, returned=True), taken(SECOND, 1_000, 150, returned=True)]

    named = give_back(captures, 1_000, of_capture=SECOND)

    assert (named.refund.capture_id, named.refund.fee_returned_minor) == (SECOND, 150)
    with pytest.raises(RefundExceedsRefundable) as refused:
        give_back(captures, 1_001, of_capture=SECOND)
    assert refused.value.metadata["refundable_minor"] == "1000"


def test_what_is_disputed_or_failed_bears_nothing() -> None:
    captures = [
        taken(FIRST, 1_000, 0, returned=False, disputed_minor=1_000),
        taken(SECOND, 1_000, 0, returned=False, state=MovementState.FAILED),
        taken("cap_" + "3" * 32, 1_000, 0, returned=False),
    ]

    shares = refund_share.spread(captures, refund_id="ref_1", amount_minor=1_000, unasked=False)

    assert [share.capture_id for share in shares] == ["cap_" + "3" * 32]


def test_what_paystream_gives_back_returns_its_fee_whatever_the_terms_say() -> None:
    captures = [taken(FIRST, 2_000, 88, returned=False)]

    assert give_back(captures, 2_000).refund.fee_returned_minor == 0
    assert give_back(captures, 2_000, unasked=True).refund.fee_returned_minor == 88
    assert give_back(captures, 500, unasked=True).refund.fee_returned_minor == 22


def test_sixty_refunds_of_1_return_the_fee_of_30() -> None:
    captured, returned = taken(FIRST, 60, 30, returned=True), []
    for number in range(60):
        accepted = give_back([captured], 1, refund_id=f"ref_{number}")
        returned.append(accepted.refund.fee_returned_minor)
        captured = refund_share.pay(accepted.captures[0], accepted.shares[0])

    assert (sum(returned), max(returned)) == (30, 1)
    assert (captured.refunded_minor, captured.fee_returned_minor) == (60, 30)


STEPS = st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.booleans(), st.integers(0, 9)), max_size=40)


@given(steps=STEPS, fee_minor=st.integers(0, 100), returned=st.booleans())
def test_no_course_of_refunds_returns_more_than_a_refund_or_the_fee(
    *, steps: list[Any], fee_minor: int, returned: bool
) -> None:
    captured, live = taken(FIRST, 100, fee_minor, returned=returned), list[RefundShare]()
    for amount_minor, unasked, fails, which in steps:
        for share in refund_share.spread([captured], refund_id="ref", amount_minor=amount_minor, unasked=unasked):
            assert 0 <= share.fee_returned_minor <= share.amount_minor
            captured, live = refund_share.hold(captured, share), [*live, share]
        if live:
            ended = live.pop(which % len(live))
            captured = (refund_share.release if fails else refund_share.pay)(captured, ended)
        assert captured.fee_returned_minor + captured.fee_returning_minor <= fee_minor
    if returned:
        for share in refund_share.spread([captured], refund_id="ref", amount_minor=100, unasked=False):
            captured = refund_share.hold(captured, share)
        assert captured.fee_returned_minor + captured.fee_returning_minor == fee_minor
    assert capture.refundable_minor(captured) >= 0
