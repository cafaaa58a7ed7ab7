"""A payment whose channel waits for the payer: what is to be done, and how that is called off. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from paykit.aggregate import next_revision
from paykit.channels.actions.next_action import NextAction
from paykit.channels.attempts import AttemptState
from paykit.clock import no_earlier
from paykit.errors import InvariantError
from paystream.payment.v1 import events
from services.payment.domain import payer_action as payer_actions
from services.payment.domain.attempt import WITHDRAWN, Failure, PaymentAttempt
from services.payment.domain.authorization import cancel_unsent
from services.payment.domain.payer_action import ACTION_EXPIRED, CallingOff, PayerAction
from services.payment.domain.payment import Payment, PaymentAction, PaymentState, facts, fail, next_state

EXPIRED = events.CancelReason.ACTION_EXPIRED


def is_news(payment: Payment, action: NextAction | None) -> bool:
    """Return whether an action is another than the payer is shown, or has another time."""
    return action is not None and action != payer_actions.shown(payment.payer_action)


def require_action(
    payment: Payment,
    action: NextAction,
    *,
    attempt_id: str,
    channel_reference: str | None,
    ttl: timedelta,
    now: datetime,
) -> tuple[Payment, events.PaymentActionRequired]:
    """Record what the payer has to do, in the place of what it had to do before.

    Raises:
        IllegalTransition: The payment has ended already.
    """
    required = payer_actions.required(payment.payer_action, action, ttl=ttl, now=now)
    if required.action_expire_time is None:
        raise InvariantError(f"the action of {payment.payment_id} has no time")
    waiting = replace(
        payment,
        **next_revision(payment, now),
        state=next_state(payment.state, PaymentAction.REQUIRE_ACTION),
        channel_reference=channel_reference or payment.channel_reference,
        payer_action=required,
    )
    return waiting, events.PaymentActionRequired(
        **facts(waiting),
        amount_minor=waiting.amount_minor,
        method=waiting.method,
        channel_reference=waiting.channel_reference,
        attempt_id=attempt_id,
        next_action=events.NextActionKind(action.kind),
        expires_at=required.action_expire_time,
        created_at=waiting.create_time,
    )


def may_be_called_off(payment: Payment) -> bool:
    """Return whether a payment waits for its payer and is not called off yet."""
    return payment.state is PaymentState.REQUIRES_ACTION and payment.payer_action.calling_off is None


def call_off(payment: Payment, *, reason: events.CancelReason, now: datetime) -> Payment:
    """Have the payer do nothing more; its channel is to be asked to call it off, if that has given a reference.

    Raises:
        InvariantError: The payment waits for no payer.
    """
    if not may_be_called_off(payment):
        raise InvariantError(f"{payment.payment_id} waits for no payer")
    asked = payment.channel_reference is not None
    return replace(
        payment,
        update_time=no_earlier(now, payment.update_time),
        cancel_reason=reason,
        payer_action=PayerAction(calling_off=CallingOff.ASKED if asked else CallingOff.REFUSED),
    )


def refuse_calling_off(payment: Payment, *, now: datetime) -> Payment:
    """Record that its channel does not call it off.

    What was authorized meanwhile stays so where only its time was over; what a caller or order gave up is voided anew.
    """
    authorized = payment.state is PaymentState.AUTHORIZED
    stays = authorized and payment.cancel_reason is EXPIRED
    return replace(
        payment,
        update_time=no_earlier(now, payment.update_time),
        cancel_reason=None if stays else payment.cancel_reason,
        payer_action=PayerAction(calling_off=None if authorized else CallingOff.REFUSED),
    )


def release_called_off(payment: Payment) -> Payment:
    """Hold what was authorized while it was called off, as its channel has released it; see `authorization.void`."""
    return replace(payment, cancelling_minor=payment.authorized_minor, payer_action=PayerAction())


def end_call(attempt: PaymentAttempt, reason: events.CancelReason | None, *, now: datetime) -> PaymentAttempt:
    """Return the call that waited for the payer as one that came to nothing, as it was called off for this reason."""
    expired = reason is EXPIRED
    return replace(
        attempt,
        state=AttemptState.FAILED,
        failure_reason=events.FailureReason.ACTION_EXPIRED if expired else events.FailureReason.CANCELLED,
        failure_code=ACTION_EXPIRED if expired else WITHDRAWN,
        update_time=no_earlier(now, attempt.update_time),
    )


def end_called_off(
    payment: Payment, failure: Failure, *, now: datetime
) -> tuple[Payment, events.PaymentCancelled | events.PaymentFailed]:
    """End a payment that was called off, and came to nothing as this failure says.

    One whose time was over has failed; one that a caller or its order gave up is cancelled, unless its payer had acted.
    """
    reason = payment.cancel_reason
    if reason is None or reason is EXPIRED or payment.state is not PaymentState.REQUIRES_ACTION:
        return fail(payment, failure, now=now)
    return cancel_unsent(payment, reason=reason, now=now)


def failure_of(attempt: PaymentAttempt) -> Failure:
    """Return what a call that has failed says.

    Raises:
        InvariantError: It has not failed.
    """
    if attempt.failure_reason is None:
        raise InvariantError(f"attempt {attempt.attempt_id} has not failed")
    return Failure(
        reason=attempt.failure_reason,
        code=attempt.failure_code,
        channel_reference=attempt.channel_reference,
        attempt_id=attempt.attempt_id,
    )
