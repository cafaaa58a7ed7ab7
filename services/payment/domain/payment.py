"""A payment: its states, what may happen in each, and the events that say so. Pure: `now` and ids are arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.aggregate import AggregateFacts, aggregate_facts, next_revision
from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import CurrencyMismatch, DomainError, Kind
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.payment.v1 import events
from paystream.quick_init import quick_init
from services.payment.domain import fee
from services.payment.domain import method as method_rules
from services.payment.domain.attempt import Failure
from services.payment.domain.method import NO_DETAIL, MethodDetail, MethodFacts
from services.payment.domain.payer_action import NOTHING_TO_DO, PayerAction


class PaymentState(StrEnum):
    """How far a payment has come.

    UNKNOWN is a call without an answer, REQUIRES_ACTION one whose channel waits for the payer; both end by evidence.
    """

    CREATED = "CREATED"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    REQUIRES_ACTION = "REQUIRES_ACTION"


class CaptureMode(StrEnum):
    """When an authorized amount is captured: with the authorization, or by captures that are asked for."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class PaymentAction(StrEnum):
    """What can happen to a payment; CAPTURE is one of possibly several."""

    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    FAIL = "FAIL"
    CANCEL = "CANCEL"
    LOSE_ANSWER = "LOSE_ANSWER"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    ACCEPT = "ACCEPT"
    LOSE_AUTHORIZATION = "LOSE_AUTHORIZATION"
    REQUIRE_ACTION = "REQUIRE_ACTION"


_S, _A = PaymentState, PaymentAction

TRANSITIONS: Mapping[tuple[PaymentState, PaymentAction], PaymentState] = MappingProxyType(
    {
        (_S.CREATED, _A.AUTHORIZE): _S.AUTHORIZED,
        (_S.CREATED, _A.CAPTURE): _S.SUCCEEDED,
        (_S.CREATED, _A.FAIL): _S.FAILED,
        (_S.CREATED, _A.CANCEL): _S.CANCELLED,
        (_S.CREATED, _A.LOSE_ANSWER): _S.UNKNOWN,
        # What follows an authorization has its own machine: its failures and lost answers leave the payment's alone.
        (_S.AUTHORIZED, _A.CAPTURE): _S.SUCCEEDED,
        (_S.AUTHORIZED, _A.CANCEL): _S.CANCELLED,
        # Evidence ends UNKNOWN, whichever call it was that lost its answer.
        (_S.UNKNOWN, _A.AUTHORIZE): _S.AUTHORIZED,
        (_S.UNKNOWN, _A.CAPTURE): _S.SUCCEEDED,
        (_S.UNKNOWN, _A.FAIL): _S.FAILED,
        # The channel waits for the payer, for one thing after the other; then it may still have to decide.
        (_S.CREATED, _A.REQUIRE_ACTION): _S.REQUIRES_ACTION,
        (_S.UNKNOWN, _A.REQUIRE_ACTION): _S.REQUIRES_ACTION,
        (_S.REQUIRES_ACTION, _A.REQUIRE_ACTION): _S.REQUIRES_ACTION,
        (_S.REQUIRES_ACTION, _A.LOSE_ANSWER): _S.UNKNOWN,
        (_S.REQUIRES_ACTION, _A.AUTHORIZE): _S.AUTHORIZED,
        (_S.REQUIRES_ACTION, _A.CAPTURE): _S.SUCCEEDED,
        (_S.REQUIRES_ACTION, _A.FAIL): _S.FAILED,
        (_S.REQUIRES_ACTION, _A.CANCEL): _S.CANCELLED,
        # Several captures may add up to what was authorized, and what they leave is given up; refunds and disputes
        # leave the state alone.
        (_S.SUCCEEDED, _A.CAPTURE): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.CANCEL): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.REFUND): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.DISPUTE): _S.SUCCEEDED,
        # Two people take money that came late for the merchant.
        (_S.FAILED, _A.ACCEPT): _S.SUCCEEDED,
        (_S.CANCELLED, _A.ACCEPT): _S.SUCCEEDED,
        (_S.AUTHORIZED, _A.ACCEPT): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.ACCEPT): _S.SUCCEEDED,
        # Its channel has the authorization no more.
        (_S.AUTHORIZED, _A.LOSE_AUTHORIZATION): _S.FAILED,
    }
)
"""The state after an action; a pair that is missing is illegal."""


