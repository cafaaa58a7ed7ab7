"""A payment: its states, what may happen in each, and the events that say so. Pure: `now` and ids are arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from paykit import transitions
from paykit.errors import DomainError, Kind
from paystream.payment.v1 import events
from services.payment import fee


class PaymentState(StrEnum):
    """How far a payment has come; UNKNOWN is a call without an answer and ends only by evidence."""

    CREATED = "CREATED"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


class PaymentAction(StrEnum):
    """What can happen to a payment."""

    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    FAIL = "FAIL"
    CANCEL = "CANCEL"
    LOSE_ANSWER = "LOSE_ANSWER"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"


_S, _A = PaymentState, PaymentAction

TRANSITIONS: Mapping[tuple[PaymentState, PaymentAction], PaymentState] = MappingProxyType(
    {
        (_S.CREATED, _A.AUTHORIZE): _S.AUTHORIZED,
        (_S.CREATED, _A.CAPTURE): _S.SUCCEEDED,
        (_S.CREATED, _A.FAIL): _S.FAILED,
        (_S.CREATED, _A.CANCEL): _S.CANCELLED,
        (_S.CREATED, _A.LOSE_ANSWER): _S.UNKNOWN,
        (_S.AUTHORIZED, _A.CAPTURE): _S.SUCCEEDED,
        (_S.AUTHORIZED, _A.FAIL): _S.FAILED,
        (_S.AUTHORIZED, _A.CANCEL): _S.CANCELLED,
        (_S.AUTHORIZED, _A.LOSE_ANSWER): _S.UNKNOWN,
        # Evidence ends UNKNOWN, whichever call it was that lost its answer.
        (_S.UNKNOWN, _A.AUTHORIZE): _S.AUTHORIZED,
        (_S.UNKNOWN, _A.CAPTURE): _S.SUCCEEDED,
        (_S.UNKNOWN, _A.FAIL): _S.FAILED,
        (_S.UNKNOWN, _A.CANCEL): _S.CANCELLED,
        # Several captures may add up to what was authorized; refunds and disputes leave the state alone.
        (_S.SUCCEEDED, _A.CAPTURE): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.REFUND): _S.SUCCEEDED,
        (_S.SUCCEEDED, _A.DISPUTE): _S.SUCCEEDED,
    }
)
"""The state after an action; a pair that is missing is illegal."""


class PaymentNotFound(DomainError):
    """No payment has this id."""

    kind = Kind.NOT_FOUND
    reason = "PAYMENT_NOT_FOUND"


class MerchantReferenceTaken(DomainError):
    """Another payment of the merchant has this reference; metadata says which."""

    kind = Kind.ALREADY_EXISTS
    reason = "MERCHANT_REFERENCE_TAKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment; every amount is in minor units of `currency_code`.

    Attributes:
        metadata: JSON text of an object of strings, as the merchant gave it.
        refunding_minor: Held by refunds without an outcome, UNKNOWN ones included.
        fee_returning_minor: The part of the fee that returns when those refunds succeed.
        refund_fee_returned: Taken from the fee plan at capture: a later plan does not change what was agreed.
        failure_reason: Set exactly while FAILED.
        correlation_id: The journey that all events of the payment carry.
        aggregate_version: From 1, +1 with every event.
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
    channel: str
    correlation_id: str
    create_time: datetime
    update_time: datetime
    state: PaymentState = PaymentState.CREATED
    captured_minor: int = 0
    refunded_minor: int = 0
    refunding_minor: int = 0
    disputed_minor: int = 0
    fee_minor: int = 0
    fee_returned_minor: int = 0
    fee_returning_minor: int = 0
    fee_plan_version: int | None = None
    refund_fee_returned: bool = False
    capture_id: str | None = None
    channel_reference: str | None = None
    failure_reason: events.FailureReason | None = None
    failure_code: str | None = None
    aggregate_version: int = 1


def next_state(state: PaymentState, action: PaymentAction) -> PaymentState:
    """Give the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="A payment")


def refundable_minor(payment: Payment) -> int:
    """Give what can still be refunded; refunds without an outcome count as spent."""
    return payment.captured_minor - payment.refunded_minor - payment.refunding_minor - payment.disputed_minor


