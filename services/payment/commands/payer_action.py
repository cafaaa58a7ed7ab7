"""What payments wait for of their payers: what channels say of it, and how it is called off when its time is over."""

from dataclasses import replace
from datetime import timedelta

from paykit.cause import Cause
from paykit.channels.attempts import AttemptState, RecordEvidence, Verdict
from paykit.clock import no_earlier
from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.commands import work
from services.payment.commands.work import PaymentWork
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.payer_action import CallingOff
from services.payment.domain.payment import Payment, PaymentState

EXPIRED_ACTIONS_MAX = 500
"""Payments called off in one transaction."""
RETURNS_WALKED_MAX = 2_000
"""Payments looked at in one transaction for what is left of where their payers came back to."""
FIRST_ACTIONS = frozenset({AttemptAction.CHARGE, AttemptAction.AUTHORIZE})
"""What can wait for a payer."""


def require(
    rows: PaymentWork, item: RecordEvidence, attempt: PaymentAttempt, *, order_closed: bool, ttl: timedelta
) -> PaymentAttempt:
    """Take a channel's word that it waits for the payer; emits PaymentActionRequired where it is news.

    A payment that is given up already, or whose order is closed, is called off at once. One that is being called off
    ends here, if its channel would not do that.

    Args:
        rows: What the transaction works on.
        item: The evidence.
        attempt: The call, as the evidence leaves it.
        order_closed: Whether the payment is for an order that is not paid for any more.
        ttl: How long the payer has, where the channel does not say.

    Returns: The call as it is to be kept.
    """
    payment, action, now = rows.payments[attempt.payment_id], item.evidence.action, rows.tx.now
    if payment.payer_action.calling_off is CallingOff.ASKED:
        return _unanswered(attempt)
    if payment.payer_action.calling_off is CallingOff.REFUSED:
        return _end(rows, payment, attempt, item.cause)
    if action is None or not domain.awaiting.is_news(payment, action):
        return attempt if payment.state is PaymentState.REQUIRES_ACTION else _unanswered(attempt)
    payment, event = domain.awaiting.require_action(
        payment,
        action,
        attempt_id=attempt.attempt_id,
        channel_reference=item.evidence.channel_reference,
        ttl=ttl,
        now=now,
    )
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)
    reason = events.CancelReason.ORDER_CLOSED if order_closed else payment.cancel_reason
    if reason is None:
        return attempt
    _ask_to_call_off(rows, payment, reason, traceparent=attempt.traceparent)
    return _unanswered(attempt)


def call_off(rows: PaymentWork, payment: Payment, *, reason: events.CancelReason, traceparent: str | None) -> Payment:
    """Have a payer do nothing more, and ask the channel to call off what waits for it.

    Writes an attempt; the payment ends by what the channel says.
    """
    called_off = _ask_to_call_off(rows, payment, reason, traceparent=traceparent)
    waiting = first_call(rows, payment)
    if waiting.state is AttemptState.ACTION_REQUIRED:
        update_time = no_earlier(rows.tx.now, waiting.update_time)
        waiting = rows.attempts.put(replace(_unanswered(waiting), update_time=update_time))
    if called_off.payer_action.calling_off is CallingOff.REFUSED:
        _inquire_soon(rows, waiting)
    return called_off


def end_calling_off(rows: PaymentWork, item: RecordEvidence, verdict: Verdict, attempt: PaymentAttempt) -> None:
    """Apply what a channel said to a payment that it was asked to call off; emits PaymentFailed or PaymentCancelled."""
    payment, now = rows.payments[attempt.payment_id], rows.tx.now
    if verdict is Verdict.LOSE_ANSWER:
        return
    if verdict is Verdict.FAIL:
        refused = rows.payments.put(domain.awaiting.refuse_calling_off(payment, now=now))
        if refused.payer_action.calling_off is CallingOff.REFUSED:
            _inquire_soon(rows, first_call(rows, payment))
        rows.void_if_due(payment.payment_id, traceparent=attempt.traceparent)
    elif payment.state is PaymentState.AUTHORIZED:
        payment, event = domain.authorization.void(domain.awaiting.release_called_off(payment), now=now)
        rows.payments.put(payment)
        rows.tx.emit(event, cause=item.cause)
    else:
        rows.attempts.put(_end(rows, payment, first_call(rows, payment), item.cause))


