"""Captures that bounce, refunds that are out after all or come back, and what of each stands in suspense."""

from dataclasses import replace
from typing import Any

import pytest

from paystream.payment.v1 import events
from services.payment.domain import capture as captures
from services.payment.domain import refund, refund_share
from services.payment.domain.capture import Capture
from services.payment.domain.later import refund_return, reversal
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment, refundable_minor
from services.payment.domain.refund import Refund
from services.payment.domain.refund_share import RefundShare
from tests.unit.payment.builders import ATTEMPT_ID, CAPTURE_ID, LATER, NOON, captured, declined, terms

OF = terms(refund_fee_returned=True)


def charge(payment: Payment) -> Capture:
    found = captures.of_charge(payment)
    assert found is not None
    return found


def refunded(payment: Payment, amount_minor: int) -> tuple[Payment, Refund]:
    """A refund under way."""
    accepted = refund.create(
        payment,
        [charge(payment)],
        refund_id="ref_1",
        amount_minor=amount_minor,
        currency_code="USD",
        reason=events.RefundReason.OTHER,
        now=NOON,
    )
    return accepted.payment, accepted.refund


def failed(payment: Payment, amount_minor: int) -> tuple[Payment, Refund]:
    after, made, _ = refund.fail(*refunded(payment, amount_minor), declined("x"), now=LATER)
    return after, made


def done_late(payment: Payment, made: Refund, amount_minor: int) -> tuple[Payment, Refund, Any]:
    backed = refund_share.backed(refund.shares_of(made, []), [charge(payment)], amount_minor)
    return refund.succeed_late(
        payment, made, backed, attempt_id=ATTEMPT_ID, channel_reference="ch_r", amount_minor=amount_minor, now=LATER
    )


def test_a_refund_out_after_all_is_borne_by_what_is_left() -> None:
    after, done, event = done_late(*failed(captured(OF), 2_500), 2_500)

    # 2,500 of 10,000 return 80 of the fee of 320.
    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (2_500, 0, 80)
    assert (done.state, done.suspense_minor, done.failure_reason) == ("SUCCEEDED", 0, None)
    assert (event.amount_minor, event.suspense_minor, event.fee_returned_minor) == (2_500, 0, 80)
    assert refundable_minor(after) == 7_500


def test_what_is_not_left_stands_in_suspense_and_counts_as_out() -> None:
    before, made = failed(captured(OF), 8_000)
    spent = replace(before, refunded_minor=6_000, fee_returned_minor=192)

    after, done, event = done_late(spent, made, 8_000)

    # 4,000 of 8,000 are left; they return half of the 256 that the refund was to return.
    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (14_000, 4_000, 320)
    assert (done.suspense_minor, event.suspense_minor, event.fee_returned_minor) == (4_000, 4_000, 128)
    assert refundable_minor(after) == 0


def test_a_refund_out_after_all_returns_no_more_of_the_fee_than_is_left() -> None:
    before, made = failed(captured(OF, amount_minor=1_000), 500)
    # Of the fee of 59 another refund of 500 has returned 30, as 29.5 goes up; the one that failed was to do the same.
    spent = replace(before, refunded_minor=500, fee_returned_minor=30)

    after, done, event = done_late(spent, made, 500)

    assert (made.fee_returned_minor, done.fee_returned_minor, event.fee_returned_minor) == (30, 29, 29)
    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (1_000, 0, 59)


def test_a_refund_out_after_all_leaves_refunds_under_way_their_part_of_the_fee() -> None:
    before, made = failed(captured(OF, amount_minor=1_000), 500)

    after, _, event = done_late(replace(before, refunding_minor=500, fee_returning_minor=30), made, 500)

    assert (event.fee_returned_minor, after.fee_returned_minor, after.fee_returning_minor) == (29, 29, 30)


def test_a_refund_that_came_back_turns_over_what_it_did() -> None:
    before, done, _ = done_late(
        replace(failed(captured(OF), 8_000)[0], refunded_minor=6_000), failed(captured(OF), 8_000)[1], 8_000
    )
    shares = refund.shares_of(done, [])

    after, back, event = refund_return.send_back(
        before, done, shares, attempt_id=ATTEMPT_ID, amount_minor=8_000, code="gone", now=LATER
    )

    assert (after.refunded_minor, after.unbacked_minor, after.fee_returned_minor) == (6_000, 0, 0)
    assert (back.state, back.returned_minor) == ("RETURNED", 8_000)
    assert (event.amount_minor, event.suspense_minor, event.fee_minor, event.failure_code) == (
        8_000,
        4_000,
        128,
        "gone",
    )


