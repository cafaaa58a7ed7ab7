"""A refund of a payment, and what each of its changes does to the payment's amounts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from paykit.aggregate import next_revision
from paykit.errors import DomainError, Kind
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.payment.v1 import events
from services.payment.domain import capture as capture_rules
from services.payment.domain import movement, refund_share
from services.payment.domain.attempt import Failure
from services.payment.domain.capture import Capture
from services.payment.domain.movement import MovementAction, PaymentMovement
from services.payment.domain.payment import (
    Payment,
    PaymentAction,
    PaymentFacts,
    next_state,
    refundable_minor,
    require_currency,
)
from services.payment.domain.payment import facts as payment_facts
from services.payment.domain.refund_share import RefundShare


class RefundNotFound(DomainError):
    """No refund has this id."""

    kind = Kind.NOT_FOUND
    reason = "REFUND_NOT_FOUND"


class RefundExceedsRefundable(DomainError):
    """More is asked back than is left; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "REFUND_EXCEEDS_REFUNDABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(PaymentMovement):
    """A refund of a payment.

    Attributes:
        capture_id: None for parts of several, and for what no booked capture stands behind (reason CONTRADICTION).
        fee_returned_minor: The part of the fees that returns with it, settled when the refund is made; with SUCCEEDED
            what did return.
        suspense_minor: The part of what is out that no booked capture stood behind when it went.
        returned_minor: The part of what was out that came back.
        late_capture_id: The money that came late and is given back by it; such a refund counts in no total. None once
            it is done and that money was not held any more: it is out with nothing behind it, and counts as out.
        automatic: Whether paystream gives back by itself.
        stated: Why a caller gave it up while it waited.
    """

    WHAT: ClassVar[str] = "A refund"

    refund_id: str
    merchant_id: str
    reason: events.RefundReason
    fee_returned_minor: int
    capture_id: str | None
    suspense_minor: int = 0
    returned_minor: int = 0
    late_capture_id: str | None = None
    automatic: bool = False
    stated: StatedReason = NOT_STATED


class RefundMovementFacts(PaymentFacts):
    """The fields that all refund events share, whatever moved; they are events of the payment, in its order."""

    refund_id: str
    capture_id: str | None
    reason: events.RefundReason
    automatic: bool


class RefundFacts(RefundMovementFacts):
    """The fields of refund events that tell what was asked for."""

    amount_minor: int
    fee_returned_minor: int