def fail_called_off(rows: PaymentWork, item: RecordEvidence, attempt: PaymentAttempt) -> None:
    """End a payment that is being called off, as its call has failed; emits PaymentFailed or PaymentCancelled."""
    payment, event = domain.awaiting.end_called_off(
        rows.payments[attempt.payment_id], domain.attempt.failure(item.evidence), now=rows.tx.now
    )
    rows.payments.put(payment)
    rows.tx.emit(event, cause=item.cause)


def first_call(rows: PaymentWork, payment: Payment) -> PaymentAttempt:
    """Return the charge or authorization of a payment, which is locked.

    Raises:
        InvariantError: It is not among the rows.
    """
    for attempt in rows.attempts.values():
        if attempt.payment_id == payment.payment_id and attempt.action in FIRST_ACTIONS:
            return attempt
    raise InvariantError(f"the first call of {payment.payment_id} is not locked")


async def expire_actions(tx: Tx) -> int:
    """Call off what payers did not do in time, at most EXPIRED_ACTIONS_MAX, and return how many payments there were.

    Writes attempts; each payment ends by what its channel says.
    """
    payments = await store.payments.claim_waiting(tx, limit=EXPIRED_ACTIONS_MAX)
    if not payments:
        return 0
    rows = work.begin(tx, payments, attempts=await store.attempts.lock_first(tx, list(payments)))
    for payment in list(payments.values()):
        call_off(rows, payment, reason=events.CancelReason.ACTION_EXPIRED, traceparent=None)
    await rows.save()
    return len(payments)


async def erase_returns(tx: Tx) -> int:
    """Erase where payers came back to, of the next payments that are over; return how many were looked at.

    Payments end without it since it is erased at their end; those that had ended before are walked through once.
    """
    erasures = await store.return_erasures.claim_due(tx)
    for walk in list(erasures.values()):
        page = await store.return_erasures.look_on(tx, walk, limit=RETURNS_WALKED_MAX)
        locked = await store.payments.lock(tx, [payment_id for payment_id, returns in page.items() if returns])
        await store.payments.erase_returns(tx, locked.values())
        walked_to = max(page, default=walk.walked_to)
        erasures.put(replace(walk, walked_to=walked_to, done=len(page) < RETURNS_WALKED_MAX))
        await tx.save(erasures)
        return len(page)
    return 0


def _ask_to_call_off(
    rows: PaymentWork, payment: Payment, reason: events.CancelReason, *, traceparent: str | None
) -> Payment:
    called_off = rows.payments.put(domain.awaiting.call_off(payment, reason=reason, now=rows.tx.now))
    if called_off.payer_action.calling_off is CallingOff.ASKED:
        amount_minor = called_off.amount_minor
        rows.add_attempt(called_off, AttemptAction.CANCEL, amount_minor=amount_minor, traceparent=traceparent)
    return rows.payments[payment.payment_id]


def _end(rows: PaymentWork, payment: Payment, attempt: PaymentAttempt, cause: Cause) -> PaymentAttempt:
    """End a payment that was called off, and return its call as one that came to nothing."""
    ended = domain.awaiting.end_call(attempt, payment.cancel_reason, now=rows.tx.now)
    payment, event = domain.awaiting.end_called_off(payment, domain.awaiting.failure_of(ended), now=rows.tx.now)
    rows.payments.put(payment)
    rows.tx.emit(event, cause=cause)
    return ended


def _inquire_soon(rows: PaymentWork, attempt: PaymentAttempt) -> None:
    """Have the channel asked at once about a call that decides: its inquiries may have become rare while it waited."""
    rows.attempts.put(replace(attempt, inquiry_count=0, update_time=no_earlier(rows.tx.now, attempt.update_time)))


def _unanswered(attempt: PaymentAttempt) -> PaymentAttempt:
    """Return a call of which nobody is to do anything: it is inquired about as any other."""
    return replace(attempt, state=AttemptState.UNKNOWN)
