"""An amount that was authorized apart from its capture: what is left of it, and how that is given up. Pure.

Giving up takes two steps: first it is intended (`cancel_reason`), from when nothing more is captured; then, with no
capture under way any more, its channel is asked to release the rest (a void). So a void never races a capture.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from paykit.aggregate import etag_of, next_revision
from paykit.clock import micros_since_epoch, no_earlier
from paykit.errors import DomainError, IllegalTransition, InvariantError, Kind
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.payment.v1 import events
from services.payment.domain.payer_action import NOTHING_TO_DO, CallingOff, PayerAction
from services.payment.domain.payment import (
    CaptureMode,
    Payment,
    PaymentAction,
    PaymentState,
    facts,
    next_state,
)

_GIVES_WAY = frozenset({None, events.CancelReason.REQUESTED, events.CancelReason.ACTION_EXPIRED})
_AUTHORIZED = (PaymentState.AUTHORIZED, PaymentState.SUCCEEDED)


class CaptureInProgress(DomainError):
    """Captures have no outcome yet; metadata says how much they hold."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CAPTURE_IN_PROGRESS"
    retry_after_s = 5


def uncaptured_minor(payment: Payment) -> int:
    """Return what is authorized, neither captured nor given up; captures and voids under way are not taken off."""
    if payment.capture_mode is CaptureMode.AUTOMATIC:
        return 0
    return payment.authorized_minor - payment.captured_minor - payment.cancelled_minor


def etag(payment: Payment) -> str:
    """Return what changes with every change; that of an authorized payment also tells what no event tells of.

    So does that of one that is called off.
    """
    if payment.capture_mode is not CaptureMode.MANUAL and payment.payer_action.calling_off is None:
        return f"v{payment.aggregate_version}{etag_of(payment.metadata_version) if payment.metadata_version else ''}"
    changed_us = micros_since_epoch(payment.update_time)
    return etag_of(payment.aggregate_version, payment.capturing_minor, payment.cancelling_minor, changed_us)


def describe(payment: Payment, metadata: str, *, now: datetime) -> Payment:
    """Return a payment with other metadata, in whichever state; the same leaves it as it is. No event tells of it."""
    if metadata == payment.metadata:
        return payment
    # The etag of one that is authorized follows its update_time, which has to move on.
    update_time = max(now, payment.update_time + timedelta(microseconds=1))
    return replace(payment, metadata=metadata, metadata_version=payment.metadata_version + 1, update_time=update_time)


def is_concluded(payment: Payment) -> bool:
    """Return whether nothing more is asked of a payment's channel, no capture and no void, until somebody acts.

    That is when it has an outcome, or its payer has to do something.
    """
    if payment.state in {PaymentState.CREATED, PaymentState.UNKNOWN} or payment.payer_action.calling_off is not None:
        return False
    return not payment.capturing_minor and not payment.cancelling_minor


def has_outcome(payment: Payment) -> bool:
    """Return whether a payment is concluded, and its payer has nothing to do."""
    return is_concluded(payment) and payment.state is not PaymentState.REQUIRES_ACTION


def is_over(payment: Payment) -> bool:
    """Return whether nothing more comes of a payment by itself: refunds and disputes are asked for by others."""
    ended = payment.state in {PaymentState.SUCCEEDED, PaymentState.FAILED, PaymentState.CANCELLED}
    left = payment.state is PaymentState.SUCCEEDED and uncaptured_minor(payment)
    return ended and not left and not payment.capturing_minor and not payment.cancelling_minor


def capturable_minor(payment: Payment) -> int:
    """Return what can still be captured; captures without an outcome count as spent."""
    if payment.cancel_reason is not None or payment.state not in _AUTHORIZED:
        return 0
    return uncaptured_minor(payment) - payment.capturing_minor


def void_minor(payment: Payment) -> int:
    """Return what its channel is to be asked to release now: nothing unless it is intended and nothing is under way."""
    if payment.cancel_reason is None or payment.state not in _AUTHORIZED or payment.payer_action.calling_off:
        return 0
    return 0 if payment.capturing_minor or payment.cancelling_minor else uncaptured_minor(payment)


def authorize(
    payment: Payment,
    *,
    attempt_id: str,
    channel_reference: str,
    amount_minor: int,
    expire_time: datetime,
    now: datetime,
) -> tuple[Payment, events.PaymentAuthorized]:
    """Record that an amount was reserved: the payment's, or the part of it that was approved.

    While its channel is asked to call it off, what that says decides. Where it refused, a payer who was late is taken.

    Raises:
        IllegalTransition: The payment has ended already.
    """
    asked = payment.payer_action.calling_off is CallingOff.ASKED
    late = payment.payer_action.calling_off is CallingOff.REFUSED
    taken_late = late and payment.cancel_reason is events.CancelReason.ACTION_EXPIRED
    authorized = replace(
        payment,
        **next_revision(payment, now),
        state=next_state(payment.state, PaymentAction.AUTHORIZE),
        authorized_minor=min(amount_minor, payment.amount_minor),
        channel_reference=channel_reference,
        authorize_time=no_earlier(now, payment.update_time),
        expire_time=None if payment.cancel_reason is events.CancelReason.ORDER_CLOSED else expire_time,
        cancel_reason=None if taken_late else payment.cancel_reason,
        payer_action=PayerAction(calling_off=CallingOff.ASKED) if asked else NOTHING_TO_DO,
    )
    return authorized, events.PaymentAuthorized(
        **facts(authorized),
        amount_minor=authorized.authorized_minor,
        method=authorized.method,
        channel_reference=channel_reference,
        expires_at=expire_time,
        attempt_id=attempt_id,
        created_at=authorized.create_time,
        attempt_count=authorized.attempt_count,
    )


