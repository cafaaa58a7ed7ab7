"""What each event counts as, in one table: handlers and subscriptions follow from it. Pure.

Amounts are those that the ledger books for the same event (`services/accounting/domain/booked_event.py`), so that
totals equal its totals.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from paykit.events.event import Event
from paystream.payment.v1 import events as payment
from paystream.settlement.v1 import events as settlement
from paystream.withdrawal.v1 import events as withdrawal
from services.analytics.domain.excerpt import CapturedExcerpt
from services.analytics.domain.figure import FigureKey, Measure, Tally, quarter_of

REASON_LENGTH_MAX = 64
"""Characters; a longer reason is cut."""
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrigin:
    """What later events of a payment do not tell of its beginning.

    Attributes:
        captured: Whether it has had its first capture.
    """

    payment_id: str
    method: str
    create_time: datetime
    captured: bool = False


class Count(NamedTuple):
    """What an event adds to one measure."""

    measure: Measure
    amount_minor: int
    reason: str = ""
    duration_ms: int = 0


Counted: TypeAlias = Iterator[Count]


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event and what is known beside it.

    Attributes:
        stripe: The partition that it came from.
        origin: Of its payment; None where it is of none, or the payment is not known.
        first_capture: Whether it is the first capture of its payment.
    """

    event: Any
    stripe: int
    origin: PaymentOrigin | None = None
    first_capture: bool = False


def counted(counted_event: CountedEvent) -> Iterator[tuple[FigureKey, Tally]]:
    """Return what an event adds to which figures."""
    event, origin = counted_event.event, counted_event.origin
    method = getattr(event, "method", None) or (origin.method if origin else "")
    for count in _COUNTS[type(event)](counted_event):
        key = FigureKey(
            event.merchant_id or "",
            event.currency_code,
            quarter_of(event.occurred_at),
            getattr(event, "channel", None) or "",
            str(method),
            count.measure,
            count.reason[:REASON_LENGTH_MAX],
            counted_event.stripe,
        )
        yield key, Tally(1, count.amount_minor, count.duration_ms)


def is_capture(event: Any) -> bool:
    """Return whether an event, or an excerpt, is of a capture."""
    return isinstance(event, payment.PaymentSuccess | CapturedExcerpt)


def origin_of(event: payment.PaymentCreated) -> PaymentOrigin:
    """Read what later events of the payment do not tell."""
    return PaymentOrigin(payment_id=event.payment_id, method=str(event.method), create_time=event.occurred_at)


def _whole(measure: Measure) -> Callable[[CountedEvent], Counted]:
    """Count an event by its amount."""
    return lambda counted_event: iter((Count(measure, counted_event.event.amount_minor),))


def _with_reason(
    measure: Measure, *, reason: str = "reason", amount: str = "amount_minor"
) -> Callable[[CountedEvent], Counted]:
    """Count an event by an amount, and by the reason that it names."""
    return lambda counted_event: iter(
        (Count(measure, getattr(counted_event.event, amount), str(getattr(counted_event.event, reason) or "")),)
    )


def _some(measure: Measure, amount_minor: int) -> Counted:
    """Count an amount that an event has beside its own, if there is any of it."""
    if amount_minor:
        yield Count(measure, amount_minor)


