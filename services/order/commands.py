"""The business operations on orders; each takes a sequence and gives one result or refusal per item, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from paykit import consumption
from paykit.aggregate import require_etag
from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.consumption import Consumption, ConsumptionWatch
from paykit.contacts import contact as contact_rules
from paykit.contacts import erasing
from paykit.contacts.contact import PayerContact, ReceiptContact
from paykit.contacts.erasing import EraseContact
from paykit.errors import CurrencyMismatch, DomainError
from paykit.ids import new_id
from paykit.merchants import projection, standing
from paykit.merchants.references import insert_referenced
from paykit.merchants.standing import MerchantStanding
from paykit.money import require_currency
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import StatedReason
from paykit.work import Rows, fold, kept
from paystream.payment.v1.events import PaymentSuccess
from services.order import domain, store
from services.order.domain import AmountsMoved, LineItem, Order
from services.order.store import Movement, MovementKind

NEVER = datetime.min.replace(tzinfo=UTC)
"""Until then no order has expired."""


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
    contact: ReceiptContact | None = None
    cause: Cause
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """An order to call off for a reason, if it still has the etag; an empty one asks for nothing."""

    order_id: str
    reason: str
    cause: Cause
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrder:
    """Metadata that an order is to have, JSON text, if it still has the etag; an empty one asks for nothing."""

    order_id: str
    metadata: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteOrder:
    """An order to settle at what is paid of it, if it still has the etag; an empty one asks for nothing."""

    order_id: str
    cause: Cause
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMovement:
    """What a payment tells of an order's money, to record."""

    movement: Movement
    cause: Cause


async def create_orders(tx: Tx, items: Sequence[CreateOrder]) -> list[Order | DomainError]:
    """Accept orders.

    Writes an order with its items each, and emits OrderCreated. Refusals: CurrencyUnknown, MerchantUnknown,
    MerchantNotActive, MerchantSuspended, LineItemAmountMismatch, OrderTotalMismatch, FieldInvalid (expire_time,
    contact), EmailInvalid, MerchantReferenceTaken.
    """
    statuses = await projection.statuses(tx, {item.merchant_id for item in items})
    orders = fold(items, lambda item: _create(item, statuses.get(item.merchant_id), tx.now))
    results = await insert_referenced(tx, store.orders, orders)
    accepted = [(order, item) for order, item in zip(results, items, strict=True) if isinstance(order, Order)]
    await store.insert_line_items(tx, kept(results))
    await store.contacts.add(tx, {order.order_id: item.contact for order, item in accepted})
    for order, item in accepted:
        tx.emit(domain.created(order), cause=item.cause)
    return results


async def cancel_orders(tx: Tx, items: Sequence[CancelOrder]) -> list[Order | DomainError]:
    """Call orders off; emits OrderCancelled. Refusals: OrderNotFound, EtagMismatch, IllegalTransition."""
    orders = await store.orders.lock(tx, [item.order_id for item in items])
    results = fold(items, lambda item: _cancel(tx, item, orders))
    await tx.save(orders)
    return results


async def complete_orders(tx: Tx, items: Sequence[CompleteOrder]) -> list[Order | DomainError]:
    """Settle orders at what is paid of them; emits OrderPaid.

    Refusals: OrderNotFound, EtagMismatch, IllegalTransition, OrderNotPaid.
    """
    orders = await store.orders.lock(tx, [item.order_id for item in items])

    def complete(item: CompleteOrder) -> Order:
        completed, event = domain.complete(_as_read(orders, item), now=tx.now)
        tx.emit(event, cause=item.cause)
        return orders.put(completed)

    results = fold(items, complete)
    await tx.save(orders)
    return results


async def update_orders(tx: Tx, items: Sequence[UpdateOrder]) -> list[Order | DomainError]:
    """Change what merchants attached to orders, in order; no event tells of it.

    Refusals: OrderNotFound, EtagMismatch.
    """
    locked = await store.orders.lock(tx, [item.order_id for item in items])
    orders = {order.order_id: order for order in locked.values()}
    described: list[Order] = []

    def update(item: UpdateOrder) -> Order:
        order = orders.get(item.order_id)
        if order is None:
            raise domain.not_found(item.order_id)
        require_etag(item.etag, order.etag, order_id=order.order_id)
        changed = domain.describe(order, item.metadata, now=tx.now)
        if changed is not order:
            described.append(changed)
        orders[item.order_id] = changed
        return changed

    results = fold(items, update)
    await store.orders.describe(tx, described)
    return results


