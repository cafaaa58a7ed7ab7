"""Payouts whose outcome is overdue: told once each, to whoever can ask the bank. Pure."""

from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paystream.withdrawal.v1 import events
from services.withdrawal.domain.attempt import PayoutAttempt
from services.withdrawal.domain.withdrawal import Withdrawal, facts


def tell_overdue(
    withdrawal: Withdrawal, attempt: PayoutAttempt, *, start_time: datetime, now: datetime
) -> tuple[Withdrawal, events.AttemptOverdue]:
    """Tell that a call to the bank has had no outcome for long.

    Args:
        withdrawal: Of the attempt.
        attempt: Sent, and without an outcome.
        start_time: When it was taken to be sent, in real time.
        now: Business time.
    """
    told = replace(withdrawal, **next_revision(withdrawal, now))
    event = events.AttemptOverdue(
        **facts(told),
        channel=attempt.channel,
        attempt_id=attempt.attempt_id,
        channel_reference=attempt.channel_reference,
        started_at=start_time,
    )
    return told, event
