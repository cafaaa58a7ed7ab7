"""The business operations on orders; each takes a sequence and gives one result or refusal per item, in order."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from paykit.cause import Cause
from paykit.errors import CurrencyMismatch, DomainError
from paykit.ids import new_id
from paykit.merchants import projection as merchant_projection
from paykit.merchants import standing as merchants
from paykit.money import require_currency
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import MerchantStatus
from paystream.order.v1 import events
from services.order import domain
from services.order.domain import LineItem, Order
from services.order.store import orders as store
from services.order.store import payments as payment_store
from services.order.store.payments import Movement

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
    known = await merchant_projection.statuses(tx, sorted({item.merchant_id for item in items}))
    results = [_create(item, known.get(item.merchant_id), tx.now) for item in items]
    made = [result for result in results if isinstance(result, Order)]
    if made and not await store.insert_orders(tx, made):
        results = await store.REFERENCES.refuse_taken(tx, results)
    kept = [(r, item.cause) for r, item in zip(results, items, strict=True) if isinstance(r, Order)]
    tx.hold(*[order.order_id for order, _ in kept])
    await store.insert_line_items(tx, [order for order, _ in kept])
    for order, cause in kept:
        tx.emit(domain.created(order), cause=cause)
    return results


async def cancel_orders(tx: Tx, items: Sequence[CancelOrder]) -> list[Order | DomainError]:
    """Call orders off; emits OrderCancelled. Refusals: OrderNotFound, IllegalTransition."""
    orders = await store.lock_orders(tx, [item.order_id for item in items])
    results: list[Order | DomainError] = []
    for item in items:
        result = _cancel(tx, item, orders.get(item.order_id))
        results.append(result)
        if isinstance(result, Order):
            orders[item.order_id] = result
    await store.update_orders(tx, [result for result in results if isinstance(result, Order)])
    return results


async def expire_orders(tx: Tx, *, limit: int) -> int:
    """End open orders whose time is over, and give their number; emits OrderExpired for each."""
    overdue = await store.lock_overdue_orders(tx, limit=limit)
    ended = [domain.expire(order, now=tx.now) for order in overdue.values()]
    await store.update_orders(tx, [order for order, _ in ended])
    for order, event in ended:
        tx.emit(event, cause=Cause(order.correlation_id))
    return len(ended)


async def record_captures(tx: Tx, items: Sequence[RecordMovement]) -> list[DomainError | None]:
    """Record what was captured for orders, each capture once; emits OrderPaid for each order that is thereby paid.

    Refusals: OrderNotFound, CurrencyMismatch.
    """
    return await _record(tx, items, payment_store.insert_captures, _captured)


async def record_refunds(tx: Tx, items: Sequence[RecordMovement]) -> list[DomainError | None]:
    """Record what went back to payers, each refund once; emits OrderRefunded for each.

    Refusals: OrderNotFound, CurrencyMismatch.
    """
    return await _record(tx, items, payment_store.insert_refunds, _refunded)


def _create(item: CreateOrder, status: MerchantStatus | None, now: datetime) -> Order | DomainError:
    try:
        require_currency(item.currency_code, field="total.currency_code")
        domain.check_items(item.line_items, total_minor=item.total_minor)
        expire_time = domain.expiry(item.expire_time, item.ttl, now=now)
    except DomainError as refusal:
        return refusal
    return merchants.refusal(item.merchant_id, status) or Order(
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
    )


def _cancel(tx: Tx, item: CancelOrder, order: Order | None) -> Order | DomainError:
    if order is None:
        return _not_found(item.order_id)
    try:
        after, event = domain.cancel(order, now=tx.now)
    except DomainError as refusal:
        return refusal
    tx.emit(event, cause=item.cause)
    return after


async def _record(
    tx: Tx,
    items: Sequence[RecordMovement],
    insert: Callable[[Tx, Sequence[Movement]], Awaitable[set[str]]],
    apply: Callable[[Order, Movement, datetime], tuple[Order, Event | None]],
) -> list[DomainError | None]:
    """Lock the orders, apply each movement that is new to what those before it left, and save what changed."""
    orders = await store.lock_orders(tx, {item.movement.order_id for item in items})
    refusals = [_unfit(item.movement, orders) for item in items]
    fits = [item for item, refusal in zip(items, refusals, strict=True) if refusal is None]
    new = await insert(tx, [item.movement for item in fits])
    changed: dict[str, Order] = {}
    for item in fits:
        movement = item.movement
        if movement.movement_id not in new:
            continue
        new.remove(movement.movement_id)  # It may stand there twice.
        order, event = apply(orders[movement.order_id], movement, tx.now)
        orders[order.order_id] = changed[order.order_id] = order
        if event is not None:
            tx.emit(event, cause=item.cause)
    await store.update_orders(tx, changed.values())
    return refusals


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


def _unfit(movement: Movement, orders: dict[str, Order]) -> DomainError | None:
    """Say why a movement cannot be of an order. An order is known here before anyone can pay for it."""
    order = orders.get(movement.order_id)
    if order is None:
        return _not_found(movement.order_id)
    if order.currency_code != movement.currency_code:
        return CurrencyMismatch("The order is in another currency.", currency_code=order.currency_code)
    return None


def _not_found(order_id: str) -> domain.OrderNotFound:
    return domain.OrderNotFound("No order has this id.", field="order_id", order_id=order_id)