def created(payment: Payment) -> events.PaymentCreated:
    """Give the event of a payment just made."""
    return events.PaymentCreated(
        occurred_at=payment.create_time,
        merchant_id=payment.merchant_id,
        correlation_id=payment.correlation_id,
        aggregate_version=payment.aggregate_version,
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        merchant_reference=payment.merchant_reference,
        amount_minor=payment.amount_minor,
        currency_code=payment.currency_code,
        method=payment.method,
        channel=payment.channel,
    )


def capture(
    payment: Payment, *, amount_minor: int, capture_id: str, channel_reference: str, terms: fee.FeeTerms, now: datetime
) -> tuple[Payment, events.PaymentSuccess]:
    """Record that an amount was captured, at most what is left of the payment's amount.

    Raises:
        IllegalTransition: The payment has failed or was cancelled.
    """
    first = payment.captured_minor == 0
    fee_minor = fee.capture_fee_minor(amount_minor=amount_minor, terms=terms, first_capture=first)
    after = _changed(
        payment,
        now,
        state=next_state(payment.state, PaymentAction.CAPTURE),
        captured_minor=payment.captured_minor + amount_minor,
        fee_minor=payment.fee_minor + fee_minor,
        fee_plan_version=terms.fee_plan_version,
        refund_fee_returned=terms.refund_fee_returned,
        capture_id=capture_id,
        channel_reference=channel_reference,
    )
    about = _about(after) | {
        "capture_id": capture_id,
        "amount_minor": amount_minor,
        "channel_reference": channel_reference,
        "fee_minor": fee_minor,
        "fee_plan_version": terms.fee_plan_version,
    }
    return after, events.PaymentSuccess(**about)


def fail(
    payment: Payment, *, reason: events.FailureReason, code: str | None, channel_reference: str | None, now: datetime
) -> tuple[Payment, events.PaymentFailed]:
    """Record that a payment ended without moving money.

    Raises:
        IllegalTransition: The payment has ended already.
    """
    after = _changed(
        payment,
        now,
        state=next_state(payment.state, PaymentAction.FAIL),
        failure_reason=reason,
        failure_code=code,
        channel_reference=channel_reference or payment.channel_reference,
    )
    about = _about(after) | {"channel_reference": after.channel_reference, "reason": reason, "failure_code": code}
    return after, events.PaymentFailed(**about)


def lose_answer(
    payment: Payment, *, evidence: events.Evidence, channel_reference: str | None, now: datetime
) -> tuple[Payment, events.PaymentUnknown]:
    """Record that a call ended without an answer.

    Raises:
        IllegalTransition: The payment has ended already.
    """
    after = _changed(
        payment,
        now,
        state=next_state(payment.state, PaymentAction.LOSE_ANSWER),
        channel_reference=channel_reference or payment.channel_reference,
    )
    about = _about(after) | {
        "channel_reference": after.channel_reference,
        "evidence": evidence,
        "previous_state": events.PreviousState(payment.state),
    }
    return after, events.PaymentUnknown(**about)


def contradict(
    payment: Payment,
    *,
    refund_id: str | None,
    recorded: events.PreviousState,
    reported: events.ReportedOutcome,
    evidence: events.Evidence,
    channel_reference: str | None,
    now: datetime,
) -> tuple[Payment, events.PaymentContradicted]:
    """Record that evidence says the opposite of what is recorded of a payment, or of its refund; both stay."""
    after = _changed(payment, now)
    about = _about(after) | {
        "channel_reference": channel_reference,
        "refund_id": refund_id,
        "evidence": evidence,
        "previous_state": recorded,
        "reported_outcome": reported,
    }
    return after, events.PaymentContradicted(**about)


def _changed(payment: Payment, now: datetime, **changes: Any) -> Payment:
    """Give the payment after a change: every change is one version, and one event."""
    return replace(payment, update_time=now, aggregate_version=payment.aggregate_version + 1, **changes)


def _about(payment: Payment) -> dict[str, Any]:
    """Give the fields that the payment's own events share."""
    return {
        "occurred_at": payment.update_time,
        "merchant_id": payment.merchant_id,
        "correlation_id": payment.correlation_id,
        "aggregate_version": payment.aggregate_version,
        "payment_id": payment.payment_id,
        "order_id": payment.order_id,
        "merchant_reference": payment.merchant_reference,
        "amount_minor": payment.amount_minor,
        "currency_code": payment.currency_code,
        "method": payment.method,
        "channel": payment.channel,
    }
