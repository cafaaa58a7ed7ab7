"""The business operations on orders; each takes a sequence and gives one result or refusal per item, in order."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import CurrencyMismatch, DomainError
from paykit.ids import new_id
from paykit.merchants import projection, standing
from paykit.merchants.references import insert_referenced
from paykit.merchants.standing import MerchantStanding
from paykit.money import require_currency
from paykit.postgres.database import Tx
from paykit.work import Rows, fold, kept
from paystream.order.v1 import events
from services.order import domain, store
from services.order.domain import LineItem, Order
from services.order.store import Movement

Event: TypeAlias = events.OrderPaid | events.OrderRefunded


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder:
    """An order asked for; amounts are in minor units of `currency_code`.

    Attributes:
        metadata: JSON text of an object of strings.
        expire_time: Until when it can be paid; at most one of this and `ttl` is given.
        ttl: How long it can be paid.
    """

    merchant_id: str
    merchant_reference: str
    line_items: tuple[LineItem, ...]
    total_minor: int
    currency_code: str
    expire_time: datetime | None
    ttl: timedelta | None
    metadata: str
    cause: Cause
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """An order to call off."""

    order_id: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMovement:
    """A capture or a refund to record."""

    movement: Movement
    cause: Cause


async def create_orders(tx: Tx, items: Sequence[CreateOrder]) -> list[Order | DomainError]:
    """Accept orders.

    Writes an order with its items each, and emits OrderCreated. Refusals: CurrencyUnknown, MerchantUnknown,
    MerchantNotActive, MerchantSuspended, LineItemAmountMismatch, OrderTotalMismatch, FieldInvalid (expire_time),
    MerchantReferenceTaken.
    """
    statuses = await projection.statuses(tx, {item.merchant_id for item in items})
    orders = fold(items, lambda item: _create(item, statuses.get(item.merchant_id), tx.now))
    results = await insert_referenced(tx, store.orders, orders)
    await store.insert_line_items(tx, kept(results))
    for item, order in zip(items, results, strict=True):
        if isinstance(order, Order):
            tx.emit(domain.created(order), cause=item.cause)
    return results


async def cancel_orders(tx: Tx, items: Sequence[CancelOrder]) -> list[Order | DomainError]:
    """Call orders off; emits OrderCancelled. Refusals: OrderNotFound, IllegalTransition."""
    orders = await store.orders.lock(tx, [item.order_id for item in items])
    results = fold(items, lambda item: _cancel(tx, item, orders))
    await tx.save(orders)
    return results


async def expire_orders(tx: Tx, *, limit: int) -> int:
    """End open orders whose time is over, and return their number; emits OrderExpired for each."""
    overdue = await store.orders.lock_overdue(tx, limit=limit)
    for order in list(overdue.values()):
        expired, event = domain.expire(order, now=tx.now)
        tx.emit(event, cause=Cause(order.correlation_id))
        overdue.put(expired)
    await tx.save(overdue)
    return len(overdue)


async def record_captures(tx: Tx, items: Sequence[RecordMovement]) -> list[DomainError | None]:
    """Record what was captured for orders, each capture once; emits OrderPaid for each order that is thereby paid.

    Refusals: OrderNotFound, CurrencyMismatch.
    """
    return await _record(tx, items, store.insert_captures, _captured)


async def record_refunds(tx: Tx, items: Sequence[RecordMovement]) -> list[DomainError | None]:
    """Record what went back to payers, each refund once; emits OrderRefunded for each.

    Refusals: OrderNotFound, CurrencyMismatch.
    """
    return await _record(tx, items, store.insert_refunds, _refunded)


def _create(item: CreateOrder, status: MerchantStanding | None, now: datetime) -> Order:
    require_currency(item.currency_code, field="total.currency_code")
    domain.check_items(item.line_items, total_minor=item.total_minor)
    expire_time = domain.expiry(item.expire_time, item.ttl, now=now)
    standing.require_active(item.merchant_id, status)
    return Order(
        order_id=new_id("ord"),
        merchant_id=item.merchant_id,
        merchant_reference=item.merchant_reference,
        total_minor=item.total_minor,
        currency_code=item.currency_code,
        item_count=len(item.line_items),
        metadata=item.metadata,
        correlation_id=item.cause.correlation_id,
        expire_time=expire_time,
        create_time=now,
        update_time=now,
        line_items=item.line_items,
        creating_call=item.creating_call,
    )


def _cancel(tx: Tx, item: CancelOrder, orders: Rows[str, Order]) -> Order:
    cancelled, event = domain.cancel(orders.require(item.order_id, domain.not_found), now=tx.now)
    tx.emit(event, cause=item.cause)
    return orders.put(cancelled)


async def _record(
    tx: Tx,
    items: Sequence[RecordMovement],
    insert: Callable[[Tx, Sequence[Movement]], Awaitable[set[str]]],
    apply: Callable[[Order, Movement, datetime], tuple[Order, Event | None]],
) -> list[DomainError | None]:
    """Lock the orders, apply each movement that is new to what those before it left, and save what changed."""
    orders = await store.orders.lock(tx, [item.movement.order_id for item in items])
    fitting = fold(items, lambda item: _fitting(item, orders))
    new = await insert(tx, [item.movement for item in kept(fitting)])
    for item in kept(fitting):
        movement = item.movement
        if movement.movement_id not in new:
            continue
        new.remove(movement.movement_id)  # It may stand there twice.
        order, event = apply(orders[movement.order_id], movement, tx.now)
        orders.put(order)
        if event is not None:
            tx.emit(event, cause=item.cause)
    await tx.save(orders)
    return [item if isinstance(item, DomainError) else None for item in fitting]


def _captured(order: Order, movement: Movement, now: datetime) -> tuple[Order, Event | None]:
    return domain.capture(order, amount_minor=movement.amount_minor, now=now)


def _refunded(order: Order, movement: Movement, now: datetime) -> tuple[Order, Event | None]:
    return domain.refund(
        order,
        payment_id=movement.payment_id,
        refund_id=movement.movement_id,
        amount_minor=movement.amount_minor,
        now=now,
    )


def _fitting(item: RecordMovement, orders: Rows[str, Order]) -> RecordMovement:
    """Return a movement that can be of its order, which is known here before anyone can pay for it.

    Raises:
        OrderNotFound: It is not.
        CurrencyMismatch: The order is in another currency.
    """
    order = orders.require(item.movement.order_id, domain.not_found)
    if order.currency_code != item.movement.currency_code:
        raise CurrencyMismatch("The order is in another currency.", currency_code=order.currency_code)
    return item
