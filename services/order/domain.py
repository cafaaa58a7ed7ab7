"""An order: its states, what may happen in each, and the events that say so. Pure: `now` and ids are arguments.

Captures are recorded in every state, for they are facts; only one that completes an order still open makes it PAID. A
capture alone is told by no event of the order, so aggregate_version counts what is told, and the etag looks at both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.aggregate import AggregateFacts, aggregate_facts, next_revision
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, FieldInvalid, InvariantError, Kind
from paystream.order.v1 import events

LIFE_MAX = timedelta(days=366)
"""How far ahead an order can expire."""


class OrderState(StrEnum):
    """How far an order has come; one that is paid in part is still CREATED."""

    CREATED = "CREATED"
    PAID = "PAID"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class OrderAction(StrEnum):
    """What can happen to an order."""

    CAPTURE = "CAPTURE"
    PAY = "PAY"
    REFUND = "REFUND"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


_S, _A = OrderState, OrderAction

TRANSITIONS: Mapping[tuple[OrderState, OrderAction], OrderState] = MappingProxyType(
    {
        (_S.CREATED, _A.PAY): _S.PAID,
        (_S.CREATED, _A.CANCEL): _S.CANCELLED,
        (_S.CREATED, _A.EXPIRE): _S.EXPIRED,
        # What a payment tells is recorded, whatever became of the order.
        **{(state, action): state for state in OrderState for action in (_A.CAPTURE, _A.REFUND)},
    }
)
"""The state after an action; a pair that is missing is illegal."""


class OrderNotFound(DomainError):
    """No order has this id."""

    kind = Kind.NOT_FOUND
    reason = "ORDER_NOT_FOUND"


class LineItemAmountMismatch(DomainError):
    """The amount of an item is not its quantity times its unit price; metadata says what it should be."""

    kind = Kind.INVALID_ARGUMENT
    reason = "LINE_ITEM_AMOUNT_MISMATCH"


class OrderTotalMismatch(DomainError):
    """The total is not the sum of the items; metadata says what it should be."""

    kind = Kind.INVALID_ARGUMENT
    reason = "ORDER_TOTAL_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """One line of an order, in the order's currency."""

    name: str
    quantity: int
    unit_price_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order; every amount is in minor units of `currency_code`.

    Attributes:
        metadata: JSON text of an object of strings, as the merchant gave it.
        line_items: In the order given; empty where an order was read without them.
        paid_minor: Captured so far, refunds not taken off.
        expire_time: None: it never expires.
        correlation_id: The journey that all events of the order carry.
        aggregate_version: From 1, +1 with every event.
        creating_call: Kept so that the same call creates nothing again.
    """

    order_id: str
    merchant_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    item_count: int
    metadata: str
    correlation_id: str
    expire_time: datetime | None
    create_time: datetime
    update_time: datetime
    line_items: tuple[LineItem, ...] = ()
    state: OrderState = OrderState.CREATED
    paid_minor: int = 0
    refunded_minor: int = 0
    aggregate_version: int = 1
    creating_call: CreatingCall = NO_CALL

    @property
    def etag(self) -> str:
        """Changes with every change; opaque to callers."""
        return f"{self.aggregate_version}-{self.paid_minor}"

    @property
    def fully_refunded(self) -> bool:
        """Whether something was captured and all of it has gone back."""
        return 0 < self.paid_minor == self.refunded_minor


class OrderFacts(AggregateFacts):
    """The fields that all events of an order share."""

    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str


def not_found(order_id: str) -> OrderNotFound:
    """Return the refusal of what is asked of an order that does not exist."""
    return OrderNotFound("No order has this id.", field="order_id", order_id=order_id)


def next_state(state: OrderState, action: OrderAction) -> OrderState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The action is not possible in this state.
    """
    return transitions.next_state(TRANSITIONS, state, action, what="An order")