def not_found(refund_id: str) -> RefundNotFound:
    """Return the refusal of what is asked of a refund that does not exist."""
    return RefundNotFound("No refund has this id.", field="refund_id", refund_id=refund_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRefund:
    """A refund just made, with what it takes.

    Attributes:
        payment: With the amount held.
        shares: What captures bear of it, at least one.
        captures: Those, with their shares held, in the order of the shares.
        event: Tells of it.
    """

    payment: Payment
    refund: Refund
    shares: Sequence[RefundShare]
    captures: Sequence[Capture]
    event: events.RefundCreated


def create(
    payment: Payment,
    captures: Sequence[Capture],
    *,
    refund_id: str,
    amount_minor: int,
    currency_code: str,
    reason: events.RefundReason,
    now: datetime,
    of_capture: str | None = None,
    unasked: bool = False,
) -> AcceptedRefund:
    """Take an amount out of what can be refunded.

    Args:
        payment: Captured.
        captures: Its captures, oldest first.
        refund_id: Of the new refund.
        amount_minor: What is given back.
        currency_code: Of the amount.
        reason: Why.
        now: Business time.
        of_capture: The one capture that is given back; None for the oldest that are left.
        unasked: Whether paystream gives back by itself, which returns the fee whatever the terms are.

    Raises:
        CurrencyMismatch: The payment is in another currency.
        IllegalTransition: The payment is not captured.
        CaptureNotFound: It has no such capture.
        RefundExceedsRefundable: More than is left.
    """
    bearing = _bearing(payment, captures, of_capture, amount_minor, currency_code)
    shares = refund_share.spread(bearing, refund_id=refund_id, amount_minor=amount_minor, unasked=unasked)
    refunding = _hold(payment, shares, now)
    capture_id = shares[0].capture_id if len(shares) == 1 else None
    fee_minor = _fee_returned_minor(shares)
    refund = _refund(refunding, refund_id, amount_minor, reason, fee_minor, capture_id=capture_id, automatic=unasked)
    return AcceptedRefund(
        payment=refunding,
        refund=refund,
        shares=shares,
        captures=refund_share.hold_all(bearing, shares),
        event=_created(refunding, refund),
    )


def shares_of(refund: Refund, spread: Sequence[RefundShare]) -> Sequence[RefundShare]:
    """Return what captures bear of a refund: what was spread over several, else all of it the one that it names."""
    if spread or refund.capture_id is None:
        return spread
    whole = RefundShare(
        refund_id=refund.refund_id,
        capture_id=refund.capture_id,
        amount_minor=refund.carried_out_minor - refund.suspense_minor,
        fee_returned_minor=refund.fee_returned_minor,
    )
    return [whole] if whole.amount_minor else []


def give_back(
    payment: Payment, *, refund_id: str, amount_minor: int, late_capture_id: str | None, now: datetime
) -> tuple[Payment, Refund, events.RefundCreated]:
    """Make a refund of what no booked capture stands behind.

    With `late_capture_id` it is money that came late, which neither counts as captured nor as refunded.
    """
    contradicted = replace(payment, **next_revision(payment, now))
    reason = events.RefundReason.CONTRADICTION
    refund = _refund(contradicted, refund_id, amount_minor, reason, capture_id=None, automatic=True)
    refund = replace(refund, late_capture_id=late_capture_id)
    return contradicted, refund, _created(contradicted, refund)


def succeed(
    payment: Payment,
    refund: Refund,
    paid: Sequence[RefundShare],
    *,
    attempt_id: str,
    channel_reference: str,
    amount_minor: int,
    now: datetime,
) -> tuple[Payment, Refund, events.RefundSuccess]:
    """Record that the payer has the money back.

    Args:
        payment: Of the refund.
        refund: Under way.
        paid: What captures bear of it; the rest is taken out of suspense.
        attempt_id: The call that refunded, or by which the channel told.
        channel_reference: The channel's reference of the refund.
        amount_minor: What was given back, at most what was asked for.
        now: Business time.

    Raises:
        IllegalTransition: The refund has ended already.
    """
    succeeded = movement.succeed(refund, channel_reference=channel_reference, amount_minor=amount_minor, now=now)
    return _pay(_release(payment, refund, now), succeeded, paid, attempt_id)


def succeed_late(
    payment: Payment,
    refund: Refund,
    paid: Sequence[RefundShare],
    *,
    attempt_id: str,
    channel_reference: str,
    amount_minor: int,
    now: datetime,
) -> tuple[Payment, Refund, events.RefundSuccess]:
    """Record that the payer has the money back by a refund that had failed; what is not left is taken out of suspense.

    The arguments are those of `succeed`.

    Raises:
        IllegalTransition: The refund had not failed.
    """
    succeeded = movement.succeed_late(refund, channel_reference=channel_reference, amount_minor=amount_minor, now=now)
    return _pay(replace(payment, **next_revision(payment, now)), succeeded, paid, attempt_id)


def lose_answer(
    payment: Payment, refund: Refund, *, attempt_id: str, evidence: events.Evidence, now: datetime
) -> tuple[Payment, Refund, events.RefundUnknown]:
    """Record that the call for a refund ended without an answer; its amount stays held.

    Raises:
        IllegalTransition: The refund has ended already, or has lost its answer before.
    """
    unknown, unanswered = movement.lose_answer(refund, now=now), replace(payment, **next_revision(payment, now))
    event = events.RefundUnknown(
        **facts(unanswered, unknown),
        channel_reference=unknown.channel_reference,
        evidence=evidence,
        attempt_id=attempt_id,
        attempt_count=unanswered.attempt_count,
    )
    return unanswered, unknown, event


def fail(
    payment: Payment,
    refund: Refund,
    failure: Failure,
    *,
    now: datetime,
    by: MovementAction = MovementAction.FAIL,
) -> tuple[Payment, Refund, events.RefundFailed]:
    """Record that a refund ended without moving money; its amount can be refunded again.

    Raises:
        IllegalTransition: The refund has ended already.
    """
    failed, released = movement.fail(refund, failure, now=now, by=by), _release(payment, refund, now)
    event = events.RefundFailed(
        **facts(released, failed),
        channel_reference=failed.channel_reference,
        failure_reason=failure.reason,
        failure_code=failure.code,
        attempt_id=failure.attempt_id,
        attempt_count=released.attempt_count,
        stated_reason=failed.stated.stated_reason,
    )
    return released, failed, event


def _bearing(
    payment: Payment, captures: Sequence[Capture], of_capture: str | None, amount_minor: int, currency_code: str
) -> Sequence[Capture]:
    bearing = capture_rules.named(captures, of_capture)
    require_currency(payment, currency_code)
    next_state(payment.state, PaymentAction.REFUND)
    left = min(refundable_minor(payment), sum(map(capture_rules.refundable_minor, bearing)))
    if amount_minor > left:
        raise RefundExceedsRefundable(
            f"Only {left} minor units of {currency_code} can be refunded.",
            field="amount.amount_minor",
            refundable_minor=str(left),
            currency_code=currency_code,
        )
    return bearing


def _hold(payment: Payment, shares: Sequence[RefundShare], now: datetime) -> Payment:
    """Return the payment with what a refund takes of its captures held."""
    return replace(
        payment,
        **next_revision(payment, now),
        refunding_minor=payment.refunding_minor + sum(share.amount_minor for share in shares),
        fee_returning_minor=payment.fee_returning_minor + _fee_returned_minor(shares),
    )


def _fee_returned_minor(shares: Sequence[RefundShare]) -> int:
    return sum(share.fee_returned_minor for share in shares)


def _refund(
    payment: Payment,
    refund_id: str,
    amount_minor: int,
    reason: events.RefundReason,
    fee_returned_minor: int = 0,
    *,
    capture_id: str | None,
    automatic: bool,
) -> Refund:
    """Return a refund made with this change of the payment."""
    return Refund(
        refund_id=refund_id,
        payment_id=payment.payment_id,
        merchant_id=payment.merchant_id,
        amount_minor=amount_minor,
        currency_code=payment.currency_code,
        reason=reason,
        fee_returned_minor=fee_returned_minor,
        capture_id=capture_id,
        automatic=automatic,
        create_time=payment.update_time,
        update_time=payment.update_time,
    )


def _created(payment: Payment, refund: Refund) -> events.RefundCreated:
    return events.RefundCreated(**facts(payment, refund), channel_reference=None)


def _pay(
    payment: Payment, succeeded: Refund, paid: Sequence[RefundShare], attempt_id: str
) -> tuple[Payment, Refund, events.RefundSuccess]:
    """Count what is out with this change of the payment."""
    amount_minor, fee_minor = succeeded.carried_out_minor, _fee_returned_minor(paid)
    suspense_minor = amount_minor - sum(share.amount_minor for share in paid)
    counted = succeeded.late_capture_id is None
    refunded = replace(
        payment,
        refunded_minor=payment.refunded_minor + (amount_minor if counted else 0),
        unbacked_minor=payment.unbacked_minor + (suspense_minor if counted else 0),
        fee_returned_minor=payment.fee_returned_minor + fee_minor,
    )
    refund = replace(succeeded, fee_returned_minor=fee_minor, suspense_minor=suspense_minor, returned_minor=0)
    event = events.RefundSuccess(
        **movement_facts(refunded, refund),
        amount_minor=amount_minor,
        fee_returned_minor=fee_minor,
        channel_reference=refund.channel_reference or "",
        suspense_minor=suspense_minor,
        attempt_id=attempt_id,
        attempt_count=refunded.attempt_count,
    )
    return refunded, refund, event


def _release(payment: Payment, refund: Refund, now: datetime) -> Payment:
    """Return the payment when a refund ended: nothing is held for it any more, nor was without a capture behind it."""
    held_minor = 0 if refund.reason is events.RefundReason.CONTRADICTION else refund.amount_minor
    return replace(
        payment,
        **next_revision(payment, now),
        refunding_minor=payment.refunding_minor - held_minor,
        fee_returning_minor=payment.fee_returning_minor - refund.fee_returned_minor,
    )


def facts(payment: Payment, refund: Refund) -> RefundFacts:
    """Return what an event of the payment's latest change, which a refund made, begins with."""
    return {
        **movement_facts(payment, refund),
        "amount_minor": refund.amount_minor,
        "fee_returned_minor": refund.fee_returned_minor,
    }


def movement_facts(payment: Payment, refund: Refund) -> RefundMovementFacts:
    """Return what an event of the payment's latest change begins with, where a refund moved any amount."""
    return {
        **payment_facts(payment),
        "refund_id": refund.refund_id,
        "capture_id": refund.capture_id,
        "reason": refund.reason,
        "automatic": refund.automatic,
    }
