"""What is authorized, what is left of it, and how that is given up."""

from datetime import timedelta

import pytest

from paykit.errors import DomainError
from paystream.payment.v1 import events
from services.payment.domain import authorization
from services.payment.domain.payment import CaptureMode, Payment, PaymentState
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, PAYMENT_ID, authorized, captured, payment, terms

WEEK = NOON + timedelta(days=7)
REASON = events.CancelReason


def test_an_authorization_reserves_the_amount_until_it_expires_and_says_so() -> None:
    after, event = authorize(payment(capture_mode=CaptureMode.MANUAL))

    assert (after.state, after.authorized_minor, after.captured_minor, after.expire_time) == (
        *("AUTHORIZED", 10_000, 0),
        WEEK,
    )
    assert authorization.capturable_minor(after) == 10_000
    assert event == events.PaymentAuthorized(
        attempt_id=ATTEMPT_ID,
        created_at=NOON,
        attempt_count=1,
        occurred_at=LATER,
        merchant_id="mer_" + "5" * 32,
        correlation_id="cor_1",
        aggregate_version=2,
        payment_id=PAYMENT_ID,
        order_id=None,
        merchant_reference="order-77",
        amount_minor=10_000,
        currency_code="USD",
        method=events.PaymentMethod.CARD,
        channel="simulator",
        channel_reference="ch_auth",
        expires_at=WEEK,
    )


def test_what_is_to_be_given_up_already_is_released_as_soon_as_it_is_authorized() -> None:
    after, _ = authorize(payment(capture_mode=CaptureMode.MANUAL, cancel_reason=REASON.ORDER_CLOSED))

    assert (after.expire_time, authorization.capturable_minor(after)) == (None, 0)
    assert authorization.void_minor(after) == 10_000


# Whether CancelPayment is possible: the payment, then the reason and metadata that it is refused with.
CANCELLED = authorized(state=PaymentState.CANCELLED, cancelled_minor=10_000, cancel_reason=REASON.REQUESTED)
ASKED: list[tuple[Payment, str, dict[str, str]]] = [
    (authorized(), "", {}),
    (authorized(state=PaymentState.SUCCEEDED, captured_minor=4_000), "", {}),
    (authorized(cancel_reason=REASON.ORDER_CLOSED), "", {}),
    (
        authorized(capturing_minor=4_000),
        "CAPTURE_IN_PROGRESS",
        {"capturing_minor": "4000", "currency_code": "USD"},
    ),
    (
        authorized(cancelling_minor=10_000, cancel_reason=REASON.REQUESTED),
        "ILLEGAL_TRANSITION",
        {"state": "AUTHORIZED", "action": "CANCEL"},
    ),
    (
        authorized(state=PaymentState.SUCCEEDED, captured_minor=10_000),
        "ILLEGAL_TRANSITION",
        {"state": "SUCCEEDED", "action": "CANCEL"},
    ),
    (captured(terms()), "ILLEGAL_TRANSITION", {"state": "SUCCEEDED", "action": "CANCEL"}),
    (CANCELLED, "ILLEGAL_TRANSITION", {"state": "CANCELLED", "action": "CANCEL"}),
    (payment(state=PaymentState.FAILED), "ILLEGAL_TRANSITION", {"state": "FAILED", "action": "CANCEL"}),
    (payment(state=PaymentState.UNKNOWN), "ILLEGAL_TRANSITION", {"state": "UNKNOWN", "action": "CANCEL"}),
]


@pytest.mark.parametrize(("before", "reason", "metadata"), ASKED)
def test_what_is_left_can_be_given_up_while_nothing_is_under_way(
    before: Payment, reason: str, metadata: dict[str, str]
) -> None:
    if not reason:
        authorization.require_cancellable(before)
        return
    with pytest.raises(DomainError) as refused:
        authorization.require_cancellable(before)
    assert (refused.value.reason, refused.value.metadata) == (reason, metadata)


