"""How contradictions about payments begin and end, and the events that say so. Pure; see `paykit.contradictions`."""

from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paykit.channels.attempts import Evidence
from paykit.contradictions.contradiction import Contradiction, ContradictionKind, ContradictionResolution, first_state
from paykit.errors import InvariantError
from paystream.payment.v1 import events
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.payment import Payment, decision_facts, facts


def begin(
    payment: Payment,
    attempt: PaymentAttempt,
    evidence: Evidence,
    *,
    contradiction_id: str,
    kind: ContradictionKind,
    subject_id: str,
    amount_minor: int,
    suspense_minor: int,
    needs_decision: bool,
    now: datetime,
) -> Contradiction:
    """Make the contradiction of evidence against an attempt, as it was recorded."""
    return Contradiction(
        contradiction_id=contradiction_id,
        aggregate_id=payment.payment_id,
        subject_id=subject_id,
        attempt_id=attempt.attempt_id,
        merchant_id=payment.merchant_id,
        kind=kind,
        amount_minor=amount_minor,
        currency_code=payment.currency_code,
        suspense_minor=suspense_minor,
        recorded=attempt.state,
        reported=evidence.outcome,
        channel_reference=evidence.channel_reference,
        needs_decision=needs_decision,
        state=first_state(needs_decision=needs_decision),
        create_time=now,
        update_time=now,
    )


def tell(
    payment: Payment,
    contradiction: Contradiction,
    attempt: PaymentAttempt,
    *,
    source: events.Evidence,
    reported_minor: int | None,
    now: datetime,
) -> tuple[Payment, events.PaymentContradicted]:
    """Tell of a contradiction, or that rules could not end it after all.

    Args:
        payment: That it is about.
        contradiction: As it stands.
        attempt: As it was recorded.
        source: Where the evidence came from.
        reported_minor: What the evidence is over; None where it says no amount.
        now: Business time.
    """
    told = replace(payment, **next_revision(payment, now))
    return told, events.PaymentContradicted(
        **facts(told),
        amount_minor=told.amount_minor,
        method=told.method,
        channel_reference=contradiction.channel_reference,
        refund_id=attempt.refund_id,
        evidence=source,
        previous_state=events.PreviousState(contradiction.recorded),
        reported_outcome=events.ReportedOutcome(contradiction.reported),
        contradiction_id=contradiction.contradiction_id,
        kind=events.ContradictionKind(contradiction.kind),
        attempt_id=attempt.attempt_id,
        capture_id=attempt.capture_id,
        expected_minor=attempt.amount_minor,
        reported_minor=reported_minor,
        needs_decision=contradiction.needs_decision,
    )


def resolve(
    payment: Payment, before: Contradiction, resolved: Contradiction, *, now: datetime
) -> tuple[Payment, events.PaymentContradictionResolved]:
    """Tell that a contradiction is over, and who bears what had been out with nothing behind it.

    Args:
        payment: That it is about.
        before: With what stood in suspense for it.
        resolved: As it ended.
        now: Business time.

    Raises:
        InvariantError: It has not ended.
    """
    if resolved.resolution is None:
        raise InvariantError(f"contradiction {resolved.contradiction_id} has not ended")
    out_minor = max(-before.suspense_minor, 0)
    charged = resolved.resolution is ContradictionResolution.CHARGE_MERCHANT
    written_off = resolved.resolution is ContradictionResolution.WRITE_OFF
    told = replace(payment, **next_revision(payment, now))
    return told, events.PaymentContradictionResolved(
        **decision_facts(told),
        contradiction_id=resolved.contradiction_id,
        amount_minor=resolved.amount_minor,
        resolution=events.ContradictionResolution(resolved.resolution),
        charged_minor=out_minor if charged else 0,
        written_off_minor=out_minor if written_off else 0,
        proposer=resolved.proposer,
        reason=resolved.reason,
    )
