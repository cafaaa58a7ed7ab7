"""A refund that had succeeded and came back, in whole or in part. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paykit.clock import no_earlier
from paystream.payment.v1 import events
from services.payment.domain import movement, refund_share
from services.payment.domain.payment import Payment
from services.payment.domain.refund import Refund, movement_facts
from services.payment.domain.refund_share import RefundShare


def kept_shares(refund: Refund, shares: Sequence[RefundShare], amount_minor: int) -> Sequence[RefundShare]:
    """Return what captures still bear of a refund of which an amount came back: suspense has it first."""
    borne_minor = sum(share.amount_minor for share in shares)
    return refund_share.fit(shares, borne_minor - max(amount_minor - refund.suspense_minor, 0))


def send_back(
    payment: Payment,
    refund: Refund,
    taken: Sequence[RefundShare],
    *,
    amount_minor: int,
    attempt_id: str,
    code: str | None,
    now: datetime,
) -> tuple[Payment, Refund, events.RefundReturned]:
    """Record that all or part of a refund came back, with the fee that it had returned.

    Args:
        payment: Of the refund.
        refund: That had succeeded; nothing of it came back before.
        taken: What captures have again; the rest goes back into suspense.
        amount_minor: At most what is out.
        attempt_id: The call that had refunded.
        code: Why, as the channel says.
        now: Business time.

    Raises:
        IllegalTransition: The refund had not succeeded.
    """
    fee_minor = sum(share.fee_returned_minor for share in taken)
    suspense_minor = amount_minor - sum(share.amount_minor for share in taken)
    counted_minor = amount_minor if refund.late_capture_id is None else 0
    restored = replace(
        payment,
        **next_revision(payment, now),
        refunded_minor=payment.refunded_minor - counted_minor,
        unbacked_minor=max(payment.unbacked_minor - min(suspense_minor, counted_minor), 0),
        fee_returned_minor=payment.fee_returned_minor - fee_minor,
    )
    event = events.RefundReturned(
        **movement_facts(restored, refund),
        amount_minor=amount_minor,
        fee_minor=fee_minor,
        suspense_minor=suspense_minor,
        channel_reference=refund.channel_reference or "",
        failure_code=code,
        attempt_id=attempt_id,
        attempt_count=restored.attempt_count,
    )
    return restored, _returned(refund, amount_minor, fee_minor, suspense_minor, now), event


def _returned(refund: Refund, amount_minor: int, fee_minor: int, suspense_minor: int, now: datetime) -> Refund:
    """Return a refund of which an amount came back; one of which a part did is over the rest from then on."""
    if amount_minor == refund.carried_out_minor:
        return replace(movement.send_back(refund, now=now), returned_minor=amount_minor)
    return replace(
        refund,
        update_time=no_earlier(now, refund.update_time),
        approved_minor=refund.carried_out_minor - amount_minor,
        fee_returned_minor=refund.fee_returned_minor - fee_minor,
        suspense_minor=refund.suspense_minor - suspense_minor,
        returned_minor=amount_minor,
    )
