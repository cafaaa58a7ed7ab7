"""Movements at channels as the ledger books them: told by payment and withdrawal, booked by its transactions. Pure.

Each event is booked by one transaction, whose type is the event's name. The fields of both names, and what books
nothing, are as the ledger has them: see docs/ledger.md.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from paykit.events.event import Event
from paystream.accounting.v1.events import TransactionCreated
from paystream.payment.v1 import events as payment
from paystream.reconciliation.v1.events import DiscrepancyKind
from paystream.withdrawal.v1 import events as withdrawal
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.domain.movement import FACTS, ChannelMovement


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSidedBooking:
    """What one side tells of a movement that the ledger books; the other side is awaited.

    Attributes:
        transaction_type: The event's name.
        related_no: What the transaction is booked for, as a capture_id.
        movement_id: As matching knows it; None where the ledger alone tells.
        transaction_id: Of the ledger; None where it has not booked it.
        operation: What a line calls it; None where the type alone does not say.
        channel: Empty where the ledger does not say it.
        amount_minor: In minor units of currency_code.
    """

    transaction_type: str
    related_no: str
    movement_id: str | None
    transaction_id: str | None
    operation: str | None
    channel: str
    channel_reference: str | None
    attempt_id: str | None
    root_reference: str
    merchant_id: str | None
    amount_minor: int
    currency_code: str
    occurred_at: datetime
    correlation_id: str


@dataclass(frozen=True, slots=True)
class BookedMovement:
    """How the ledger books an event: the field of `related_no`, what a line calls it, and whether it books anything."""

    field: str
    operation: str | None
    books: Callable[[Any], bool] = lambda _: True


def _refund_books(event: payment.RefundSuccess) -> bool:
    """Whether a refund is booked: before version 2, what gave back a capture that was never booked was not."""
    return event.suspense_minor > 0 or event.reason is not payment.RefundReason.CONTRADICTION


def _opened_books(event: payment.DisputeOpened) -> bool:
    """Whether an opened dispute is booked in every chart: some ignore what exceeds the payment."""
    return event.amount_minor > event.excess_minor or event.fee_minor > 0


def _won_books(event: payment.DisputeWon) -> bool:
    return event.amount_minor > event.excess_minor or event.fee_returned_minor > 0


def _lost_books(event: payment.DisputeLost) -> bool:
    return event.amount_minor > event.excess_returned_minor


BOOKED: Mapping[type[Event], BookedMovement] = MappingProxyType(
    {
        payment.PaymentSuccess: BookedMovement("capture_id", "CAPTURE"),
        payment.LateCaptureReceived: BookedMovement("capture_id", "CAPTURE"),
        payment.PaymentReversed: BookedMovement("capture_id", "CAPTURE_REVERSED"),
        payment.RefundSuccess: BookedMovement("refund_id", "REFUND", _refund_books),
        payment.RefundReturned: BookedMovement("refund_id", "REFUND_RETURNED"),
        payment.DisputeOpened: BookedMovement("dispute_id", "DISPUTE", _opened_books),
        payment.DisputeWon: BookedMovement("dispute_id", "DISPUTE_REVERSED", _won_books),
        payment.DisputeLost: BookedMovement("dispute_id", "DISPUTE_REVERSED", _lost_books),
        payment.DisputeOverturned: BookedMovement("overturn_id", None),
        withdrawal.WithdrawalCompleted: BookedMovement("withdrawal_id", "PAY"),
        withdrawal.WithdrawalPaidLate: BookedMovement("withdrawal_id", "PAY"),
        withdrawal.WithdrawalReturned: BookedMovement("withdrawal_id", "RETURN"),
        withdrawal.WithdrawalBounced: BookedMovement("withdrawal_id", "RETURN"),
    }
)
"""Every event that moves money at a channel."""
_BY_TYPE: Mapping[str, BookedMovement] = {event.__name__: booked for event, booked in BOOKED.items()}


def of_event(event: Event) -> OneSidedBooking | None:
    """Return what an event says the ledger books; None of one that moves nothing at channels."""
    booked = BOOKED.get(type(event))
    if booked is None:
        return None
    told: Any = event
    fact = FACTS[type(event)](event)
    movement = fact if isinstance(fact, ChannelMovement) else None
    return OneSidedBooking(
        transaction_type=type(event).__name__,
        related_no=getattr(event, booked.field),
        movement_id=movement.movement_id if movement is not None else None,
        transaction_id=None,
        operation=movement.operation if movement is not None else None,
        channel=told.channel,
        channel_reference=told.channel_reference,
        attempt_id=getattr(event, "attempt_id", None),
        root_reference=getattr(event, event.KEY),
        merchant_id=told.merchant_id,
        amount_minor=movement.amount_minor if movement is not None else 0,
        currency_code=told.currency_code,
        occurred_at=told.occurred_at,
        correlation_id=told.correlation_id,
    )


def is_awaited(event: Event) -> bool:
    """Whether the ledger is to book an event: it moved money at a channel, in amounts that every chart books."""
    booked = BOOKED.get(type(event))
    return booked is not None and isinstance(FACTS[type(event)](event), ChannelMovement) and booked.books(event)


def of_transaction(event: TransactionCreated) -> OneSidedBooking | None:
    """Return what a transaction says moved at a channel; None of one that books anything else."""
    booked = _BY_TYPE.get(event.transaction_type)
    if booked is None:
        return None
    return OneSidedBooking(
        transaction_type=event.transaction_type,
        related_no=event.related_no,
        movement_id=None,
        transaction_id=event.transaction_id,
        operation=booked.operation,
        channel=event.channel or "",
        channel_reference=event.channel_reference,
        attempt_id=None,
        root_reference=event.root_reference,
        merchant_id=event.merchant_id,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        occurred_at=event.effective_at,
        correlation_id=event.correlation_id or "",
    )


def once(bookings: Iterable[OneSidedBooking | None]) -> list[OneSidedBooking]:
    """Return what is there, each name once, the first of several, in the order of the names."""
    by_name: dict[tuple[str, str], OneSidedBooking] = {}
    for booking in bookings:
        if booking is not None:
            by_name.setdefault((booking.transaction_type, booking.related_no), booking)
    return [by_name[name] for name in sorted(by_name)]


def found(booking: OneSidedBooking, *, discrepancy_id: str, now: datetime) -> Discrepancy:
    """Return the discrepancy of what only one side has told in time."""
    return Discrepancy(
        discrepancy_id=discrepancy_id,
        kind=DiscrepancyKind.NOT_BOOKED if booking.transaction_id is None else DiscrepancyKind.BOOKED_ONLY,
        channel=booking.channel,
        statement_id=None,
        line_id=None,
        transaction_id=booking.transaction_id,
        attempt_id=booking.attempt_id,
        related_no=booking.related_no,
        root_reference=booking.root_reference,
        channel_reference=booking.channel_reference,
        currency_code=booking.currency_code,
        expected_minor=booking.amount_minor,
        reported_minor=None,
        reported_currency_code=None,
        expected_fee_minor=None,
        reported_fee_minor=None,
        contradiction_id=None,
        value_date=booking.occurred_at.date().isoformat(),
        operation=booking.operation,
        merchant_id=booking.merchant_id,
        correlation_id=booking.correlation_id,
        create_time=now,
        update_time=now,
    )
