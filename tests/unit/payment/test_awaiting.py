"""A payment that waits for its payer: what it shows, until when, and how it is called off."""

from datetime import timedelta
from typing import Any

import pytest

from paykit.channels.actions import next_action as next_actions
from paykit.channels.actions.next_action import NextAction, NextActionKind
from paykit.errors import InvariantError
from paystream.payment.v1 import events
from services.payment.domain import authorization, payer_action
from services.payment.domain import payment as domain
from services.payment.domain.attempt import Failure
from services.payment.domain.authorization import etag, has_outcome, is_concluded, void_minor
from services.payment.domain.payer_action import NOTHING_TO_DO, CallingOff, PayerAction
from services.payment.domain.payment import CaptureMode, Payment, PaymentState
from services.payment.domain.unanswered import awaiting, lost_answer
from tests.unit.payment.builders import ATTEMPT_ID, CAPTURE_ID, LATER, NOON, PAYMENT_ID, payment, terms

HOUR = timedelta(hours=1)
REDIRECT = NextAction(kind=NextActionKind.REDIRECT_TO_URL, url="https://bank.example/3ds")
REQUESTED, EXPIRED = events.CancelReason.REQUESTED, events.CancelReason.ACTION_EXPIRED
ORDER_CLOSED = events.CancelReason.ORDER_CLOSED
REFUSED = Failure(
    reason=events.FailureReason.AUTHENTICATION_FAILED,
    code="authentication_failed",
    channel_reference=None,
    attempt_id=ATTEMPT_ID,
)


def required(before: Payment, action: NextAction = REDIRECT) -> tuple[Payment, events.PaymentActionRequired]:
    return awaiting.require_action(before, action, attempt_id=ATTEMPT_ID, channel_reference="ch_1", ttl=HOUR, now=LATER)


def waiting(**changes: Any) -> Payment:
    return required(payment(**changes))[0]


def called_off(reason: events.CancelReason, **changes: Any) -> Payment:
    return awaiting.call_off(waiting(**changes), reason=reason, now=LATER)


def authorized(before: Payment) -> Payment:
    after, _ = authorization.authorize(
        before,
        attempt_id=ATTEMPT_ID,
        channel_reference="ch_1",
        amount_minor=10_000,
        expire_time=LATER + 24 * HOUR,
        now=LATER,
    )
    return after


def test_a_required_action_is_shown_and_its_secrets_are_not_told() -> None:
    after, event = required(payment(order_id="ord_" + "6" * 32))

    assert (after.state, after.aggregate_version, after.channel_reference) == ("REQUIRES_ACTION", 2, "ch_1")
    assert payer_action.shown(after.payer_action) == REDIRECT
    assert after.payer_action.action_expire_time == LATER + HOUR
    assert event == events.PaymentActionRequired(
        occurred_at=LATER,
        merchant_id="mer_" + "5" * 32,
        correlation_id="cor_1",
        aggregate_version=2,
        payment_id=PAYMENT_ID,
        order_id="ord_" + "6" * 32,
        merchant_reference="order-77",
        amount_minor=10_000,
        currency_code="USD",
        method=events.PaymentMethod.CARD,
        channel="simulator",
        channel_reference="ch_1",
        attempt_id=ATTEMPT_ID,
        next_action=events.NextActionKind.REDIRECT_TO_URL,
        expires_at=LATER + HOUR,
        created_at=NOON,
    )
    assert "bank.example" not in repr(after)


def test_each_kind_of_action_is_a_word_of_the_events() -> None:
    assert {kind.value for kind in NextActionKind} | {"UNKNOWN"} == {kind.value for kind in events.NextActionKind}


