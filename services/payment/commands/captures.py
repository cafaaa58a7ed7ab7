"""Captures and voids of authorized payments: as callers ask for them, and as time and orders demand them."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.channels.attempts import AttemptState
from paykit.errors import DomainError, IllegalTransition
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment.commands.changes import Changes
from services.payment.domain import attempt, authorization, capture
from services.payment.domain import payment as domain
from services.payment.domain.attempt import Attempt
from services.payment.domain.capture import Capture
from services.payment.domain.payment import CaptureMode, Payment, PaymentAction, PaymentState
from services.payment.store import attempts as attempt_store
from services.payment.store import payments as store

EXPIRED_PAYMENTS_MAX = 500
"""Authorizations given up in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment:
    """A capture asked for.

    Attributes:
        amount_minor: None, as is the currency, for all that is left.
        final: What it leaves is given up.
    """

    payment_id: str
    amount_minor: int | None
    currency_code: str | None
    final: bool
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPayment:
    """A payment to be given up, as far as it is not captured."""

    payment_id: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture just accepted, and its payment with the amount held."""

    capture: Capture
    payment: Payment


async def capture_payments(tx: Tx, items: Sequence[CapturePayment]) -> list[Captured | DomainError]:
    """Accept captures and queue them, one after another under the lock of their payments.

    Writes a capture and an attempt each. Refusals: PaymentNotFound, CurrencyMismatch, IllegalTransition,
    CaptureExceedsCapturable.
    """
    changes = Changes(payments=await store.lock_payments(tx, [item.payment_id for item in items]))
    results = [_capture(tx, item, changes) for item in items]
    await changes.save(tx)
    return results


async def cancel_payments(tx: Tx, items: Sequence[CancelPayment]) -> list[Payment | DomainError]:
    """Give payments up: at once if nothing was sent, else by asking their channels to release the amount.

    Emits PaymentCancelled, or writes an attempt. Refusals: PaymentNotFound, IllegalTransition, CaptureInProgress.
    """
    changes = Changes(payments=await store.lock_payments(tx, [item.payment_id for item in items]))
    await lock_unsent(tx, changes)
    results = [_cancel(tx, item, changes) for item in items]
    await changes.save(tx)
    return results


async def expire_authorizations(tx: Tx) -> int:
    """Give up authorizations whose time is over, at most EXPIRED_PAYMENTS_MAX; give how many there were.

    One with a capture under way is given up when that has ended. Writes attempts.
    """
    changes = Changes(payments=await store.lock_expired(tx, limit=EXPIRED_PAYMENTS_MAX))
    for payment in list(changes.payments.values()):
        reason = events.CancelReason.AUTHORIZATION_EXPIRED
        changes.put_payment(authorization.intend_cancel(payment, reason=reason, now=tx.now))
        changes.void_if_due(tx, payment.payment_id, traceparent=None)
    await changes.save(tx)
    return len(changes.payments)


async def lock_unsent(tx: Tx, changes: Changes) -> None:
    """Lock the attempts that payments just made wait to be sent by, against the job that would send them."""
    made = [p.payment_id for p in changes.payments.values() if p.state is PaymentState.CREATED]
    if made:
        changes.attempts |= await attempt_store.lock_first(tx, made)


def cancel_unsent(
    tx: Tx, payment: Payment, unsent: Attempt, *, reason: events.CancelReason, changes: Changes, cause: Cause
) -> None:
    """Give a payment up and take its attempt off the queue; emits PaymentCancelled."""
    changes.put_attempt(attempt.withdraw(unsent, now=tx.now))
    after, event = authorization.cancel_unsent(payment, reason=reason, now=tx.now)
    changes.put_payment(after)
    tx.emit(event, cause=cause)


def unsent_attempt(payment: Payment, changes: Changes) -> Attempt | None:
    """Give the attempt that a payment waits to be sent by; None if its channel was called already."""
    found = (a for a in changes.attempts.values() if a.payment_id == payment.payment_id)
    return next((a for a in found if a.state is AttemptState.PENDING), None)


def _capture(tx: Tx, item: CapturePayment, changes: Changes) -> Captured | DomainError:
    """Decide one capture on the payment as the captures before it left it."""
    payment = changes.payments.get(item.payment_id)
    if payment is None:
        return domain.not_found(item.payment_id)
    try:
        if item.currency_code is not None:
            domain.require_currency(payment, item.currency_code)
        after, made = capture.create(
            payment, capture_id=new_id("cap"), amount_minor=item.amount_minor, final=item.final, now=tx.now
        )
    except DomainError as refusal:
        return refusal
    changes.add_capture(after, made, item.cause)
    return Captured(made, after)


def _cancel(tx: Tx, item: CancelPayment, changes: Changes) -> Payment | DomainError:
    payment = changes.payments.get(item.payment_id)
    if payment is None:
        return domain.not_found(item.payment_id)
    reason = events.CancelReason.REQUESTED
    unsent = unsent_attempt(payment, changes)
    if unsent:
        cancel_unsent(tx, payment, unsent, reason=reason, changes=changes, cause=item.cause)
        return changes.payments[item.payment_id]
    try:
        _require_answered(payment)
        authorization.require_cancellable(payment)
    except DomainError as refusal:
        return refusal
    changes.put_payment(authorization.intend_cancel(payment, reason=reason, now=tx.now))
    changes.void_if_due(tx, item.payment_id, traceparent=item.cause.traceparent)
    return changes.payments[item.payment_id]


def _require_answered(payment: Payment) -> None:
    """Check that no first call is under way: what it will have done cannot be undone yet."""
    if payment.state is PaymentState.CREATED:
        what = "authorize" if payment.capture_mode is CaptureMode.MANUAL else "charge"
        raise IllegalTransition(
            f"The channel is being asked to {what} it.", state=payment.state, action=PaymentAction.CANCEL
        )