class PaymentNotFound(DomainError):
    """No payment has this id."""

    kind = Kind.NOT_FOUND
    reason = "PAYMENT_NOT_FOUND"


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment; every amount is in minor units of `currency_code`.

    Attributes:
        metadata, metadata_version: JSON text of an object of strings, as the merchant gave it, and how often anew.
        country_code: Of the merchant, when the payment was accepted.
        authorized_minor: With MANUAL; a charge is never authorized apart from its capture.
        capturing_minor, refunding_minor, fee_returning_minor: Held by captures and refunds without an outcome.
        cancelling_minor: Held by a void without an outcome; never beside a capture.
        cancelled_minor: Given up without having been captured.
        cancel_reason: Set from when what is not captured is to be given up, even before a channel is asked: nothing
            more is captured from then on.
        stated: Why a caller last asked to give it up, which counts while that is the cancel_reason.
        authorize_time: When the amount was authorized; None of a charge.
        expire_time: When what is not captured is given up; None when nothing is left, or it is being given up.
        capture_id: The latest capture.
        channel_reference: Of the charge or authorization, which its captures and refunds name.
        unbacked_minor: The part of what was refunded that no capture stood behind; the ledger holds it in suspense.
        fee_plan_version, refund_fee_returned: Of the latest capture: a later plan does not change what was agreed.
        lost_minor: The part of what is disputed that is lost.
        overdisputed_minor: Disputed or lost above what was left; what becomes free is kept for it.
        reversed_minor: The part of what was captured that bounced.
        failure_reason: Set exactly while FAILED.
        return_url: Where its channel sends the payer back to; None where the caller gave none.
        payer_action: What it waits for of its payer.
        correlation_id: The journey that all events of the payment carry.
        aggregate_version: From 1, +1 with every event.
        creating_call: Kept so that the same call creates nothing again.
    """

    payment_id: str
    merchant_id: str
    merchant_reference: str
    order_id: str | None
    amount_minor: int
    currency_code: str
    method: events.PaymentMethod
    method_token: str
    metadata: str
    method_detail: MethodDetail = NO_DETAIL
    return_url: str | None = field(default=None, repr=False)
    country_code: str | None = None
    channel: str
    correlation_id: str
    create_time: datetime
    update_time: datetime
    state: PaymentState = PaymentState.CREATED
    capture_mode: CaptureMode = CaptureMode.AUTOMATIC
    authorized_minor: int = 0
    capturing_minor: int = 0
    cancelling_minor: int = 0
    cancelled_minor: int = 0
    cancel_reason: events.CancelReason | None = None
    stated: StatedReason = NOT_STATED
    authorize_time: datetime | None = None
    expire_time: datetime | None = None
    expiry_warned: bool = False
    attempt_count: int = 1
    capture_count: int = 0
    captured_minor: int = 0
    reversed_minor: int = 0
    refunded_minor: int = 0
    unbacked_minor: int = 0
    refunding_minor: int = 0
    disputed_minor: int = 0
    overdisputed_minor: int = 0
    lost_minor: int = 0
    fee_minor: int = 0
    fee_returned_minor: int = 0
    fee_returning_minor: int = 0
    fee_plan_version: int | None = None
    refund_fee_returned: bool = False
    capture_id: str | None = None
    channel_reference: str | None = None
    failure_reason: events.FailureReason | None = None
    failure_code: str | None = None
    payer_action: PayerAction = NOTHING_TO_DO
    aggregate_version: int = 1
    metadata_version: int = 0
    creating_call: CreatingCall = NO_CALL


class DecisionFacts(AggregateFacts):
    """The fields that all events of a payment share, also of what people decide without a channel."""

    payment_id: str
    order_id: str | None
    merchant_reference: str
    currency_code: str


class PaymentFacts(DecisionFacts):
    """The fields that all events of what its channel did for a payment share, refunds and disputes included."""

    channel: str


class CaptureFacts(PaymentFacts, MethodFacts, fee.TermsFacts):
    """The fields that tell of a payment at a capture."""

    captured_total_minor: int
    capture_number: int
    created_at: datetime
    authorized_at: datetime | None
    attempt_count: int


def next_state(state: PaymentState, action: PaymentAction) -> PaymentState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A payment")


def refundable_minor(payment: Payment) -> int:
    """Return what can still be refunded: refunds without an outcome count as spent, and what is out counts as out."""
    disputed_minor = payment.disputed_minor + payment.overdisputed_minor
    gone_minor = payment.reversed_minor + payment.refunded_minor + payment.refunding_minor + disputed_minor
    return max(payment.captured_minor - gone_minor, 0)


def not_found(payment_id: str) -> PaymentNotFound:
    """Return the refusal of what is asked of a payment that does not exist."""
    return PaymentNotFound("No payment has this id.", field="payment_id", payment_id=payment_id)


def require_currency(payment: Payment, currency_code: str) -> None:
    """Check the currency of an amount to be captured or refunded.

    Raises:
        CurrencyMismatch: The payment is in another.
    """
    if currency_code != payment.currency_code:
        raise CurrencyMismatch(
            f"The payment is in {payment.currency_code}.",
            field="amount.currency_code",
            currency_code=payment.currency_code,
        )


def created(payment: Payment) -> events.PaymentCreated:
    """Return the event of a payment just made."""
    return events.PaymentCreated(**facts(payment), **method_facts(payment), amount_minor=payment.amount_minor)


def capture(
    payment: Payment,
    *,
    amount_minor: int,
    capture_id: str,
    attempt_id: str,
    channel_reference: str,
    terms: fee.CaptureTerms,
    now: datetime,
    final: bool = False,
    action: PaymentAction = PaymentAction.CAPTURE,
    order_returned_minor: int = 0,
) -> tuple[Payment, events.PaymentSuccess]:
    """Record that an amount was captured, at most what is left of the payment's amount.

    Args:
        payment: Before it, with nothing held for this capture any more.
        amount_minor: What was captured.
        capture_id: The capture.
        attempt_id: The call that captured.
        channel_reference: Of the capture; of a charge, it is the payment's as well.
        terms: In force for the merchant.
        now: Business time.
        final: Whether the merchant takes no more of the payment.
        action: ACCEPT for money that came late.
        order_returned_minor: Refunded or lost before, for its order.

    Raises:
        IllegalTransition: The payment has failed or was cancelled, and nobody accepts it late.
    """
    of_a_charge = payment.capture_mode is CaptureMode.AUTOMATIC
    captured = replace(
        _charged(_by_terms(payment, terms), amount_minor, terms),
        **next_revision(payment, now),
        state=next_state(payment.state, action),
        capture_id=capture_id,
        channel_reference=channel_reference if of_a_charge else payment.channel_reference,
    )
    return captured, events.PaymentSuccess(
        **_capture_facts(captured, terms),
        amount_minor=amount_minor,
        capture_id=capture_id,
        attempt_id=attempt_id,
        channel_reference=channel_reference,
        fee_minor=captured.fee_minor - payment.fee_minor,
        final=final,
        order_returned_minor=order_returned_minor,
    )


def _capture_facts(captured: Payment, terms: fee.CaptureTerms) -> CaptureFacts:
    return {
        **facts(captured),
        **method_facts(captured),
        "captured_total_minor": captured.captured_minor,
        "capture_number": captured.capture_count,
        "created_at": captured.create_time,
        "authorized_at": captured.authorize_time,
        "attempt_count": captured.attempt_count,
        **fee.terms_facts(terms),
    }


def _charged(payment: Payment, amount_minor: int, terms: fee.CaptureTerms) -> Payment:
    """Return a payment of which more is captured, with its fee."""
    fee_minor = fee.capture_fee_minor(
        amount_minor=amount_minor, terms=terms, captured_minor=payment.captured_minor, fee_minor=payment.fee_minor
    )
    return replace(
        payment,
        captured_minor=payment.captured_minor + amount_minor,
        capture_count=payment.capture_count + 1,
        fee_minor=payment.fee_minor + fee_minor,
    )


def fail(
    payment: Payment, failure: Failure, *, now: datetime, action: PaymentAction = PaymentAction.FAIL
) -> tuple[Payment, events.PaymentFailed]:
    """Record that a payment ended without moving money; the action is LOSE_AUTHORIZATION where it was authorized.

    Raises:
        IllegalTransition: The payment has ended already.
    """
    failed = replace(
        payment,
        **next_revision(payment, now),
        state=next_state(payment.state, action),
        failure_reason=failure.reason,
        failure_code=failure.code,
        channel_reference=failure.channel_reference or payment.channel_reference,
        cancel_reason=None,
        expire_time=None,
        payer_action=NOTHING_TO_DO,
    )
    return failed, events.PaymentFailed(
        **facts(failed),
        amount_minor=failed.amount_minor,
        method=failed.method,
        channel_reference=failed.channel_reference,
        reason=failure.reason,
        failure_code=failure.code,
        attempt_id=failure.attempt_id,
        attempt_count=failed.attempt_count,
        created_at=failed.create_time,
    )


def _by_terms(payment: Payment, terms: fee.CaptureTerms) -> Payment:
    """Return the payment with the terms of its latest capture; whatever was meant before, it has not failed."""
    called_off = payment.payer_action.calling_off is not None
    return replace(
        payment,
        cancel_reason=None if called_off else payment.cancel_reason,
        payer_action=NOTHING_TO_DO,
        failure_reason=None,
        failure_code=None,
        fee_plan_version=terms.fee_plan_version,
        refund_fee_returned=terms.refund_fee_returned,
    )


def facts(payment: Payment) -> PaymentFacts:
    """Return what an event of the payment's latest change begins with."""
    return {**decision_facts(payment), "channel": payment.channel}


def method_facts(payment: Payment) -> MethodFacts:
    """Return what an event tells of how and where the payment is made."""
    detail, mode = payment.method_detail, events.CaptureMode(payment.capture_mode)
    return method_rules.facts(payment.method, detail, mode, country_code=payment.country_code)


def decision_facts(payment: Payment) -> DecisionFacts:
    """Return what an event of the payment's latest change begins with, where people decided it."""
    return {
        **aggregate_facts(payment),
        "payment_id": payment.payment_id,
        "order_id": payment.order_id,
        "merchant_reference": payment.merchant_reference,
        "currency_code": payment.currency_code,
    }
