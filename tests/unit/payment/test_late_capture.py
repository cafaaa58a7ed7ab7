"""Money that came late: received, given back again and again, gone, or taken for the merchant."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import IllegalTransition
from paystream.payment.v1 import events
from services.payment.domain import authorization
from services.payment.domain.capture import CaptureExceedsCapturable
from services.payment.domain.later import late_capture
from services.payment.domain.later.late_capture import (
    REFUND_PAUSE_MAX_S,
    REFUNDS_MAX,
    LateCapture,
    LateCaptureAction,
    LateCaptureState,
)
from services.payment.domain.payment import Payment, PaymentState
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, PAYMENT_ID, REFUND_ID, authorized, payment, terms

# Rows: the state; columns: GIVE_BACK RETURN ACCEPT COME_BACK; "-" is illegal.
TABLE = """
HELD      HELD  RETURNED  ACCEPTED  -
RETURNED  -     -         -         HELD
ACCEPTED  -     -         -         -
"""
ACTIONS = ["GIVE_BACK", "RETURN", "ACCEPT", "COME_BACK"]


def late(**changes: Any) -> LateCapture:
    given: dict[str, Any] = {
        "capture_id": "cap_late",
        "payment_id": PAYMENT_ID,
        "attempt_id": ATTEMPT_ID,
        "contradiction_id": "ctr_1",
        "amount_minor": 4_000,
        "currency_code": "USD",
        "late_reason": events.LateReason.AFTER_FAILURE,
        "channel_reference": "ch_late",
        "original_reference": "ch_late",
        "create_time": NOON,
        "update_time": NOON,
    }
    return LateCapture(**given | changes)


def accept(before: Payment, **changes: Any) -> Any:
    return late_capture.accept(before, late(**changes), terms=terms(), order_returned_minor=0, now=LATER)


def test_every_action_in_every_state() -> None:
    table = {
        (row[0], action): after
        for row in (line.split() for line in TABLE.strip().splitlines())
        for action, after in zip(ACTIONS, row[1:], strict=True)
    }
    assert set(table) == set(itertools.product(LateCaptureState, LateCaptureAction))
    assert {pair: after for pair, after in table.items() if after != "-"} == late_capture.TRANSITIONS


def test_it_is_told_and_counts_neither_as_captured_nor_as_refunded() -> None:
    failed = payment(state=PaymentState.FAILED)

    received, told = late_capture.receive(failed, late(), now=LATER)
    returning, tried, refund, created = late_capture.give_back(
        received, late(), refund_id=REFUND_ID, amount_minor=4_000, now=LATER
    )

    assert (told.amount_minor, told.late_reason, told.capture_id) == (4_000, "AFTER_FAILURE", "cap_late")
    assert (returning.captured_minor, returning.refunding_minor, returning.aggregate_version) == (0, 0, 3)
    assert (tried.refunding, tried.refund_count, tried.retry_time) == (True, 1, None)
    assert (refund.late_capture_id, refund.amount_minor, created.reason) == ("cap_late", 4_000, "CONTRADICTION")
    with pytest.raises(IllegalTransition) as refused:
        late_capture.give_back(returning, tried, refund_id=REFUND_ID, amount_minor=4_000, now=LATER)
    assert refused.value.metadata == {"state": "REFUNDING", "action": "GIVE_BACK"}


@pytest.mark.parametrize(
    ("refund_count", "pause_s"),
    [(1, 2), (2, 4), (3, 8), (13, 8_192), (14, 16_384), (15, REFUND_PAUSE_MAX_S), (99, 21_600)],
)
def test_pauses_grow_to_a_bound(refund_count: int, pause_s: int) -> None:
    assert late_capture.pause(refund_count) == timedelta(seconds=pause_s)


def test_a_refund_in_vain_is_followed_by_another_until_people_are_waited_for() -> None:
    tried = late(refunding=True, refund_count=3)
    last = late(refunding=True, refund_count=REFUNDS_MAX)

    assert late_capture.wait(tried, now=LATER).retry_time == LATER + timedelta(seconds=8)
    assert (late_capture.wait(last, now=LATER).retry_time, late_capture.wait(last, now=LATER).refunding) == (
        None,
        False,
    )
    assert late_capture.start_over(last, now=LATER).refund_count == 0


def test_a_refund_that_came_back_has_it_held_and_tried_again() -> None:
    back = late_capture.come_back(
        late(state=LateCaptureState.RETURNED, refund_count=1), contradiction_id="ctr_2", now=LATER
    )

    assert (back.state, back.contradiction_id) == ("HELD", "ctr_2")
    assert back.retry_time == LATER + timedelta(seconds=2)


def test_two_people_may_take_it_for_a_payment_that_had_failed() -> None:
    failed = payment(state=PaymentState.FAILED, failure_reason=events.FailureReason.DECLINED, failure_code="x")

    after, accepted, capture, told, success = accept(failed)

    # 2.9 % of 4,000 and 30.
    assert (after.state, after.captured_minor, after.fee_minor, after.failure_reason) == ("SUCCEEDED", 4_000, 146, None)
    assert (accepted.state, capture.amount_minor, capture.fee_minor) == ("ACCEPTED", 4_000, 146)
    assert told.capture_id == success.capture_id == "cap_late"
    assert (told.aggregate_version, success.aggregate_version) == (2, 3)


def test_of_an_authorization_what_was_given_up_is_given_up_less() -> None:
    cancelled = authorized(
        state=PaymentState.CANCELLED, cancelled_minor=10_000, cancel_reason=events.CancelReason.REQUESTED
    )

    after, *_ = accept(cancelled)

    assert (after.state, after.captured_minor, after.cancelled_minor) == ("SUCCEEDED", 4_000, 6_000)
    assert after.cancel_reason is events.CancelReason.REQUESTED


def test_of_a_charge_that_was_called_off_nothing_is_given_up_any_more() -> None:
    called_off = payment(
        state=PaymentState.CANCELLED, cancelled_minor=10_000, cancel_reason=events.CancelReason.REQUESTED
    )

    after, *_ = accept(called_off)

    assert (after.state, after.captured_minor, after.cancelled_minor) == ("SUCCEEDED", 4_000, 0)
    assert after.cancel_reason is None


@pytest.mark.parametrize(
    ("before", "cancelled_minor"),
    [
        # 8,000 of 10,000 were authorized: with the 4,000, 4,000 of them are not captured.
        ({"authorized_minor": 8_000, "cancelled_minor": 8_000}, 4_000),
        ({"authorized_minor": 4_000, "cancelled_minor": 4_000}, 0),
        # What bounced cannot be captured again: 6,000 and 4,000 are all that was authorized.
        ({"captured_minor": 6_000, "reversed_minor": 6_000, "cancelled_minor": 4_000}, 0),
        # A void under way holds 1,000: of 9,000, 4,000 and the 3,000 captured leave 2,000.
        ({"captured_minor": 3_000, "cancelling_minor": 1_000, "cancelled_minor": 6_000}, 2_000),
    ],
)
def test_no_more_stays_given_up_than_was_authorized_and_is_not_captured(
    before: dict[str, Any], cancelled_minor: int
) -> None:
    state = PaymentState.SUCCEEDED if "captured_minor" in before else PaymentState.CANCELLED
    given_up = authorized(state=state, cancel_reason=events.CancelReason.REQUESTED, **before)

    after, *_ = accept(given_up)

    assert after.cancelled_minor == cancelled_minor
    assert authorization.uncaptured_minor(after) == after.cancelling_minor


@pytest.mark.parametrize(
    ("before", "left_minor"),
    [
        (payment(state=PaymentState.SUCCEEDED, captured_minor=6_001), 3_999),
        (authorized(capturing_minor=6_001), 3_999),
        (authorized(authorized_minor=3_000), 3_000),
    ],
)
def test_more_than_there_is_room_for_is_not_taken(before: Payment, left_minor: int) -> None:
    with pytest.raises(CaptureExceedsCapturable) as refused:
        accept(before)
    assert refused.value.metadata["capturable_minor"] == str(left_minor)


def test_what_bounced_before_leaves_room() -> None:
    after, *_ = accept(payment(state=PaymentState.SUCCEEDED, captured_minor=10_000, reversed_minor=10_000))

    assert (after.captured_minor, after.reversed_minor) == (14_000, 10_000)
