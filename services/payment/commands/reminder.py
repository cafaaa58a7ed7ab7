"""What is soon over, or overdue: told once each."""

from datetime import timedelta

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.payment import domain, store
from services.payment.domain.dispute import DisputeState

TOLD_MAX = 500
"""Payments, disputes or attempts told of in one transaction."""


async def warn_of_expiries(tx: Tx, *, within: timedelta) -> int:
    """Tell of authorizations that are given up until then, at most TOLD_MAX; return how many there were.

    Emits AuthorizationExpiring.
    """
    payments = await store.payments.claim_expiring(tx, within, limit=TOLD_MAX)
    for payment in list(payments.values()):
        warned, event = domain.reminder.warn_of_expiry(payment, now=tx.now)
        payments.put(warned)
        tx.emit(event, cause=Cause(payment.correlation_id))
    await tx.save(payments)
    return len(payments)


async def remind_of_disputes(tx: Tx, *, within: timedelta) -> int:
    """Tell of disputes to be answered until then, at most TOLD_MAX; return how many there were.

    Emits DisputeDueSoon.
    """
    due = await store.disputes.due_soon(tx, within, limit=TOLD_MAX)
    payments = await store.payments.lock_of_disputes(tx, due)
    disputes = await store.disputes.guarded(tx, due)
    for dispute in list(disputes.values()):
        # A merchant may have answered before the lock.
        if dispute.state is DisputeState.OPENED and dispute.respond_by not in {None, dispute.reminded_of}:
            payment, reminded, event = domain.reminder.remind_of_dispute(
                payments[dispute.payment_id], dispute, now=tx.now
            )
            payments.put(payment)
            disputes.put(reminded)
            tx.emit(event, cause=Cause(payment.correlation_id, dispute.attempt_id))
    await tx.save(payments, disputes)
    return len(due)


async def tell_overdue(tx: Tx, *, within_s: float) -> int:
    """Tell of attempts sent longer ago than this that have no outcome, at most TOLD_MAX; return how many there were.

    Emits AttemptOverdue.
    """
    overdue = await store.attempts.untold_overdue(tx, within_s, limit=TOLD_MAX)
    payments = await store.payments.lock(tx, [payment_id for _, payment_id in overdue])
    for attempt, start_time in await store.attempts.take_untold(tx, [attempt_id for attempt_id, _ in overdue]):
        payment, event = domain.reminder.tell_overdue(
            payments[attempt.payment_id], attempt, start_time=start_time, now=tx.now
        )
        payments.put(payment)
        tx.emit(event, cause=Cause(payment.correlation_id, attempt.attempt_id, None, attempt.traceparent))
    await tx.save(payments)
    return len(overdue)
