"""A capture of an authorized payment, and what each of its changes does to the payment's amounts. Pure.

A charge is captured with its authorization and needs none of this: see `payment.capture`, which both use.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from paykit.aggregate import next_revision
from paykit.clock import no_earlier
from paykit.errors import DomainError, IllegalTransition, Kind
from paystream.payment.v1 import events
from services.payment.domain import authorization, movement
from services.payment.domain.attempt import AttemptAction, Failure, PaymentAttempt
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.movement import MovementState, PaymentMovement
from services.payment.domain.payment import CaptureMode, Payment, PaymentAction, facts, next_state
from services.payment.domain.payment import capture as capture_payment


class CaptureNotFound(DomainError):
    """The payment has no capture of this id."""

    kind = Kind.NOT_FOUND
    reason = "CAPTURE_NOT_FOUND"


class CaptureExceedsCapturable(DomainError):
    """More is to be captured than is left; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CAPTURE_EXCEEDS_CAPTURABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(PaymentMovement):
    """A capture of a payment.

    Attributes:
        final: What it leaves is given up once it has succeeded.
        fee_minor: Charged to the merchant for it; 0 before it succeeded.
        fee_plan_version: The plan that the fee was computed by; None before it succeeded.
        refund_fee_returned: Taken from that plan: a later one does not change what was agreed.
        refunding_minor: Held of it by refunds without an outcome, UNKNOWN ones included.
        reversed_minor: The part of it that bounced.
        disputed_minor: Held of it by disputes, lost ones included.
        overdisputed_minor: Disputed or lost above what was left of it; what becomes free is kept for it.
        fee_returning_minor: The part of the fee that returns when those refunds succeed.
    """

    WHAT: ClassVar[str] = "A capture"

    capture_id: str
    merchant_id: str
    final: bool
    fee_minor: int = 0
    fee_plan_version: int | None = None
    refund_fee_returned: bool = False
    reversed_minor: int = 0
    refunded_minor: int = 0
    refunding_minor: int = 0
    disputed_minor: int = 0
    overdisputed_minor: int = 0
    fee_returned_minor: int = 0
    fee_returning_minor: int = 0


def named(captures: Iterable[Capture], capture_id: str | None) -> list[Capture]:
    """Return the capture of this id, or all of them where none is named.

    Raises:
        CaptureNotFound: None of them has it.
    """
    found = [capture for capture in captures if capture_id in {None, capture.capture_id}]
    if capture_id is not None and not found:
        raise CaptureNotFound("The payment has no capture of this id.", field="capture_id", capture_id=capture_id)
    return found


def refundable_minor(capture: Capture) -> int:
    """Return what can still be refunded of a capture; refunds without an outcome count as spent."""
    if capture.state is not MovementState.SUCCEEDED:
        return 0
    disputed_minor = capture.disputed_minor + capture.overdisputed_minor
    spent_minor = capture.refunded_minor + capture.refunding_minor + disputed_minor
    return max(capture.carried_out_minor - capture.reversed_minor - spent_minor, 0)


def kept_fee_minor(capture: Capture) -> int:
    """Return what of a capture's fee has not returned, nor will with refunds that are under way."""
    return capture.fee_minor - capture.fee_returned_minor - capture.fee_returning_minor


def create(
    payment: Payment, *, capture_id: str, amount_minor: int | None, final: bool, now: datetime
) -> tuple[Payment, Capture]:
    """Take an amount out of what can be captured; no event says so.

    Args:
        payment: Authorized.
        capture_id: Of the new capture.
        amount_minor: None for all that is left.
        final: Whether the rest is given up afterwards; nothing else can be captured meanwhile.
        now: Business time.

    Raises:
        IllegalTransition: The payment is not authorized.
        CaptureExceedsCapturable: More than is left, or nothing is.
    """
    taken_minor = _require_capturable(payment, amount_minor)
    holding = _hold(payment, taken_minor, now)
    if final:
        holding = authorization.intend_cancel(holding, reason=events.CancelReason.REQUESTED, now=now)
    capture = Capture(
        capture_id=capture_id,
        payment_id=payment.payment_id,
        merchant_id=payment.merchant_id,
        amount_minor=taken_minor,
        currency_code=payment.currency_code,
        final=final,
        create_time=now,
        update_time=now,
    )
    return holding, capture


