"""Money of a payer that came for a charge or capture that was over, or had taken its money already. Pure.

The ledger holds it in suspense. It is given back by a refund, tried again and again with growing pauses; what no try
gives back is left to people, who may also take it for the merchant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.aggregate import next_revision
from paykit.clock import no_earlier
from paykit.errors import IllegalTransition
from paystream.payment.v1 import events
from services.payment.domain import authorization
from services.payment.domain import refund as refund_rules
from services.payment.domain.capture import Capture, CaptureExceedsCapturable
from services.payment.domain.fee import CaptureTerms
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import CaptureMode, Payment, PaymentAction, facts
from services.payment.domain.payment import capture as capture_payment
from services.payment.domain.refund import Refund

REFUND_PAUSE_FIRST_S = 2
REFUND_PAUSE_MAX_S = 21_600
"""Business time from a refund that failed to the next: 2 s, 4 s, 8 s and so on, up to 6 hours."""
REFUNDS_MAX = 20
"""Refunds that are tried without a person: about two days of them."""


class LateCaptureState(StrEnum):
    """Whose the money is: held for the payer, given back, or the merchant's."""

    HELD = "HELD"
    RETURNED = "RETURNED"
    ACCEPTED = "ACCEPTED"


class LateCaptureAction(StrEnum):
    """What can happen to it; COME_BACK is a refund of it that came back."""

    GIVE_BACK = "GIVE_BACK"
    RETURN = "RETURN"
    ACCEPT = "ACCEPT"
    COME_BACK = "COME_BACK"


_S, _A = LateCaptureState, LateCaptureAction