def check_items(items: tuple[LineItem, ...], *, total_minor: int) -> None:
    """Hold the amounts of an order against each other.

    Raises:
        LineItemAmountMismatch: An item is not its quantity times its unit price.
        OrderTotalMismatch: The total is not the sum of the items.
    """
    for i, item in enumerate(items):
        amount_minor = item.quantity * item.unit_price_minor
        if item.amount_minor != amount_minor:
            raise LineItemAmountMismatch(
                "The amount is not quantity x unit_price.",
                field=f"line_items[{i}].amount.amount_minor",
                amount_minor=str(amount_minor),
            )
    sum_minor = sum(item.amount_minor for item in items)
    if sum_minor != total_minor:
        raise OrderTotalMismatch(
            "The total is not the sum of the items.", field="total.amount_minor", total_minor=str(sum_minor)
        )


def expiry(expire_time: datetime | None, ttl: timedelta | None, *, now: datetime) -> datetime | None:
    """Return the time until which an order can be paid; None for ever.

    Raises:
        FieldInvalid: The time is past, or too far ahead.
    """
    until = now + ttl if ttl else expire_time
    if until is not None and not now < until <= now + LIFE_MAX:
        message = f"expire_time must be to come, and at most {LIFE_MAX.days} days ahead."
        raise FieldInvalid(message, field="expire_time")
    return until


def created(order: Order) -> events.OrderCreated:
    """Return the event of an order just made."""
    return events.OrderCreated(**facts(order), item_count=order.item_count, expires_at=order.expire_time)


def capture(order: Order, *, amount_minor: int, now: datetime) -> tuple[Order, events.OrderPaid | None]:
    """Record that a payment captured an amount for the order, in any state; an open one that it completes is paid."""
    next_state(order.state, OrderAction.CAPTURE)
    update_time = no_earlier(now, order.update_time)
    captured = replace(order, paid_minor=order.paid_minor + amount_minor, update_time=update_time)
    if order.state is not OrderState.CREATED or captured.paid_minor < order.total_minor:
        return captured, None
    paid = replace(captured, **next_revision(order, now), state=next_state(order.state, OrderAction.PAY))
    return paid, events.OrderPaid(**facts(paid), paid_minor=paid.paid_minor)


def refund(
    order: Order, *, payment_id: str, refund_id: str, amount_minor: int, now: datetime
) -> tuple[Order, events.OrderRefunded]:
    """Record that a refund of one of the order's payments reached the payer, in any state.

    Raises:
        InvariantError: More goes back than was captured.
    """
    if amount_minor > order.paid_minor - order.refunded_minor:
        raise InvariantError(f"{order.order_id}: {refund_id} gives back more than was captured")
    state = next_state(order.state, OrderAction.REFUND)
    refunded_minor = order.refunded_minor + amount_minor
    refunded = replace(order, **next_revision(order, now), state=state, refunded_minor=refunded_minor)
    return refunded, events.OrderRefunded(
        **facts(refunded),
        paid_minor=refunded.paid_minor,
        payment_id=payment_id,
        refund_id=refund_id,
        amount_minor=amount_minor,
        refunded_minor=refunded_minor,
        fully_refunded=refunded.fully_refunded,
    )


def cancel(order: Order, *, now: datetime) -> tuple[Order, events.OrderCancelled]:
    """Call an order off.

    Raises:
        IllegalTransition: The order is paid, cancelled or expired.
    """
    cancelled = replace(order, **next_revision(order, now), state=next_state(order.state, OrderAction.CANCEL))
    return cancelled, events.OrderCancelled(**facts(cancelled), paid_minor=cancelled.paid_minor)


def expire(order: Order, *, now: datetime) -> tuple[Order, events.OrderExpired]:
    """End an order whose time is over.

    Raises:
        IllegalTransition: The order is paid, cancelled or expired.
        InvariantError: Its time is not over.
    """
    state = next_state(order.state, OrderAction.EXPIRE)
    if order.expire_time is None or now < order.expire_time:
        raise InvariantError(f"{order.order_id} has time until {order.expire_time}")
    expired = replace(order, **next_revision(order, now), state=state)
    event = events.OrderExpired(**facts(expired), paid_minor=expired.paid_minor, expired_at=order.expire_time)
    return expired, event


def facts(order: Order) -> OrderFacts:
    """Return what an event of the order's latest change begins with."""
    return {
        **aggregate_facts(order),
        "order_id": order.order_id,
        "merchant_reference": order.merchant_reference,
        "total_minor": order.total_minor,
        "currency_code": order.currency_code,
    }
