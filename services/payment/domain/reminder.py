"""What is soon over, or overdue: told once each, to whoever can still do something about it. Pure."""

from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paykit.errors import InvariantError
from paystream.payment.v1 import events
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.authorization import capturable_minor
from services.payment.domain.dispute import Dispute, DisputeState, touched
from services.payment.domain.dispute import facts as dispute_facts
from services.payment.domain.payment import Payment, facts


def warn_of_expiry(payment: Payment, *, now: datetime) -> tuple[Payment, events.AuthorizationExpiring]:
    """Tell that what can still be captured is given up soon.

    Raises:
        InvariantError: Nothing expires, or it was told before.
    """
    left_minor = capturable_minor(payment)
    if payment.expire_time is None or payment.expiry_warned or not left_minor:
        raise InvariantError(f"nothing is to be told of the authorization of {payment.payment_id}")
    warned = replace(payment, **next_revision(payment, now), expiry_warned=True)
    return warned, events.AuthorizationExpiring(
        **facts(warned),
        amount_minor=warned.authorized_minor,
        method=warned.method,
        channel_reference=warned.channel_reference or "",
        capturable_minor=left_minor,
        expires_at=payment.expire_time,
    )


def remind_of_dispute(
    payment: Payment, dispute: Dispute, *, now: datetime
) -> tuple[Payment, Dispute, events.DisputeDueSoon]:
    """Tell that the time to answer a dispute is soon over.

    Raises:
        InvariantError: It was told, or there is nothing to answer.
    """
    if dispute.respond_by is None or dispute.respond_by == dispute.reminded_of or dispute.state != DisputeState.OPENED:
        raise InvariantError(f"nothing is to be told of the time to answer dispute {dispute.dispute_id}")
    reminded = replace(touched(dispute, now), reminded_of=dispute.respond_by)
    told = replace(payment, **next_revision(payment, now))
    event = events.DisputeDueSoon(
        **dispute_facts(told, reminded),
        stage=reminded.stage,
        category=reminded.category,
        respond_by=dispute.respond_by,
    )
    return told, reminded, event


def tell_overdue(
    payment: Payment, attempt: PaymentAttempt, *, start_time: datetime, now: datetime
) -> tuple[Payment, events.AttemptOverdue]:
    """Tell that a call to a channel has had no outcome for long.

    Args:
        payment: Of the attempt.
        attempt: Sent, and without an outcome.
        start_time: When it was taken to be sent, in real time.
        now: Business time.
    """
    told = replace(payment, **next_revision(payment, now))
    event = events.AttemptOverdue(
        **facts(told),
        amount_minor=attempt.amount_minor,
        method=told.method,
        channel_reference=attempt.channel_reference,
        attempt_id=attempt.attempt_id,
        action=events.AttemptAction(attempt.action),
        capture_id=attempt.capture_id or attempt.allotted_capture_id,
        refund_id=attempt.refund_id,
        started_at=start_time,
    )
    return told, event
