"""Payouts whose outcome is overdue: told once each."""

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.withdrawal import domain, store

TOLD_MAX = 500
"""Attempts told of in one transaction."""


async def tell_overdue(tx: Tx, *, within_s: float) -> int:
    """Tell of attempts sent longer ago than this that have no outcome, at most TOLD_MAX; return how many there were.

    Emits AttemptOverdue.
    """
    overdue = await store.attempts.untold_overdue(tx, within_s, limit=TOLD_MAX)
    withdrawals = await store.withdrawals.lock(tx, [withdrawal_id for _, withdrawal_id in overdue])
    for attempt, start_time in await store.attempts.take_untold(tx, [attempt_id for attempt_id, _ in overdue]):
        withdrawal, event = domain.reminder.tell_overdue(
            withdrawals[attempt.withdrawal_id], attempt, start_time=start_time, now=tx.now
        )
        withdrawals.put(withdrawal)
        tx.emit(event, cause=Cause(withdrawal.correlation_id, attempt.attempt_id, None, attempt.traceparent))
    await tx.save(withdrawals)
    return len(overdue)
