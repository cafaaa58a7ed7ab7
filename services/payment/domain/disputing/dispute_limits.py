"""What disputes take of the limits of payments and captures, and what they claim beyond them. Pure."""

from dataclasses import replace

from paystream.payment.v1 import events
from services.payment.domain import capture as capture_rules
from services.payment.domain import payment as payment_rules
from services.payment.domain.dispute import Dispute, DisputeCase, DisputeState


def disputable_minor(case: DisputeCase) -> int:
    """Return what is left to be held of the disputed capture, beside what disputes take already.

    What they claim beyond that is not taken off: it is for them that it is left.
    """
    left_minor = payment_rules.refundable_minor(replace(case.payment, overdisputed_minor=0))
    if case.capture is None:
        return left_minor
    return min(left_minor, capture_rules.refundable_minor(replace(case.capture, overdisputed_minor=0)))


def count(case: DisputeCase, counted_minor: int) -> DisputeCase:
    """Return the case with this much taken of the limits, of the payment and of the capture."""
    more_minor = counted_minor - case.dispute.counted_minor
    capture = case.capture
    return replace(
        case,
        payment=replace(case.payment, disputed_minor=case.payment.disputed_minor + more_minor),
        capture=capture and replace(capture, disputed_minor=capture.disputed_minor + more_minor),
        dispute=replace(case.dispute, counted_minor=counted_minor),
    )


def tallied(before: Dispute | None, case: DisputeCase) -> DisputeCase:
    """Return the case with what its dispute takes for good, and claims beyond what was left, noted in the limits."""
    lost_minor = _lost_minor(case.dispute) - (_lost_minor(before) if before else 0)
    over_minor = _over_minor(case.dispute) - (_over_minor(before) if before else 0)
    payment, capture = case.payment, case.capture
    return replace(
        case,
        payment=replace(
            payment,
            lost_minor=payment.lost_minor + lost_minor,
            overdisputed_minor=payment.overdisputed_minor + over_minor,
        ),
        capture=capture and replace(capture, overdisputed_minor=capture.overdisputed_minor + over_minor),
    )


def _over_minor(dispute: Dispute) -> int:
    """Return what a dispute claims, or has won of the merchant, above what it takes of the limits.

    The acquirer takes it of whatever becomes free of the capture: a refund that fails gives nothing back to refund.
    """
    if dispute.stage is events.DisputeStage.INQUIRY or dispute.state in {DisputeState.WON, DisputeState.CLOSED}:
        return 0
    taken_minor = dispute.lost_minor if dispute.state is DisputeState.LOST else dispute.claimed_minor
    return max(taken_minor - dispute.counted_minor, 0)


def _lost_minor(dispute: Dispute) -> int:
    """Return what a dispute takes of the limits for good, as far as its decision stands."""
    return dispute.counted_minor if dispute.state is DisputeState.LOST else 0