def _success(counted_event: CountedEvent) -> Counted:
    event, origin = counted_event.event, counted_event.origin
    yield Count(Measure.CAPTURED, event.amount_minor)
    yield from _some(Measure.FEES, event.fee_minor)
    if counted_event.first_capture and origin is not None:
        # Business time may be moved back in a development stack: no duration is below 0.
        waited_ms = max(0, (event.occurred_at - origin.create_time) // _MILLISECOND)
        yield Count(Measure.SUCCEEDED, event.amount_minor, duration_ms=waited_ms)


def _reversed(counted_event: CountedEvent) -> Counted:
    yield Count(Measure.REVERSED, counted_event.event.amount_minor)
    yield from _some(Measure.FEES_RETURNED, counted_event.event.fee_returned_minor)


def _refunded(counted_event: CountedEvent) -> Counted:
    event = counted_event.event
    # What gives a capture back that was never booked books nothing, before version 2 of the event.
    if event.suspense_minor > 0 or event.reason is not payment.RefundReason.CONTRADICTION:
        yield Count(Measure.REFUNDED, event.amount_minor)
        yield from _some(Measure.FEES_RETURNED, event.fee_returned_minor)


def _refund_returned(counted_event: CountedEvent) -> Counted:
    yield Count(Measure.REFUND_RETURNED, counted_event.event.amount_minor)
    yield from _some(Measure.FEES, counted_event.event.fee_minor)


def _dispute_opened(counted_event: CountedEvent) -> Counted:
    yield Count(Measure.DISPUTE_OPENED, counted_event.event.amount_minor)
    yield from _some(Measure.DISPUTE_FEES, counted_event.event.fee_minor)


def _dispute_won(counted_event: CountedEvent) -> Counted:
    yield Count(Measure.DISPUTE_WON, counted_event.event.amount_minor)
    yield from _some(Measure.DISPUTE_FEES_RETURNED, counted_event.event.fee_returned_minor)


def _overturned(counted_event: CountedEvent) -> Counted:
    event = counted_event.event
    won = event.outcome is payment.DisputeDecision.WON
    yield Count(Measure.DISPUTE_OVERTURNED_WON if won else Measure.DISPUTE_OVERTURNED_LOST, event.amount_minor)


def _settled(counted_event: CountedEvent) -> Counted:
    yield Count(Measure.SETTLED, counted_event.event.net_minor)
    yield from _some(Measure.RESERVE_HELD, counted_event.event.reserve_held_minor)


def _returned(counted_event: CountedEvent) -> Counted:
    yield Count(Measure.WITHDRAWAL_RETURNED, counted_event.event.amount_minor)
    yield from _some(Measure.BANK_FEES, counted_event.event.bank_fee_minor)


COUNTED: Mapping[type[Event], Callable[[CountedEvent], Counted]] = {
    payment.PaymentCreated: _whole(Measure.CREATED),
    payment.PaymentAuthorized: _whole(Measure.AUTHORIZED),
    payment.PaymentSuccess: _success,
    payment.PaymentFailed: _with_reason(Measure.FAILED),
    payment.PaymentCancelled: _with_reason(Measure.CANCELLED, amount="cancelled_minor"),
    payment.PaymentReversed: _reversed,
    payment.LateCaptureReceived: _whole(Measure.LATE_RECEIVED),
    payment.LateCaptureAccepted: _whole(Measure.LATE_ACCEPTED),
    payment.RefundSuccess: _refunded,
    payment.RefundFailed: _with_reason(Measure.REFUND_FAILED, reason="failure_reason"),
    payment.RefundReturned: _refund_returned,
    payment.DisputeOpened: _dispute_opened,
    payment.DisputeWon: _dispute_won,
    payment.DisputeLost: _whole(Measure.DISPUTE_LOST),
    payment.DisputeOverturned: _overturned,
    settlement.SettlementCompleted: _settled,
    settlement.SettlementFailed: _with_reason(Measure.SETTLEMENT_FAILED, amount="net_minor"),
    settlement.ReserveReleased: _whole(Measure.RESERVE_RELEASED),
    withdrawal.WithdrawalCreated: _whole(Measure.WITHDRAWAL_CREATED),
    withdrawal.WithdrawalCompleted: _whole(Measure.WITHDRAWN),
    withdrawal.WithdrawalPaidLate: _whole(Measure.WITHDRAWN),
    withdrawal.WithdrawalFailed: _with_reason(Measure.WITHDRAWAL_FAILED),
    withdrawal.WithdrawalReturned: _returned,
    withdrawal.WithdrawalBounced: _whole(Measure.WITHDRAWAL_RETURNED),
}
"""Every event that counts, by its class."""

_COUNTS: Mapping[type, Callable[[CountedEvent], Counted]] = {**COUNTED, CapturedExcerpt: _success}
