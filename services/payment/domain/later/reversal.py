"""A capture that had succeeded and bounced: the channel took its money back. Pure.

What had been refunded of it stays refunded: the payer has that twice, and the merchant is short of it.
"""

from dataclasses import replace
from datetime import datetime

from paykit.aggregate import next_revision
from paystream.payment.v1 import events
from services.payment.domain import fee
from services.payment.domain.capture import Capture, kept_fee_minor
from services.payment.domain.payment import Payment, facts


def left_minor(capture: Capture) -> int:
    """Return what of a capture has not bounced."""
    return capture.carried_out_minor - capture.reversed_minor


def reverse(
    payment: Payment, capture: Capture, *, amount_minor: int, attempt_id: str, code: str | None, now: datetime
) -> tuple[Payment, Capture, events.PaymentReversed]:
    """Record that all or part of a capture bounced; its fee returns in full, in proportion for a part.

    Args:
        payment: Captured.
        capture: Of it; nothing has bounced of it before.
        amount_minor: At most what has not bounced.
        attempt_id: The call that had captured.
        code: Why, as the channel says.
        now: Business time.
    """
    fee_minor = _returned_fee_minor(capture, amount_minor)
    reversed_payment = replace(
        payment,
        **next_revision(payment, now),
        reversed_minor=payment.reversed_minor + amount_minor,
        fee_returned_minor=payment.fee_returned_minor + fee_minor,
    )
    reversed_capture = replace(
        capture,
        reversed_minor=capture.reversed_minor + amount_minor,
        fee_returned_minor=capture.fee_returned_minor + fee_minor,
        update_time=reversed_payment.update_time,
    )
    return (
        reversed_payment,
        reversed_capture,
        events.PaymentReversed(
            **facts(reversed_payment),
            capture_id=capture.capture_id,
            amount_minor=amount_minor,
            fee_returned_minor=fee_minor,
            channel_reference=capture.channel_reference or "",
            failure_code=code,
            attempt_id=attempt_id,
        ),
    )


def _returned_fee_minor(capture: Capture, amount_minor: int) -> int:
    """Return the part of the fee that returns, at most what refunds have not returned of it."""
    if amount_minor == left_minor(capture):
        return kept_fee_minor(capture)
    return fee.own_returned_fee_minor(
        fee_minor=capture.fee_minor,
        given_minor=capture.fee_returned_minor + capture.fee_returning_minor,
        captured_minor=capture.carried_out_minor,
        refunded_minor=capture.refunded_minor + capture.refunding_minor,
        amount_minor=amount_minor,
    )