def test_a_void_gives_up_what_was_not_captured_and_says_so() -> None:
    before = authorized(state=PaymentState.SUCCEEDED, captured_minor=4_000)
    asked = authorization.intend_cancel(before, reason=REASON.REQUESTED, now=LATER)
    started = authorization.start_void(asked, now=LATER)

    after, event = authorization.void(started, now=LATER)

    assert (asked.expire_time, started.cancelling_minor, started.aggregate_version) == (WEEK, 6_000, 2)
    assert (after.state, after.captured_minor, after.cancelled_minor, after.cancelling_minor) == (
        *("SUCCEEDED", 4_000, 6_000),
        0,
    )
    assert (after.expire_time, authorization.uncaptured_minor(after), after.aggregate_version) == (None, 0, 3)
    assert (event.captured_minor, event.cancelled_minor, event.reason) == (4_000, 6_000, "REQUESTED")
    assert (event.amount_minor, event.channel_reference, event.aggregate_version) == (10_000, "ch_auth", 3)


def test_a_payment_of_which_nothing_was_captured_is_cancelled_by_its_void() -> None:
    started = authorized(cancel_reason=REASON.AUTHORIZATION_EXPIRED, cancelling_minor=10_000, expire_time=None)

    after, event = authorization.void(started, now=LATER)

    assert (after.state, after.cancelled_minor, event.reason) == ("CANCELLED", 10_000, "AUTHORIZATION_EXPIRED")


def test_a_payment_that_was_not_sent_is_cancelled_in_full() -> None:
    after, event = authorization.cancel_unsent(payment(), reason=REASON.ORDER_CLOSED, now=LATER)

    assert (after.state, after.cancelled_minor, after.cancel_reason) == ("CANCELLED", 10_000, "ORDER_CLOSED")
    assert (event.captured_minor, event.cancelled_minor, event.channel_reference) == (0, 10_000, None)


@pytest.mark.parametrize(
    ("before", "void_minor"),
    [
        (authorized(), 0),
        (authorized(cancel_reason=REASON.REQUESTED), 10_000),
        (authorized(cancel_reason=REASON.REQUESTED, capturing_minor=1), 0),
        (authorized(cancel_reason=REASON.REQUESTED, cancelling_minor=10_000), 0),
        (authorized(cancel_reason=REASON.REQUESTED, state=PaymentState.SUCCEEDED, captured_minor=9_999), 1),
        (payment(capture_mode=CaptureMode.MANUAL, cancel_reason=REASON.ORDER_CLOSED), 0),
    ],
)
def test_a_void_waits_until_it_is_wanted_and_nothing_else_is_under_way(before: Payment, void_minor: int) -> None:
    assert authorization.void_minor(before) == void_minor


def test_what_a_caller_asked_for_can_be_asked_for_again_after_a_refused_void() -> None:
    before = authorized(cancel_reason=REASON.REQUESTED, cancelling_minor=10_000)

    after = authorization.fail_void(before, retry_time=LATER, now=LATER)

    assert (after.cancelling_minor, after.cancel_reason, after.expire_time) == (0, None, WEEK)
    assert authorization.capturable_minor(after) == 10_000


def test_what_paystream_decided_is_tried_again_after_a_refused_void() -> None:
    before = authorized(cancel_reason=REASON.ORDER_CLOSED, cancelling_minor=10_000, expire_time=None)

    after = authorization.fail_void(before, retry_time=LATER, now=LATER)

    assert (after.cancelling_minor, after.cancel_reason, after.expire_time) == (0, "ORDER_CLOSED", LATER)
    assert authorization.capturable_minor(after) == 0


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (REASON.REQUESTED, REASON.ORDER_CLOSED, "ORDER_CLOSED"),
        (REASON.ORDER_CLOSED, REASON.REQUESTED, "ORDER_CLOSED"),
        (REASON.ORDER_CLOSED, REASON.AUTHORIZATION_EXPIRED, "ORDER_CLOSED"),
        (REASON.REQUESTED, REASON.REQUESTED, "REQUESTED"),
    ],
)
def test_what_paystream_decided_stands_above_what_a_caller_asked_for(first: REASON, second: REASON, kept: str) -> None:
    once = authorization.intend_cancel(authorized(), reason=first, now=LATER)

    assert authorization.intend_cancel(once, reason=second, now=LATER).cancel_reason == kept


def authorize(before: Payment) -> tuple[Payment, events.PaymentAuthorized]:
    return authorization.authorize(
        before, attempt_id=ATTEMPT_ID, channel_reference="ch_auth", amount_minor=10_000, expire_time=WEEK, now=LATER
    )
