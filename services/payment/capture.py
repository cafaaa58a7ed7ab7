"""A capture of an authorized payment: its states, and what each change does to the payment's amounts. Pure.

A charge is captured with its authorization and needs none of this: see `domain.capture`, which both use.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.errors import DomainError, IllegalTransition, Kind
from paystream.payment.v1 import events
from services.payment import authorization, domain
from services.payment.attempt import Attempt, AttemptAction
from services.payment.domain import Payment, PaymentAction
from services.payment.fee import FeeTerms


class CaptureState(StrEnum):
    """How far a capture has come; CREATED and UNKNOWN hold their amount."""

    CREATED = "CREATED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class CaptureAction(StrEnum):
    """What can happen to a capture."""

    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    LOSE_ANSWER = "LOSE_ANSWER"


_S, _A = CaptureState, CaptureAction

TRANSITIONS: Mapping[tuple[CaptureState, CaptureAction], CaptureState] = MappingProxyType(
    {
        (_S.CREATED, _A.SUCCEED): _S.SUCCEEDED,
        (_S.CREATED, _A.FAIL): _S.FAILED,
        (_S.CREATED, _A.LOSE_ANSWER): _S.UNKNOWN,
        (_S.UNKNOWN, _A.SUCCEED): _S.SUCCEEDED,
        (_S.UNKNOWN, _A.FAIL): _S.FAILED,
    }
)
"""The state after an action; a pair that is missing is illegal."""


class CaptureExceedsCapturable(DomainError):
    """More is to be captured than is left; metadata says what is left."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CAPTURE_EXCEEDS_CAPTURABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture; amounts are in minor units of `currency_code`.

    Attributes:
        final: What it leaves is given up once it has succeeded.
        fee_minor: Charged to the merchant for it; 0 before it succeeded.
        channel_reference: Of the capture itself.
        failure_reason: Set exactly while FAILED.
    """

    capture_id: str
    payment_id: str
    amount_minor: int
    currency_code: str
    final: bool
    create_time: datetime
    update_time: datetime
    state: CaptureState = CaptureState.CREATED
    fee_minor: int = 0
    channel_reference: str | None = None
    failure_reason: events.FailureReason | None = None
    failure_code: str | None = None


def next_state(state: CaptureState, action: CaptureAction) -> CaptureState:
    """Give the state after an action.

    Raises:
        IllegalTransition: The capture has ended already, or has lost its answer before.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A capture")


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
    after = domain.noted(payment, now, capturing_minor=payment.capturing_minor + taken_minor)
    if final:
        after = authorization.intend_cancel(after, reason=events.CancelReason.REQUESTED, now=now)
    made = Capture(
        capture_id=capture_id,
        payment_id=payment.payment_id,
        amount_minor=taken_minor,
        currency_code=payment.currency_code,
        final=final,
        create_time=now,
        update_time=now,
    )
    return after, made


def succeed(
    payment: Payment, made: Capture, *, channel_reference: str, terms: FeeTerms, now: datetime
) -> tuple[Payment, Capture, events.PaymentSuccess]:
    """Record that the amount is taken.

    Raises:
        IllegalTransition: The capture has ended already.
    """
    state = next_state(made.state, CaptureAction.SUCCEED)
    released = domain.noted(payment, now, capturing_minor=payment.capturing_minor - made.amount_minor)
    after, event = domain.capture(
        released,
        amount_minor=made.amount_minor,
        capture_id=made.capture_id,
        channel_reference=channel_reference,
        terms=terms,
        now=now,
    )
    ended = replace(made, state=state, fee_minor=event.fee_minor, channel_reference=channel_reference, update_time=now)
    return authorization.tidied(after), ended, event


def fail(
    payment: Payment,
    made: Capture,
    *,
    reason: events.FailureReason,
    code: str | None,
    channel_reference: str | None,
    now: datetime,
) -> tuple[Payment, Capture]:
    """Record that a capture ended without moving money; its amount can be captured again, and no event says so.

    Raises:
        IllegalTransition: The capture has ended already.
    """
    ended = replace(
        made,
        state=next_state(made.state, CaptureAction.FAIL),
        channel_reference=channel_reference or made.channel_reference,
        failure_reason=reason,
        failure_code=code,
        update_time=now,
    )
    after = domain.noted(payment, now, capturing_minor=payment.capturing_minor - made.amount_minor)
    if made.final and payment.cancel_reason is events.CancelReason.REQUESTED:
        after = domain.noted(after, now, cancel_reason=None)
    return after, ended


def of_charge(payment: Payment, attempts: Iterable[Attempt]) -> list[Capture]:
    """Give the capture that came with a payment's charge; none if there is none."""
    charge = next((a for a in attempts if a.action is AttemptAction.CHARGE), None)
    if payment.capture_id is None or charge is None:
        return []
    made = Capture(
        capture_id=payment.capture_id,
        payment_id=payment.payment_id,
        amount_minor=payment.captured_minor,
        currency_code=payment.currency_code,
        final=False,
        state=CaptureState.SUCCEEDED,
        fee_minor=payment.fee_minor,
        channel_reference=payment.channel_reference,
        create_time=charge.create_time,
        update_time=charge.update_time,
    )
    return [made]


def lose_answer(made: Capture, *, now: datetime) -> Capture:
    """Record that a call ended without an answer; the amount stays held, and no event says so.

    Raises:
        IllegalTransition: The capture has ended already, or has lost its answer before.
    """
    return replace(made, state=next_state(made.state, CaptureAction.LOSE_ANSWER), update_time=now)


def _require_capturable(payment: Payment, amount_minor: int | None) -> int:
    domain.next_state(payment.state, PaymentAction.CAPTURE)
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