async def expire_orders(tx: Tx, seen: Consumption, *, limit: int) -> int:
    """End open orders whose time is over, and return their number; emits OrderExpired for each.

    None is ended before what payments told until its time is applied, as far as a look at their topic shows.
    """
    await store.watches.insert_absent(tx, [ConsumptionWatch(topic=PaymentSuccess.TOPIC)])
    watches = await store.watches.lock(tx, [PaymentSuccess.TOPIC])
    watch = watches.put(consumption.look(watches[PaymentSuccess.TOPIC], seen))
    overdue = await store.orders.lock_overdue(tx, watch.complete_time or NEVER, limit=limit)
    for order in list(overdue.values()):
        expired, event = domain.expire(order, now=tx.now)
        tx.emit(event, cause=Cause(order.correlation_id))
        overdue.put(expired)
    await tx.save(watches, overdue)
    return len(overdue)


async def record_movements(tx: Tx, items: Sequence[RecordMovement]) -> list[DomainError | None]:
    """Record what payments took and gave back for orders, each movement once.

    Emits OrderPaid for each order that is thereby paid, and OrderRefunded for each refund. Refusals: OrderNotFound,
    CurrencyMismatch.
    """
    orders = await store.orders.lock(tx, [item.movement.order_id for item in items])
    fitting = fold(items, lambda item: _fitting(item, orders))
    new = await store.insert_movements(tx, [item.movement for item in kept(fitting)])
    for item in kept(fitting):
        if item.movement.key in new:
            new.remove(item.movement.key)  # It may stand there twice.
            _record(tx, item, orders)
    await tx.save(orders)
    return [item if isinstance(item, DomainError) else None for item in fitting]


async def erase_contacts(tx: Tx, items: Sequence[EraseContact]) -> list[PayerContact | DomainError]:
    """Erase where payers of orders got receipts. Refusals: ContactNotFound."""
    return await erasing.erase(tx, store.contacts, items)


def _create(item: CreateOrder, status: MerchantStanding | None, now: datetime) -> Order:
    require_currency(item.currency_code, at=now, field="total.currency_code")
    domain.check_items(item.line_items, total_minor=item.total_minor)
    contact_rules.check(item.contact)
    expire_time = domain.expiry(item.expire_time, item.ttl, now=now)
    standing.require_active(item.merchant_id, status)
    return Order(
        order_id=new_id("ord", of=item.merchant_id),
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
        locale=item.contact.locale if item.contact else None,
        line_items=item.line_items,
        creating_call=item.creating_call,
    )


def _cancel(tx: Tx, item: CancelOrder, orders: Rows[str, Order]) -> Order:
    stated = StatedReason.of(item.reason, item.cause, now=tx.now)
    cancelled, event = domain.cancel(_as_read(orders, item), stated=stated, now=tx.now)
    tx.emit(event, cause=item.cause)
    return orders.put(cancelled)


def _as_read(orders: Rows[str, Order], item: CancelOrder | CompleteOrder) -> Order:
    order = orders.require(item.order_id, domain.not_found)
    require_etag(item.etag, order.etag, order_id=order.order_id)
    return order


def _record(tx: Tx, item: RecordMovement, orders: Rows[str, Order]) -> None:
    """Apply a movement that is new to what those before it left."""
    movement, order = item.movement, orders[item.movement.order_id]
    counted = AmountsMoved(
        captured_minor=movement.captured_minor,
        refunded_minor=movement.refunded_minor,
        lost_minor=movement.lost_minor,
        returned_before_minor=movement.returned_before_minor,
        final=movement.final,
    )
    if movement.kind is MovementKind.REFUND:
        order, refunded = domain.refund(
            order, counted, payment_id=movement.payment_id, refund_id=movement.movement_id, now=tx.now
        )
        tx.emit(refunded, cause=item.cause)
    else:
        order, paid = domain.count(order, counted, now=tx.now)
        if paid is not None:
            tx.emit(paid, cause=item.cause)
    orders.put(order)


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