def cancellation(payment: Payment) -> StatedReason:
    """Return why a caller gave it up: nothing where paystream did, or where nothing is given up after all."""
    return payment.stated if payment.cancel_reason is events.CancelReason.REQUESTED else NOT_STATED


def require_cancellable(payment: Payment) -> None:
    """Check that a caller may give up what is left of an authorized payment.

    Raises:
        CaptureInProgress: Captures have no outcome yet.
        IllegalTransition: Nothing is left to give up, or the channel is being asked to release it.
    """
    next_state(payment.state, PaymentAction.CANCEL)
    if payment.capturing_minor:
        raise CaptureInProgress(
            f"Captures of {payment.capturing_minor} minor units of {payment.currency_code} have no outcome yet.",
            capturing_minor=str(payment.capturing_minor),
            currency_code=payment.currency_code,
        )
    if payment.cancelling_minor or not uncaptured_minor(payment):
        raise IllegalTransition(
            "Nothing is left to give up, or it is being given up.", state=payment.state, action=PaymentAction.CANCEL
        )


def intend_cancel(payment: Payment, *, reason: events.CancelReason, now: datetime) -> Payment:
    """Let nothing more be captured; what paystream has decided by itself stands above what a caller asked for.

    But for a payer's time that was over: it no longer matters once there is another reason.
    """
    decided = payment.cancel_reason not in _GIVES_WAY
    cancel_reason = payment.cancel_reason if decided else reason
    requested = cancel_reason is events.CancelReason.REQUESTED
    return replace(
        payment,
        update_time=no_earlier(now, payment.update_time),
        cancel_reason=cancel_reason,
        expire_time=payment.expire_time if requested else None,
    )


def start_void(payment: Payment, *, now: datetime) -> Payment:
    """Hold what its channel is asked to release; see `void_minor`."""
    return replace(payment, update_time=no_earlier(now, payment.update_time), cancelling_minor=void_minor(payment))


def void(payment: Payment, *, now: datetime) -> tuple[Payment, events.PaymentCancelled]:
    """Record that its channel has released what was not captured.

    Raises:
        InvariantError: Nobody meant to give it up.
    """
    if payment.cancel_reason is None:
        raise InvariantError(f"{payment.payment_id} is given up for no reason")
    return _cancel(payment, payment.cancelling_minor, reason=payment.cancel_reason, now=now)


def fail_void(payment: Payment, *, retry_time: datetime, now: datetime) -> Payment:
    """Record that its channel did not release the amount.

    What a caller asked for can be asked for again, or captured; what paystream decided is tried again at `retry_time`.
    """
    released = replace(payment, update_time=no_earlier(now, payment.update_time), cancelling_minor=0)
    if payment.cancel_reason is events.CancelReason.REQUESTED:
        return replace(released, cancel_reason=None)
    return replace(released, expire_time=retry_time)


def lose_remainder(payment: Payment, *, now: datetime) -> tuple[Payment, events.PaymentCancelled]:
    """Record that its channel has released what was not captured, though it had said that it did not."""
    reason = payment.cancel_reason or events.CancelReason.REQUESTED
    return _cancel(payment, uncaptured_minor(payment), reason=reason, now=now)


def cancel_unsent(
    payment: Payment, *, reason: events.CancelReason, now: datetime
) -> tuple[Payment, events.PaymentCancelled]:
    """Give up a payment that no channel was called for."""
    return _cancel(payment, payment.amount_minor, reason=reason, now=now)


def tidied(payment: Payment) -> Payment:
    """Return a payment whose capture ended: once nothing is left, nothing expires, and nothing is to be given up."""
    if uncaptured_minor(payment):
        return payment
    reason = payment.cancel_reason if payment.cancelled_minor else None
    return replace(payment, expire_time=None, cancel_reason=reason)


def _cancel(
    payment: Payment, amount_minor: int, *, reason: events.CancelReason, now: datetime
) -> tuple[Payment, events.PaymentCancelled]:
    cancelled = replace(
        payment,
        **next_revision(payment, now),
        state=next_state(payment.state, PaymentAction.CANCEL),
        cancelling_minor=0,
        cancelled_minor=payment.cancelled_minor + amount_minor,
        cancel_reason=reason,
        expire_time=None,
        payer_action=NOTHING_TO_DO,
    )
    return cancelled, events.PaymentCancelled(
        **facts(cancelled),
        amount_minor=cancelled.amount_minor,
        method=cancelled.method,
        captured_minor=cancelled.captured_minor,
        cancelled_minor=amount_minor,
        channel_reference=cancelled.channel_reference,
        reason=reason,
        stated_reason=cancellation(cancelled).stated_reason,
    )
