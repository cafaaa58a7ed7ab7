"""What payments and merchants do, as far as it is about orders: events to commands, and the projections they keep."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from paykit.consume.delivery import Delivered, Handle, HandlerResult, Impossible
from paykit.events.event import Event
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.order import commands, store
from services.order.commands import RecordMovement
from services.order.store import Movement, MovementKind

MoneyEvent: TypeAlias = (
    events.PaymentSuccess
    | events.PaymentReversed
    | events.RefundSuccess
    | events.RefundReturned
    | events.DisputeLost
    | events.DisputeOverturned
)

E = TypeVar("E", bound=MoneyEvent)


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the latest state of each merchant."""
    await store.merchants.keep(tx, deliveries)
    return [None] * len(deliveries)


def _following(read: Callable[[E], Movement | None]) -> Handle:
    """Declare how an event of payments is followed: what it moves of an order is recorded; a rebuild keeps it alone."""

    async def on_money_moved(tx: Tx, deliveries: Sequence[Delivered[E]]) -> Sequence[HandlerResult]:
        return await _record(tx, deliveries, [read(delivery.event) for delivery in deliveries])

    async def keep(tx: Tx, deliveries: Sequence[Delivered[E]]) -> Sequence[HandlerResult]:
        movements = [read(delivery.event) for delivery in deliveries]
        await store.insert_movements(tx, [movement for movement in movements if movement])
        return [None] * len(deliveries)

    return Handle(handler=on_money_moved, rebuild=keep)


def captured(event: events.PaymentSuccess) -> Movement | None:
    """Read a capture; None when it is for no order, as for all of these."""
    return _movement(
        event,
        MovementKind.CAPTURE,
        event.capture_id,
        captured_minor=event.amount_minor,
        returned_before_minor=event.order_returned_minor,
        final=event.final,
    )


def reversed_(event: events.PaymentReversed) -> Movement | None:
    """Read a capture that bounced."""
    return _movement(event, MovementKind.REVERSAL, event.capture_id, captured_minor=-event.amount_minor)


def refunded(event: events.RefundSuccess) -> Movement | None:
    """Read a refund, as far as it gives back what was booked as captured."""
    contradicts = event.reason is events.RefundReason.CONTRADICTION
    booked_minor = 0 if contradicts else event.amount_minor - event.suspense_minor
    return _movement(event, MovementKind.REFUND, event.refund_id, refunded_minor=booked_minor)


def refund_returned(event: events.RefundReturned) -> Movement | None:
    """Read a refund that came back, as far as it had given back what was booked as captured."""
    contradicts = event.reason is events.RefundReason.CONTRADICTION
    booked_minor = 0 if contradicts else event.amount_minor - event.suspense_minor
    return _movement(event, MovementKind.REFUND_RETURN, event.refund_id, refunded_minor=-booked_minor)


def dispute_lost(event: events.DisputeLost) -> Movement | None:
    """Read a dispute that was lost, as far as it had been held of what was captured."""
    lost_minor = event.amount_minor - event.returned_minor - event.excess_lost_minor - event.excess_returned_minor
    return _movement(event, MovementKind.DISPUTE_LOSS, event.dispute_id, lost_minor=lost_minor)


def dispute_overturned(event: events.DisputeOverturned) -> Movement | None:
    """Read a decision that was decided the other way, as far as it moves what was captured."""
    won = event.outcome is events.DisputeDecision.WON
    lost_minor = -event.settlement_minor if won else event.settlement_minor
    return _movement(event, MovementKind.DISPUTE_OVERTURN, event.overturn_id, lost_minor=lost_minor)


FOLLOWED: Mapping[type[Event], Handle] = MappingProxyType(
    {
        events.PaymentSuccess: _following(captured),
        events.PaymentReversed: _following(reversed_),
        events.RefundSuccess: _following(refunded),
        events.RefundReturned: _following(refund_returned),
        events.DisputeLost: _following(dispute_lost),
        events.DisputeOverturned: _following(dispute_overturned),
    }
)
"""What of payments' events moves money of orders, and how that is followed."""


def _movement(
    event: MoneyEvent, kind: MovementKind, movement_id: str, *, final: bool = False, **amounts: int
) -> Movement | None:
    moves = any(amounts.get(name) for name in ("captured_minor", "refunded_minor", "lost_minor"))
    if event.order_id is None or not moves:
        return None
    return Movement(
        kind=kind,
        movement_id=movement_id,
        order_id=event.order_id,
        payment_id=event.payment_id,
        currency_code=event.currency_code,
        occurred_at=event.occurred_at,
        final=final,
        **amounts,
    )


async def _record(
    tx: Tx, deliveries: Sequence[Delivered[Any]], movements: Sequence[Movement | None]
) -> Sequence[HandlerResult]:
    """Record the movements that are about orders, and put each refusal in the place of its event."""
    at = [i for i, movement in enumerate(movements) if movement]
    items = [RecordMovement(movement=m, cause=d.cause) for d, m in zip(deliveries, movements, strict=True) if m]
    outcomes: list[HandlerResult] = [None] * len(deliveries)
    for i, refusal in zip(at, await commands.record_movements(tx, items), strict=True):
        outcomes[i] = Impossible(refusal) if refusal else None
    return outcomes
