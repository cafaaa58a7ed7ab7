"""What payments and merchants do, as far as it is about orders: events to commands, and the projections they keep."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.payment.v1.events import PaymentSuccess, RefundSuccess
from services.order import commands, store
from services.order.commands import RecordMovement
from services.order.store import Movement


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the latest state of each merchant."""
    await store.merchants.keep(tx, deliveries)
    return [None] * len(deliveries)


async def on_payment_success(tx: Tx, deliveries: Sequence[Delivered[PaymentSuccess]]) -> Sequence[HandlerResult]:
    """Record captures of payments for orders; an order that they complete is paid."""
    return await _record(tx, deliveries, [store.captured(d.event) for d in deliveries], commands.record_captures)


async def on_refund_success(tx: Tx, deliveries: Sequence[Delivered[RefundSuccess]]) -> Sequence[HandlerResult]:
    """Record refunds of payments for orders."""
    movements = [store.refunded(delivery.event) for delivery in deliveries]
    return await _record(tx, deliveries, movements, commands.record_refunds)


async def keep_captures(tx: Tx, deliveries: Sequence[Delivered[PaymentSuccess]]) -> Sequence[HandlerResult]:
    """Keep the captures alone, as on_payment_success does beside what it decides."""
    movements = [store.captured(delivery.event) for delivery in deliveries]
    await store.insert_captures(tx, [movement for movement in movements if movement])
    return [None] * len(deliveries)


async def keep_refunds(tx: Tx, deliveries: Sequence[Delivered[RefundSuccess]]) -> Sequence[HandlerResult]:
    """Keep the refunds alone, as on_refund_success does beside what it decides."""
    movements = [store.refunded(delivery.event) for delivery in deliveries]
    await store.insert_refunds(tx, [movement for movement in movements if movement])
    return [None] * len(deliveries)


async def _record(
    tx: Tx,
    deliveries: Sequence[Delivered[Any]],
    movements: Sequence[Movement | None],
    command: Callable[[Tx, Sequence[RecordMovement]], Awaitable[Sequence[DomainError | None]]],
) -> Sequence[HandlerResult]:
    """Hand a command the movements that are about orders, and put each refusal in the place of its event."""
    at = [i for i, movement in enumerate(movements) if movement]
    items = [RecordMovement(movement=m, cause=d.cause) for d, m in zip(deliveries, movements, strict=True) if m]
    outcomes: list[HandlerResult] = [None] * len(deliveries)
    for i, refusal in zip(at, await command(tx, items), strict=True):
        outcomes[i] = Impossible(refusal) if refusal else None
    return outcomes