def succeed(
    payment: Payment,
    capture: Capture,
    *,
    attempt_id: str,
    channel_reference: str,
    amount_minor: int,
    terms: CaptureTerms,
    now: datetime,
    order_returned_minor: int = 0,
) -> tuple[Payment, Capture, events.PaymentSuccess]:
    """Record that the amount is taken, or the part of it that was approved; the rest can be captured again.

    Raises:
        IllegalTransition: The capture has ended already.
    """
    amount_minor = min(amount_minor, capture.amount_minor)
    succeeded = movement.succeed(capture, channel_reference=channel_reference, amount_minor=amount_minor, now=now)
    captured, event = capture_payment(
        _hold(payment, -capture.amount_minor, now),
        amount_minor=amount_minor,
        capture_id=capture.capture_id,
        attempt_id=attempt_id,
        channel_reference=channel_reference,
        terms=terms,
        now=now,
        final=capture.final,
        order_returned_minor=order_returned_minor,
    )
    charged = replace(
        succeeded,
        fee_minor=event.fee_minor,
        fee_plan_version=terms.fee_plan_version,
        refund_fee_returned=terms.refund_fee_returned,
    )
    return authorization.tidied(captured), charged, event


def fail(
    payment: Payment, capture: Capture, failure: Failure, *, now: datetime
) -> tuple[Payment, Capture, events.CaptureFailed]:
    """Record that a capture ended without moving money; its amount can be captured again.

    Raises:
        IllegalTransition: The capture has ended already.
    """
    failed = movement.fail(capture, failure, now=now)
    released = replace(_hold(payment, -capture.amount_minor, now), **next_revision(payment, now))
    if capture.final and payment.cancel_reason is events.CancelReason.REQUESTED:
        released = replace(released, cancel_reason=None)
    return (
        released,
        failed,
        events.CaptureFailed(
            **facts(released),
            capture_id=failed.capture_id,
            amount_minor=failed.amount_minor,
            method=released.method,
            channel_reference=failed.channel_reference,
            reason=failure.reason,
            failure_code=failure.code,
            final=failed.final,
            attempt_id=failure.attempt_id or "",
            attempt_count=released.attempt_count,
        ),
    )


def of_charge(payment: Payment) -> Capture | None:
    """Return the capture that came with a payment's charge, which stands in the payment's own row; None before it."""
    if payment.capture_mode is not CaptureMode.AUTOMATIC or payment.capture_id is None:
        return None
    return Capture(
        capture_id=payment.capture_id,
        payment_id=payment.payment_id,
        merchant_id=payment.merchant_id,
        amount_minor=payment.captured_minor,
        currency_code=payment.currency_code,
        final=False,
        state=MovementState.SUCCEEDED,
        fee_minor=payment.fee_minor,
        fee_plan_version=payment.fee_plan_version,
        refund_fee_returned=payment.refund_fee_returned,
        reversed_minor=payment.reversed_minor,
        refunded_minor=payment.refunded_minor - payment.unbacked_minor,
        refunding_minor=payment.refunding_minor,
        disputed_minor=payment.disputed_minor,
        overdisputed_minor=payment.overdisputed_minor,
        fee_returned_minor=payment.fee_returned_minor,
        fee_returning_minor=payment.fee_returning_minor,
        channel_reference=payment.channel_reference,
        create_time=payment.create_time,
        update_time=payment.update_time,
    )


def timed(charged: Capture, attempts: Iterable[PaymentAttempt]) -> Capture:
    """Return the capture of a charge with the times of the attempt that took it: its payment changes later, too."""
    charge = next((attempt for attempt in attempts if attempt.action is AttemptAction.CHARGE), None)
    return replace(charged, create_time=charge.create_time, update_time=charge.update_time) if charge else charged


def _hold(payment: Payment, amount_minor: int, now: datetime) -> Payment:
    """Return the payment with so much more held by captures, or less of it; no event tells of it."""
    return replace(
        payment,
        update_time=no_earlier(now, payment.update_time),
        capturing_minor=payment.capturing_minor + amount_minor,
    )


def _require_capturable(payment: Payment, amount_minor: int | None) -> int:
    next_state(payment.state, PaymentAction.CAPTURE)
    if not payment.authorized_minor:
        raise IllegalTransition(
            "Nothing is authorized apart from its capture.", state=payment.state, action=PaymentAction.CAPTURE
        )
    left_minor = authorization.capturable_minor(payment)
    taken_minor = left_minor if amount_minor is None else amount_minor
    if not 0 < taken_minor <= left_minor:
        raise CaptureExceedsCapturable(
            f"Only {left_minor} minor units of {payment.currency_code} can be captured.",
            field="amount.amount_minor",
            capturable_minor=str(left_minor),
            currency_code=payment.currency_code,
        )
    return taken_minor