TRANSITIONS: Mapping[tuple[LateCaptureState, LateCaptureAction], LateCaptureState] = MappingProxyType(
    {
        (_S.HELD, _A.GIVE_BACK): _S.HELD,
        (_S.HELD, _A.RETURN): _S.RETURNED,
        (_S.HELD, _A.ACCEPT): _S.ACCEPTED,
        (_S.RETURNED, _A.COME_BACK): _S.HELD,
    }
)
"""The state after an action; a pair that is missing is illegal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateCapture:
    """Money that came late; the amount is in minor units of `currency_code`.

    What is held of it, where a refund gave back a part, stands in suspense for its contradiction.

    Attributes:
        capture_id: cap_ and a UUIDv7 of its own, also where it came for a capture that had failed.
        attempt_id: The charge or capture that it came for.
        contradiction_id: The contradiction that is open about it, or was last.
        amount_minor: All that came; once it is accepted, what of it was.
        channel_reference: The channel's reference of it.
        original_reference: What its refunds name.
        bounced: Whether the channel took it back itself.
        refunding: Whether a refund of it is under way.
        refund_count: Refunds of it so far, by paystream itself since a person last asked for one.
        retry_time: When the next refund is tried; None while one is under way, and when that is left to people.
    """

    capture_id: str
    payment_id: str
    attempt_id: str
    contradiction_id: str
    amount_minor: int
    currency_code: str
    late_reason: events.LateReason
    channel_reference: str
    original_reference: str
    create_time: datetime
    update_time: datetime
    state: LateCaptureState = LateCaptureState.HELD
    bounced: bool = False
    refunding: bool = False
    refund_count: int = 0
    retry_time: datetime | None = None


def receive(payment: Payment, late: LateCapture, *, now: datetime) -> tuple[Payment, events.LateCaptureReceived]:
    """Tell of money that came late."""
    received = replace(payment, **next_revision(payment, now))
    return received, events.LateCaptureReceived(
        **facts(received),
        capture_id=late.capture_id,
        amount_minor=late.amount_minor,
        late_reason=late.late_reason,
        channel_reference=late.channel_reference,
        attempt_id=late.attempt_id,
    )


def accepted_for(attempt_id: str, lates: Iterable[LateCapture]) -> list[LateCapture]:
    """Return what came late for an attempt, under whichever reference, and was accepted for the merchant."""
    return [late for late in lates if late.attempt_id == attempt_id and late.state is LateCaptureState.ACCEPTED]


def give_back(
    payment: Payment, late: LateCapture, *, refund_id: str, amount_minor: int, now: datetime
) -> tuple[Payment, LateCapture, Refund, events.RefundCreated]:
    """Try to give back what is held of it.

    Raises:
        IllegalTransition: It was given back or accepted, or is being given back.
    """
    _require_no_refund(late, _A.GIVE_BACK)
    returning, refund, event = refund_rules.give_back(
        payment, refund_id=refund_id, amount_minor=amount_minor, late_capture_id=late.capture_id, now=now
    )
    tried = replace(_touch(late, now), refunding=True, refund_count=late.refund_count + 1, retry_time=None)
    return returning, tried, refund, event


def wait(late: LateCapture, *, now: datetime) -> LateCapture:
    """Record that a refund of it failed: another is tried after a pause, or people are to see to it."""
    waiting = replace(_touch(late, now), refunding=False)
    if late.state is not _S.HELD or late.refund_count >= REFUNDS_MAX:
        return waiting
    return replace(waiting, retry_time=now + pause(late.refund_count))


def pause(refund_count: int) -> timedelta:
    """Return the time to the next refund after so many, from 1."""
    return timedelta(seconds=min(REFUND_PAUSE_FIRST_S << min(refund_count - 1, 16), REFUND_PAUSE_MAX_S))


def start_over(late: LateCapture, *, now: datetime) -> LateCapture:
    """Have refunds tried from the first again: a person asked for it."""
    return replace(_touch(late, now), refund_count=0)


def returned(late: LateCapture, *, now: datetime) -> LateCapture:
    """Record that the payer has it back.

    Raises:
        IllegalTransition: It was given back or accepted before.
    """
    state = next_state(late.state, _A.RETURN)
    return replace(_touch(late, now), state=state, refunding=False, retry_time=None)


def come_back(late: LateCapture, *, contradiction_id: str, now: datetime) -> LateCapture:
    """Record that the refund of it came back: it is held again, and given back again.

    Raises:
        IllegalTransition: It was not given back.
    """
    held = replace(
        _touch(late, now),
        state=next_state(late.state, _A.COME_BACK),
        contradiction_id=contradiction_id,
        refund_count=max(late.refund_count, 1),
    )
    return wait(held, now=now)


def bounce(late: LateCapture, *, now: datetime) -> LateCapture:
    """Record that the channel took it back itself; a refund under way will fail for that."""
    return replace(_touch(late, now), bounced=True, retry_time=None)


def accept(
    payment: Payment, late: LateCapture, *, terms: CaptureTerms, order_returned_minor: int, now: datetime
) -> tuple[Payment, LateCapture, Capture, events.LateCaptureAccepted, events.PaymentSuccess]:
    """Take it for the merchant: it leaves suspense, and is captured; a capture of its own, for MANUAL.

    Raises:
        IllegalTransition: It was given back, is being given back, or the payment is still under way.
        CaptureExceedsCapturable: The payment would hold more than it is over, or than is authorized.
    """
    _require_no_refund(late, _A.ACCEPT)
    _require_room(payment, late)
    accepted_payment = replace(_make_room(payment, late.amount_minor), **next_revision(payment, now))
    accepted_event = events.LateCaptureAccepted(
        **facts(accepted_payment),
        capture_id=late.capture_id,
        amount_minor=late.amount_minor,
        channel_reference=late.channel_reference,
    )
    captured, success = capture_payment(
        accepted_payment,
        amount_minor=late.amount_minor,
        capture_id=late.capture_id,
        attempt_id=late.attempt_id,
        channel_reference=late.channel_reference,
        terms=terms,
        now=now,
        action=PaymentAction.ACCEPT,
        order_returned_minor=order_returned_minor,
    )
    accepted = replace(_touch(late, now), state=next_state(late.state, _A.ACCEPT), retry_time=None)
    return authorization.tidied(captured), accepted, _capture(late, success, terms), accepted_event, success


def next_state(state: LateCaptureState, action: LateCaptureAction) -> LateCaptureState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="Money that came late")


def _require_no_refund(late: LateCapture, action: LateCaptureAction) -> None:
    next_state(late.state, action)
    if late.refunding:
        raise IllegalTransition("A refund of it is under way.", state="REFUNDING", action=action)


def _require_room(payment: Payment, late: LateCapture) -> None:
    taken_minor = payment.captured_minor - payment.reversed_minor
    left_minor = payment.amount_minor - taken_minor
    if payment.capture_mode is CaptureMode.MANUAL:
        left_minor = payment.authorized_minor - payment.captured_minor - payment.capturing_minor
        left_minor -= payment.cancelling_minor
    if late.amount_minor > left_minor:
        raise CaptureExceedsCapturable(
            f"Only {left_minor} minor units of {payment.currency_code} can be captured.",
            capturable_minor=str(left_minor),
            currency_code=payment.currency_code,
        )


def _make_room(payment: Payment, amount_minor: int) -> Payment:
    """Return the payment with less of it given up, where what came late had been; a charge gives up all or nothing."""
    cancelled_minor = 0
    if payment.capture_mode is CaptureMode.MANUAL:
        taken_minor = payment.captured_minor + payment.capturing_minor + payment.cancelling_minor + amount_minor
        cancelled_minor = min(payment.cancelled_minor, max(payment.authorized_minor - taken_minor, 0))
    reason = payment.cancel_reason if cancelled_minor or payment.cancelling_minor else None
    return replace(payment, cancelled_minor=cancelled_minor, cancel_reason=reason)


def _capture(late: LateCapture, success: events.PaymentSuccess, terms: CaptureTerms) -> Capture:
    return Capture(
        capture_id=late.capture_id,
        payment_id=late.payment_id,
        merchant_id=success.merchant_id or "",
        amount_minor=late.amount_minor,
        currency_code=late.currency_code,
        final=False,
        state=MovementState.SUCCEEDED,
        fee_minor=success.fee_minor,
        fee_plan_version=terms.fee_plan_version,
        refund_fee_returned=terms.refund_fee_returned,
        channel_reference=late.channel_reference,
        create_time=success.occurred_at,
        update_time=success.occurred_at,
    )


def _touch(late: LateCapture, now: datetime) -> LateCapture:
    return replace(late, update_time=no_earlier(now, late.update_time))
