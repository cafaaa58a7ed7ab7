"""A payment whose first call ended without an answer, or of which the payer has done its part. Pure."""

from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paystream.payment.v1 import events
from services.payment.domain.payer_action import PayerAction
from services.payment.domain.payment import Payment, PaymentAction, facts, next_state


def lose_answer(
    payment: Payment, *, attempt_id: str, evidence: events.Evidence, channel_reference: str | None, now: datetime
) -> tuple[Payment, events.PaymentUnknown]:
    """Record that a call ended without an answer, or that its payer has acted and its channel has not decided.

    Raises:
        IllegalTransition: The payment has ended already.
    """
    unanswered = replace(
        payment,
        **next_revision(payment, now),
        state=next_state(payment.state, PaymentAction.LOSE_ANSWER),
        channel_reference=channel_reference or payment.channel_reference,
        payer_action=PayerAction(calling_off=payment.payer_action.calling_off),
    )
    return unanswered, events.PaymentUnknown(
        **facts(unanswered),
        amount_minor=unanswered.amount_minor,
        method=unanswered.method,
        channel_reference=unanswered.channel_reference,
        attempt_id=attempt_id,
        evidence=evidence,
        previous_state=events.PreviousState(payment.state),
    )
