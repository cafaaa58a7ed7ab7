"""Captures that a channel says to have taken back: which they are, and what of each was taken under its reference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from paystream.payment.v1 import events
from services.payment import domain
from services.payment.commands.work import ContradictionWork
from services.payment.domain.attempt import PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.later.late_capture import LateCapture
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import CaptureMode, Payment


@dataclass(frozen=True, slots=True)
class Taken:
    """A capture with what of it was taken under one reference.

    Attributes:
        amount_minor: Of a charge it may be less than all that the payment captured.
    """

    capture: Capture
    amount_minor: int


def taken(rows: ContradictionWork, attempt: PaymentAttempt, reference: str | None, *, second: bool) -> Sequence[Taken]:
    """Return what an attempt captured under a reference, or what was accepted late of it, the latest first.

    Args:
        rows: With the payment, and of the attempt its capture and all that came late.
        attempt: A charge or capture.
        reference: The attempt's own, or another that it was carried out under.
        second: Whether it is another: under that the attempt has captured nothing but what was accepted late.
    """
    payment = rows.payments[attempt.payment_id]
    accepted = domain.late_capture.accepted_for(attempt.attempt_id, rows.late_captures.values())
    here = [late for late in accepted if late.channel_reference == reference]
    if payment.capture_mode is CaptureMode.AUTOMATIC:
        return _of_charge(payment, attempt, accepted, here, reference, second=second)
    capture_ids = [late.capture_id for late in here] + ([] if second else [attempt.capture_id or ""])
    captures = [rows.captures[capture_id] for capture_id in capture_ids if capture_id in rows.captures]
    succeeded = [capture for capture in captures if capture.state is MovementState.SUCCEEDED]
    return [Taken(capture, domain.reversal.left_minor(capture)) for capture in succeeded]


def _of_charge(
    payment: Payment,
    attempt: PaymentAttempt,
    accepted: Sequence[LateCapture],
    here: Sequence[LateCapture],
    reference: str | None,
    *,
    second: bool,
) -> Sequence[Taken]:
    """Return the part of what a payment captured; its own row sums up the charge and all that was accepted late."""
    charged = domain.capture.of_charge(payment)
    if charged is None or (second and not here):
        return []
    # What the charge captured itself is what is left without all that was accepted late under other references.
    charge = not second and all(late.late_reason is events.LateReason.ABOVE_AMOUNT for late in here)
    other_minor = sum(late.amount_minor for late in accepted if late not in here)
    amount_minor = payment.captured_minor - other_minor if charge else sum(late.amount_minor for late in here)
    own_id = here[0].capture_id if here else attempt.allotted_capture_id or charged.capture_id
    return [Taken(replace(charged, capture_id=own_id, channel_reference=reference), amount_minor)]
