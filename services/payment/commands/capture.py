"""Captures and voids of authorized payments: as callers ask for them, and as time and orders demand them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from paykit.aggregate import require_etag
from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.channels.attempts import AttemptState
from paykit.errors import DomainError, IllegalTransition
from paykit.ids import new_id
from paykit.merchants.labels import NO_LABELS, Labels
from paykit.merchants.references import TakenReferences, taken_references
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import StatedReason
from paykit.work import Rows, fold, kept
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands import work
from services.payment.commands.work import PaymentWork
from services.payment.domain.attempt import UNSENT_TTL, PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.payment import CaptureMode, Payment, PaymentAction, PaymentState

EXPIRED_PAYMENTS_MAX = 500
"""Authorizations given up in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment:
    """A capture asked for.

    Attributes:
        amount_minor: None, as is the currency, for all that is left.
        final: What it leaves is given up.
        unsent_ttl: How long it may wait to be sent.
        capture_id: The id that it gets; None for a new one.
        etag: What the payment must still have; empty for anything.
    """

    payment_id: str
    amount_minor: int | None
    currency_code: str | None
    final: bool
    unsent_ttl: timedelta = UNSENT_TTL
    cause: Cause
    labels: Labels = NO_LABELS
    creating_call: CreatingCall = NO_CALL
    capture_id: str | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPayment:
    """A payment to be given up for a reason, as far as it is not captured, if it still has the etag; empty for any."""

    payment_id: str
    reason: str
    cause: Cause
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture just accepted, and its payment with the amount held."""

    capture: Capture
    payment: Payment


async def capture_payments(tx: Tx, items: Sequence[CapturePayment]) -> list[Captured | DomainError]:
    """Accept captures and queue them, one after another under the lock of their payments.

    Writes a capture and an attempt each. Refusals: PaymentNotFound, EtagMismatch, CurrencyMismatch,
    IllegalTransition, CaptureExceedsCapturable, MerchantReferenceTaken.
    """
    rows = work.begin(tx, await store.payments.lock(tx, [item.payment_id for item in items]))
    references = await taken_references(tx, store.captures, work.wanted_references(rows, items))
    results = fold(items, lambda item: _capture(rows, item, references))
    await rows.save()
    return results


async def captured_payments(tx: Tx, capture_ids: Collection[str]) -> dict[str, Captured]:
    """Read captures with their payments, as they are now."""
    captures = await store.captures.by_key(tx, capture_ids)
    payments = await store.payments.by_key(tx, {capture.payment_id for capture in captures.values()})
    return {key: Captured(capture, payments[capture.payment_id]) for key, capture in captures.items()}


async def cancel_payments(tx: Tx, items: Sequence[CancelPayment]) -> list[Payment | DomainError]:
    """Return payments up: at once if nothing was sent, else by asking their channels to release the amount.

    Emits PaymentCancelled, or writes an attempt. Refusals: PaymentNotFound, EtagMismatch, IllegalTransition,
    CaptureInProgress.
    """
    rows = await with_unsent(tx, await store.payments.lock(tx, [item.payment_id for item in items]))
    results = fold(items, lambda item: _cancel(rows, item))
    await rows.save()
    await store.payments.keep_stated(tx, kept(results))
    return results


async def expire_authorizations(tx: Tx) -> int:
    """Give up authorizations whose time is over, at most EXPIRED_PAYMENTS_MAX, and return how many there were.

    One with a capture under way is given up when that has ended. Writes attempts.
    """
    rows = work.begin(tx, await store.payments.claim_expired(tx, limit=EXPIRED_PAYMENTS_MAX))
    for payment in list(rows.payments.values()):
        intend_cancel(rows, payment, reason=events.CancelReason.AUTHORIZATION_EXPIRED, traceparent=None)
    await rows.save()
    return len(rows.payments)


async def with_unsent(tx: Tx, payments: Rows[str, Payment]) -> PaymentWork:
    """Begin work with the attempts that new payments wait to be sent by, locked against the job that sends them."""
    unanswered = [payment.payment_id for payment in payments.values() if payment.state is PaymentState.CREATED]
    attempts = await store.attempts.lock_first(tx, unanswered) if unanswered else None
    return work.begin(tx, payments, attempts=attempts, captures=await work.captures_to_refund(tx, payments.values()))


def cancel_unsent(rows: PaymentWork, payment: Payment, *, reason: events.CancelReason, cause: Cause) -> Payment | None:
    """Return a payment up and take its attempt off the queue; emits PaymentCancelled.

    Returns: None, and nothing is done, if its channel was called already.
    """
    unsent = _unsent_attempt(rows, payment)
    if unsent is None:
        return None
    cancelled, event = domain.authorization.cancel_unsent(payment, reason=reason, now=rows.tx.now)
    rows.attempts.put(domain.attempt.withdraw(unsent, now=rows.tx.now))
    rows.tx.emit(event, cause=cause)
    return rows.payments.put(cancelled)


def intend_cancel(
    rows: PaymentWork, payment: Payment, *, reason: events.CancelReason, traceparent: str | None
) -> Payment:
    """Let nothing more be captured of a payment, and have what is left released once nothing is under way."""
    rows.payments.put(domain.authorization.intend_cancel(payment, reason=reason, now=rows.tx.now))
    return rows.void_if_due(payment.payment_id, traceparent=traceparent)


def _capture(rows: PaymentWork, item: CapturePayment, references: TakenReferences) -> Captured:
    """Decide one capture on the payment as the captures before it left it."""
    payment = _as_read(rows, item)
    if item.currency_code is not None:
        domain.payment.require_currency(payment, item.currency_code)
    payment, capture = domain.capture.create(
        payment,
        capture_id=item.capture_id or new_id("cap", of=payment.payment_id),
        amount_minor=item.amount_minor,
        final=item.final,
        now=rows.tx.now,
    )
    references.take(capture.merchant_id, item.labels.merchant_reference, capture.capture_id)
    capture = replace(capture, labels=item.labels, creating_call=item.creating_call)
    rows.add_capture(payment, capture, item.cause, expire_time=rows.tx.now + item.unsent_ttl)
    return Captured(capture, payment)


def _as_read(rows: PaymentWork, item: CapturePayment | CancelPayment) -> Payment:
    payment = rows.payments.require(item.payment_id, domain.payment.not_found)
    require_etag(item.etag, domain.authorization.etag(payment), payment_id=payment.payment_id)
    return payment


def _cancel(rows: PaymentWork, item: CancelPayment) -> Payment:
    payment = replace(_as_read(rows, item), stated=StatedReason.of(item.reason, item.cause, now=rows.tx.now))
    reason = events.CancelReason.REQUESTED
    cancelled = cancel_unsent(rows, payment, reason=reason, cause=item.cause)
    if cancelled is not None:
        return cancelled
    _require_answered(payment)
    domain.authorization.require_cancellable(payment)
    return intend_cancel(rows, payment, reason=reason, traceparent=item.cause.traceparent)


def _unsent_attempt(rows: PaymentWork, payment: Payment) -> PaymentAttempt | None:
    """Return the attempt that a new payment waits to be sent by."""
    if payment.state is not PaymentState.CREATED:
        return None
    own = (attempt for attempt in rows.attempts.values() if attempt.payment_id == payment.payment_id)
    return next((attempt for attempt in own if attempt.state is AttemptState.PENDING), None)


def _require_answered(payment: Payment) -> None:
    """Check that no first call is under way: what it will have done cannot be undone yet."""
    if payment.state is PaymentState.CREATED:
        action = "authorize" if payment.capture_mode is CaptureMode.MANUAL else "charge"
        raise IllegalTransition(
            f"The channel is being asked to {action} it.", state=payment.state, action=PaymentAction.CANCEL
        )