@pytest.mark.parametrize(
    ("before", "told", "until"),
    [
        (None, None, LATER + HOUR),
        (None, LATER + 3 * HOUR, LATER + 3 * HOUR),
        (None, LATER + timedelta(days=31), LATER + timedelta(days=30)),
        # The next step of the same payer: its time runs on, unless the channel gives it another.
        (LATER + timedelta(minutes=9), None, LATER + timedelta(minutes=9)),
        (LATER + timedelta(minutes=9), LATER + 2 * HOUR, LATER + 2 * HOUR),
    ],
)
def test_the_payer_has_as_long_as_the_channel_says_else_as_the_settings_say(before: Any, told: Any, until: Any) -> None:
    action = NextAction(kind=NextActionKind.DISPLAY_QR_CODE, code="00020126", expire_time=told)
    after = payer_action.required(PayerAction(action_expire_time=before), action, ttl=HOUR, now=LATER)

    assert after.action_expire_time == until
    assert after.next_action == next_actions.to_json(action)


def test_only_another_action_or_another_time_is_news() -> None:
    told = waiting()
    assert not awaiting.is_news(told, REDIRECT)
    assert not awaiting.is_news(told, None)
    assert awaiting.is_news(told, NextAction(kind=REDIRECT.kind, url=REDIRECT.url, expire_time=LATER))
    assert awaiting.is_news(payment(), REDIRECT)


def test_who_waits_is_answered_when_the_payer_has_to_act_and_who_waits_past_that_is_not() -> None:
    told = waiting()
    assert (is_concluded(told), has_outcome(told)) == (True, False)
    assert (is_concluded(called_off(REQUESTED)), has_outcome(called_off(REQUESTED))) == (False, False)
    failed, _ = domain.fail(told, REFUSED, now=LATER)
    assert (is_concluded(failed), has_outcome(failed)) == (True, True)


ENDS = {
    "captured": lambda before: domain.capture(
        before,
        amount_minor=10_000,
        capture_id=CAPTURE_ID,
        attempt_id=ATTEMPT_ID,
        channel_reference="ch_1",
        terms=terms(),
        now=LATER,
    )[0],
    "failed": lambda before: domain.fail(before, REFUSED, now=LATER)[0],
    "cancelled": lambda before: authorization.cancel_unsent(before, reason=REQUESTED, now=LATER)[0],
    "unknown": lambda before: lost_answer.lose_answer(
        before, attempt_id=ATTEMPT_ID, evidence=events.Evidence.INQUIRY, channel_reference=None, now=LATER
    )[0],
}


@pytest.mark.parametrize("end", [*ENDS, "authorized"])
def test_what_the_payer_had_to_do_is_erased_with_whatever_follows(end: str) -> None:
    mode = CaptureMode.MANUAL if end == "authorized" else CaptureMode.AUTOMATIC
    before = waiting(capture_mode=mode)
    after = authorized(before) if end == "authorized" else ENDS[end](before)

    assert after.payer_action == NOTHING_TO_DO
    assert after.state != "REQUIRES_ACTION"


def test_calling_off_erases_the_action_at_once_and_is_a_change() -> None:
    before = waiting()
    after = awaiting.call_off(before, reason=REQUESTED, now=LATER)

    assert (after.state, after.cancel_reason) == ("REQUIRES_ACTION", REQUESTED)
    assert after.payer_action == PayerAction(calling_off=CallingOff.ASKED)
    assert etag(after) != etag(before)


def test_a_channel_that_gave_no_reference_cannot_be_asked_to_call_off() -> None:
    before, _ = awaiting.require_action(
        payment(), REDIRECT, attempt_id=ATTEMPT_ID, channel_reference=None, ttl=HOUR, now=LATER
    )
    after = awaiting.call_off(before, reason=EXPIRED, now=LATER)
    assert after.payer_action == PayerAction(calling_off=CallingOff.REFUSED)


@pytest.mark.parametrize("state", sorted(set(PaymentState) - {PaymentState.REQUIRES_ACTION}))
def test_nothing_else_is_called_off(state: PaymentState) -> None:
    assert not awaiting.may_be_called_off(payment(state=state))
    with pytest.raises(InvariantError):
        awaiting.call_off(payment(state=state), reason=REQUESTED, now=LATER)
    with pytest.raises(InvariantError):
        awaiting.call_off(called_off(REQUESTED), reason=REQUESTED, now=LATER)