def test_of_a_part_that_came_back_suspense_has_its_own_first() -> None:
    shares = [RefundShare(refund_id="ref_1", capture_id=CAPTURE_ID, amount_minor=4_000, fee_returned_minor=128)]
    _, made = refunded(captured(OF), 8_000)
    done = replace(made, state=MovementState.SUCCEEDED, channel_reference="ch_r", suspense_minor=4_000)

    assert refund_return.kept_shares(done, shares, 3_000) == shares
    [kept] = refund_return.kept_shares(done, shares, 5_000)
    assert (kept.amount_minor, kept.fee_returned_minor) == (3_000, 96)
    [taken] = refund_share.differences(shares, [kept])
    assert (taken.amount_minor, taken.fee_returned_minor) == (1_000, 32)


@pytest.mark.parametrize(
    ("amount_minor", "fee_minor"),
    [(10_000, 320), (2_500, 80), (1, 0)],
)
def test_a_bounce_returns_the_fee_of_what_bounced(amount_minor: int, fee_minor: int) -> None:
    before = captured(OF)

    after, capture, event = reversal.reverse(
        before, charge(before), attempt_id=ATTEMPT_ID, amount_minor=amount_minor, code=None, now=LATER
    )

    assert (after.reversed_minor, after.fee_returned_minor, after.captured_minor) == (amount_minor, fee_minor, 10_000)
    assert (capture.reversed_minor, captures.refundable_minor(capture)) == (amount_minor, 10_000 - amount_minor)
    assert (event.amount_minor, event.fee_returned_minor, event.capture_id) == (amount_minor, fee_minor, CAPTURE_ID)


def test_a_bounce_returns_no_fee_twice_and_leaves_nothing_to_refund() -> None:
    before = replace(captured(OF), refunded_minor=4_000, fee_returned_minor=128, refunding_minor=1_000)
    before = replace(before, fee_returning_minor=32)

    after, _, event = reversal.reverse(
        before, charge(before), attempt_id=ATTEMPT_ID, amount_minor=10_000, code=None, now=LATER
    )

    assert (event.fee_returned_minor, refundable_minor(after)) == (160, 0)


@pytest.mark.parametrize(("bounced_minor", "amount_minor", "fee_minor"), [(5_000, 5_000, 160), (2_500, 5_000, 160)])
def test_a_refund_of_what_a_bounce_left_returns_the_fee_of_that(
    bounced_minor: int, amount_minor: int, fee_minor: int
) -> None:
    before = captured(OF)
    after, _, _ = reversal.reverse(
        before, charge(before), attempt_id=ATTEMPT_ID, amount_minor=bounced_minor, code=None, now=LATER
    )

    held, made = refunded(after, amount_minor)

    # 5,000 of 10,000 return half of the fee of 320, whatever bounced before.
    assert (made.fee_returned_minor, held.fee_returning_minor) == (fee_minor, fee_minor)
    assert held.fee_returned_minor == bounced_minor * 320 // 10_000


def test_what_paystream_gives_back_after_a_bounce_returns_the_rest_of_the_fee() -> None:
    before = captured(terms(refund_fee_returned=False), amount_minor=1_000)
    after, capture, _ = reversal.reverse(
        before, charge(before), attempt_id=ATTEMPT_ID, amount_minor=333, code=None, now=LATER
    )

    [share] = refund_share.spread([capture], refund_id="ref_1", amount_minor=667, unasked=True)

    # Of 59 for 1,000 it is 19.647 for 333 and 39.353 for 667.
    assert (after.fee_returned_minor, share.fee_returned_minor) == (20, 39)


def test_of_what_came_back_no_fee_is_charged_again_where_all_of_the_capture_bounced() -> None:
    shares = [RefundShare(refund_id="ref_1", capture_id=CAPTURE_ID, amount_minor=4_000, fee_returned_minor=128)]
    in_part, whole = (
        replace(charge(captured(OF)), reversed_minor=reversed_minor) for reversed_minor in (5_000, 10_000)
    )

    assert refund_share.charged_again(shares, [in_part]) == shares
    assert [share.fee_returned_minor for share in refund_share.charged_again(shares, [whole])] == [0]
