"""What waited too long to be sent: it fails without having been sent."""

from paykit.cause import Cause
from paykit.channels.attempts import AttemptState
from paykit.postgres.database import Tx
from services.payment import domain, store
from services.payment.commands import work
from services.payment.commands.work import PaymentWork
from services.payment.domain.attempt import AttemptAction, PaymentAttempt

EXPIRED_ATTEMPTS_MAX = 500
"""Attempts that fail in one transaction."""


async def expire_unsent(tx: Tx) -> int:
    """Have what waited too long fail, at most EXPIRED_ATTEMPTS_MAX, and return how many attempts were looked at.

    A payment fails with its charge or authorization; the amount of a capture can be captured again. Emits
    PaymentFailed or CaptureFailed, and may write a void.
    """
    waiting = await store.attempts.expired(tx, limit=EXPIRED_ATTEMPTS_MAX)
    payments = await store.payments.lock(tx, [payment_id for _, payment_id in waiting])
    attempts = await store.attempts.lock(tx, [attempt_id for attempt_id, _ in waiting])
    captures = await store.captures.guarded(tx, {a.capture_id for a in attempts.values() if a.capture_id})
    rows = work.begin(tx, payments, attempts=attempts, captures=captures)
    for attempt in list(attempts.values()):
        if attempt.state is AttemptState.PENDING:  # A job may have claimed it before the lock.
            _expire(rows, attempt)
    await rows.save()
    return len(waiting)


def _expire(rows: PaymentWork, attempt: PaymentAttempt) -> None:
    expired, failure = domain.attempt.expire(attempt, now=rows.tx.now)
    rows.attempts.put(expired)
    payment = rows.payments[attempt.payment_id]
    cause = Cause(payment.correlation_id, attempt.attempt_id, None, attempt.traceparent)
    if attempt.action is AttemptAction.CAPTURE:
        rows.fail_capture(rows.captures[attempt.capture_id or ""], failure, cause)
        rows.void_if_due(payment.payment_id, traceparent=attempt.traceparent)
        return
    payment, event = domain.payment.fail(payment, failure, now=rows.tx.now)
    rows.payments.put(payment)
    rows.tx.emit(event, cause=cause)
