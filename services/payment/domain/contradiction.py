"""How contradictions about payments end, and the events that say so. Pure; see `paykit.contradictions`."""

from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paykit.contradictions.contradiction import Contradiction, ContradictionResolution
from paykit.errors import InvariantError
from paystream.payment.v1 import events
from services.payment.domain.payment import Payment, decision_facts


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