@pytest.mark.parametrize(
    ("reason", "state", "event", "says"),
    [
        (REQUESTED, "CANCELLED", events.PaymentCancelled, "REQUESTED"),
        (ORDER_CLOSED, "CANCELLED", events.PaymentCancelled, "ORDER_CLOSED"),
        (EXPIRED, "FAILED", events.PaymentFailed, "AUTHENTICATION_FAILED"),
    ],
)
def test_what_was_called_off_ends_as_it_was_meant(
    reason: events.CancelReason, state: str, event: type[Any], says: str
) -> None:
    after, told = awaiting.end_called_off(called_off(reason), REFUSED, now=LATER)

    assert (after.state, after.payer_action, type(told), told.reason) == (state, NOTHING_TO_DO, event, says)


def test_what_was_called_off_after_its_payer_had_acted_has_failed() -> None:
    unknown = ENDS["unknown"](called_off(REQUESTED))
    assert unknown.payer_action == PayerAction(calling_off=CallingOff.ASKED)
    after, told = awaiting.end_called_off(unknown, REFUSED, now=LATER)
    assert (after.state, type(told)) == ("FAILED", events.PaymentFailed)


def test_a_charge_that_was_made_while_it_was_called_off_is_captured_and_not_given_up() -> None:
    after = ENDS["captured"](called_off(REQUESTED))
    assert (after.state, after.cancel_reason, after.payer_action) == ("SUCCEEDED", None, NOTHING_TO_DO)


@pytest.mark.parametrize(
    ("reason", "kept", "void"),
    [(REQUESTED, REQUESTED, 10_000), (ORDER_CLOSED, ORDER_CLOSED, 10_000), (EXPIRED, None, 0)],
)
def test_an_authorization_made_while_it_was_called_off_waits_for_the_channels_word(
    reason: events.CancelReason, kept: events.CancelReason | None, void: int
) -> None:
    made = authorized(called_off(reason, capture_mode=CaptureMode.MANUAL))
    assert (made.state, made.payer_action.calling_off) == ("AUTHORIZED", CallingOff.ASKED)
    assert (void_minor(made), authorization.capturable_minor(made)) == (0, 0)

    refused = awaiting.refuse_calling_off(made, now=LATER)
    assert (refused.cancel_reason, refused.payer_action, void_minor(refused)) == (kept, NOTHING_TO_DO, void)

    released, told = authorization.void(awaiting.release_called_off(made), now=LATER)
    assert (released.state, released.cancelled_minor, told.reason) == ("CANCELLED", 10_000, reason)


@pytest.mark.parametrize("reason", [REQUESTED, ORDER_CLOSED])
def test_who_gives_up_what_is_called_off_for_its_time_has_it_voided_if_the_channel_refuses(
    reason: events.CancelReason,
) -> None:
    made = authorized(called_off(EXPIRED, capture_mode=CaptureMode.MANUAL))
    authorization.require_cancellable(made)

    given_up = authorization.intend_cancel(made, reason=reason, now=LATER)
    assert (given_up.cancel_reason, void_minor(given_up)) == (reason, 0)
    refused = awaiting.refuse_calling_off(given_up, now=LATER)
    assert (refused.cancel_reason, void_minor(refused)) == (reason, 10_000)


def test_an_authorization_made_after_the_channel_would_not_call_it_off_is_taken_though_it_was_late() -> None:
    refused = awaiting.refuse_calling_off(called_off(EXPIRED, capture_mode=CaptureMode.MANUAL), now=LATER)
    assert refused.payer_action == PayerAction(calling_off=CallingOff.REFUSED)
    made = authorized(refused)
    assert (made.cancel_reason, made.payer_action) == (None, NOTHING_TO_DO)
    assert (authorization.capturable_minor(made), made.expire_time) == (10_000, LATER + 24 * HOUR)
