"""Movements of money at channels, as payment and withdrawal tell them. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from paykit.events.event import Event
from paystream.payment.v1 import events as payment
from paystream.withdrawal.v1 import events as withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMovement:
    """Money that moved at a channel, which a line of a statement is to tell of.

    Attributes:
        movement_id: The operation and what it is about, as in `CAPTURE:cap_...`.
        operation: What a line calls it, as in CAPTURE.
        related_no: A capture_id, refund_id, dispute_id or withdrawal_id.
        root_reference: The payment_id or withdrawal_id.
        amount_minor: In minor units of currency_code, at least 1.
    """

    movement_id: str
    operation: str
    related_no: str
    root_reference: str
    channel: str
    channel_reference: str | None
    attempt_id: str | None
    merchant_id: str | None
    amount_minor: int
    currency_code: str
    occurred_at: datetime
    correlation_id: str


class UnmovedOutcome(StrEnum):
    """How a call to a channel ended that moved no money, as far as is known."""

    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmovedAttempt:
    """A call to a channel that moved no money, as far as is known; a line that says otherwise contradicts it."""

    attempt_id: str
    operation: str
    outcome: UnmovedOutcome
    related_no: str
    root_reference: str
    channel: str
    merchant_id: str | None
    amount_minor: int
    currency_code: str
    occurred_at: datetime
    correlation_id: str


Fact = ChannelMovement | UnmovedAttempt | None


def _moved(
    event: Any, operation: str, related_no: str, *, root: str, amount_minor: int | None = None, about: str | None = None
) -> ChannelMovement | None:
    amount = event.amount_minor if amount_minor is None else amount_minor
    if amount <= 0:
        return None
    return ChannelMovement(
        movement_id=f"{operation}:{about or related_no}",
        operation=operation,
        related_no=related_no,
        root_reference=root,
        channel=event.channel,
        channel_reference=event.channel_reference,
        attempt_id=getattr(event, "attempt_id", None),
        merchant_id=event.merchant_id,
        amount_minor=amount,
        currency_code=event.currency_code,
        occurred_at=event.occurred_at,
        correlation_id=event.correlation_id,
    )


def _unmoved(
    event: Any, operation: str, outcome: UnmovedOutcome, related_no: str, *, root: str
) -> UnmovedAttempt | None:
    attempt_id = getattr(event, "attempt_id", None)
    if attempt_id is None:
        return None
    return UnmovedAttempt(
        attempt_id=attempt_id,
        operation=operation,
        outcome=outcome,
        related_no=related_no,
        root_reference=root,
        channel=getattr(event, "channel", ""),
        merchant_id=event.merchant_id,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        occurred_at=event.occurred_at,
        correlation_id=event.correlation_id,
    )


def _won(event: payment.DisputeWon) -> Fact:
    return _moved(event, "DISPUTE_REVERSED", event.dispute_id, root=event.payment_id)


def _lost(event: payment.DisputeLost) -> Fact:
    """Return what a dispute lost in part gives back; all of it is gone already."""
    returned_minor = event.returned_minor + event.excess_returned_minor
    return _moved(event, "DISPUTE_REVERSED", event.dispute_id, root=event.payment_id, amount_minor=returned_minor)


def _overturned(event: payment.DisputeOverturned) -> Fact:
    won = event.outcome is payment.DisputeDecision.WON
    operation = "DISPUTE_REVERSED" if won else "DISPUTE"
    return _moved(event, operation, event.dispute_id, root=event.payment_id, about=event.overturn_id)


def _returned(event: withdrawal.WithdrawalReturned) -> Fact:
    arrived_minor = event.amount_minor - event.bank_fee_minor
    return _moved(event, "RETURN", event.withdrawal_id, root=event.withdrawal_id, amount_minor=arrived_minor)


_FAILED, _UNKNOWN = UnmovedOutcome.FAILED, UnmovedOutcome.UNKNOWN

FACTS: Mapping[type[Event], Callable[[Any], Fact]] = MappingProxyType(
    {
        payment.PaymentSuccess: lambda e: _moved(e, "CAPTURE", e.capture_id, root=e.payment_id),
        payment.LateCaptureReceived: lambda e: _moved(e, "CAPTURE", e.capture_id, root=e.payment_id),
        payment.PaymentReversed: lambda e: _moved(e, "CAPTURE_REVERSED", e.capture_id, root=e.payment_id),
        payment.PaymentFailed: lambda e: _unmoved(e, "CAPTURE", _FAILED, e.payment_id, root=e.payment_id),
        payment.PaymentUnknown: lambda e: _unmoved(e, "CAPTURE", _UNKNOWN, e.payment_id, root=e.payment_id),
        payment.CaptureFailed: lambda e: _unmoved(e, "CAPTURE", _FAILED, e.capture_id, root=e.payment_id),
        payment.RefundSuccess: lambda e: _moved(e, "REFUND", e.refund_id, root=e.payment_id),
        payment.RefundReturned: lambda e: _moved(e, "REFUND_RETURNED", e.refund_id, root=e.payment_id),
        payment.RefundFailed: lambda e: _unmoved(e, "REFUND", _FAILED, e.refund_id, root=e.payment_id),
        payment.RefundUnknown: lambda e: _unmoved(e, "REFUND", _UNKNOWN, e.refund_id, root=e.payment_id),
        payment.DisputeOpened: lambda e: _moved(e, "DISPUTE", e.dispute_id, root=e.payment_id),
        payment.DisputeWon: _won,
        payment.DisputeLost: _lost,
        payment.DisputeOverturned: _overturned,
        withdrawal.WithdrawalCompleted: lambda e: _moved(e, "PAY", e.withdrawal_id, root=e.withdrawal_id),
        withdrawal.WithdrawalPaidLate: lambda e: _moved(
            e, "PAY", e.withdrawal_id, root=e.withdrawal_id, about=f"{e.withdrawal_id}/late"
        ),
        withdrawal.WithdrawalReturned: _returned,
        withdrawal.WithdrawalBounced: lambda e: _moved(
            e, "RETURN", e.withdrawal_id, root=e.withdrawal_id, about=f"{e.withdrawal_id}/bounced"
        ),
        withdrawal.WithdrawalFailed: lambda e: _unmoved(e, "PAY", _FAILED, e.withdrawal_id, root=e.withdrawal_id),
    }
)
"""What each event tells of movements."""
