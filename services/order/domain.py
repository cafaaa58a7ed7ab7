"""An order: its states, what may happen in each, and the events that say so. Pure: `now` and ids are arguments.

What payments tell is recorded in every state, for it is fact; only what completes an order still open makes it PAID.
An order counts net: what was refunded, lost in a dispute or bounced is to be paid again while it is open, and an
order that was PAID stays so. What no event of the order tells changes no aggregate_version, so the etag looks at both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from paykit import transitions
from paykit.aggregate import AggregateFacts, aggregate_facts, etag_of, next_revision
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, FieldInvalid, InvariantError, Kind
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paystream.order.v1 import events

LIFE_MAX = timedelta(days=366)
"""How far ahead an order can expire."""


class OrderState(StrEnum):
    """How far an order has come; one that is paid in part is still CREATED, one that was paid stays PAID."""

    CREATED = "CREATED"
    PAID = "PAID"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class OrderAction(StrEnum):
    """What can happen to an order."""

    COUNT = "COUNT"
    PAY = "PAY"
    COMPLETE = "COMPLETE"
    REFUND = "REFUND"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


_S, _A = OrderState, OrderAction

TRANSITIONS: Mapping[tuple[OrderState, OrderAction], OrderState] = MappingProxyType(
    {
        (_S.CREATED, _A.PAY): _S.PAID,
        (_S.CREATED, _A.COMPLETE): _S.PAID,
        (_S.CREATED, _A.CANCEL): _S.CANCELLED,
        (_S.CREATED, _A.EXPIRE): _S.EXPIRED,
        # What a payment tells is recorded, whatever became of the order.
        **{(state, action): state for state in OrderState for action in (_A.COUNT, _A.REFUND)},
    }
)
"""The state after an action; a pair that is missing is illegal."""


class OrderNotFound(DomainError):
    """No order has this id."""

    kind = Kind.NOT_FOUND
    reason = "ORDER_NOT_FOUND"


class OrderNotPaid(DomainError):
    """Nothing is paid of an order that is to be completed: it can be cancelled."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ORDER_NOT_PAID"


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
        metadata, metadata_version: JSON text of an object of strings, as the merchant gave it, and how often anew.
        locale: The payer's language, BCP 47; None where the merchant gave none.
        line_items: In the order given; empty where an order was read without them.
        captured_minor: Captured so far, less what bounced.
        refunded_minor: Of that, less what came back.
        lost_minor: Of that, in disputes.
        known_returned_minor: The most that a capture told to have been refunded or lost before it. Each payment is
            followed by itself, so that a capture may be heard of before the refund of another that made room for it.
        expire_time: None: it never expires.
        stated: Why it was called off.
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
    locale: str | None = None
    line_items: tuple[LineItem, ...] = ()
    state: OrderState = OrderState.CREATED
    captured_minor: int = 0
    refunded_minor: int = 0
    lost_minor: int = 0
    known_returned_minor: int = 0
    stated: StatedReason = NOT_STATED
    aggregate_version: int = 1
    metadata_version: int = 0
    creating_call: CreatingCall = NO_CALL

    @property
    def paid_minor(self) -> int:
        """What was captured and has not gone again; nothing where a capture bounced that was refunded already."""
        return max(self.captured_minor - self.refunded_minor - self.lost_minor, 0)

    @property
    def reached(self) -> bool:
        """Whether what was paid had reached the total when the last of the captures was made.

        What went since then does not count, also where it was heard of before that capture was.
        """
        return self.captured_minor - self.known_returned_minor >= self.total_minor

    @property
    def etag(self) -> str:
        """Changes with every change; opaque to callers."""
        again = [self.metadata_version] if self.metadata_version else []
        return etag_of(self.aggregate_version, self.captured_minor, self.refunded_minor, self.lost_minor, *again)

    @property
    def fully_refunded(self) -> bool:
        """Whether something was captured and all of it has gone back."""
        return 0 < self.captured_minor == self.refunded_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountsMoved:
    """What a payment's event adds to an order's amounts; below zero where it takes something back.

    Attributes:
        returned_before_minor: With a capture: what had been refunded and lost of all payments for the order before it.
        final: With a capture: whether it settles the order, though its total is not reached.
    """

    captured_minor: int = 0
    refunded_minor: int = 0
    lost_minor: int = 0
    returned_before_minor: int = 0
    final: bool = False


class OrderFacts(AggregateFacts):
    """The fields that all events of an order share."""

    order_id: str
    merchant_reference: str
    total_minor: int
    currency_code: str
    locale: str | None


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


def count(order: Order, counted: AmountsMoved, *, now: datetime) -> tuple[Order, events.OrderPaid | None]:
    """Record what a payment tells, in any state; an open order of which the total is reached is paid."""
    next_state(order.state, OrderAction.COUNT)
    followed = replace(_counted(order, counted), update_time=no_earlier(now, order.update_time))
    settled = followed.reached or (counted.final and followed.paid_minor > 0)
    if order.state is not OrderState.CREATED or not settled:
        return followed, None
    return _paid(followed, OrderAction.PAY, now)


def refund(
    order: Order, counted: AmountsMoved, *, payment_id: str, refund_id: str, now: datetime
) -> tuple[Order, events.OrderRefunded]:
    """Record that a refund of one of the order's payments reached the payer, in any state."""
    state = next_state(order.state, OrderAction.REFUND)
    refunded = replace(_counted(order, counted), **next_revision(order, now), state=state)
    return refunded, events.OrderRefunded(
        **facts(refunded),
        paid_minor=refunded.paid_minor,
        captured_minor=refunded.captured_minor,
        payment_id=payment_id,
        refund_id=refund_id,
        amount_minor=counted.refunded_minor,
        refunded_minor=refunded.refunded_minor,
        fully_refunded=refunded.fully_refunded,
    )


def complete(order: Order, *, now: datetime) -> tuple[Order, events.OrderPaid]:
    """Settle an order at what is paid of it: nothing more is to be paid, and it expires no more.

    Raises:
        IllegalTransition: The order is paid, cancelled or expired.
        OrderNotPaid: Nothing is paid of it.
    """
    next_state(order.state, OrderAction.COMPLETE)
    if order.paid_minor <= 0:
        raise OrderNotPaid("Nothing is paid of the order: it can be cancelled.", field="order_id")
    return _paid(order, OrderAction.COMPLETE, now)


def cancel(order: Order, *, stated: StatedReason, now: datetime) -> tuple[Order, events.OrderCancelled]:
    """Call an order off, for a reason.

    Raises:
        IllegalTransition: The order is paid, cancelled or expired.
    """
    state = next_state(order.state, OrderAction.CANCEL)
    cancelled = replace(order, **next_revision(order, now), state=state, stated=stated)
    return cancelled, events.OrderCancelled(
        **facts(cancelled),
        paid_minor=cancelled.paid_minor,
        captured_minor=cancelled.captured_minor,
        stated_reason=stated.stated_reason,
    )


def describe(order: Order, metadata: str, *, now: datetime) -> Order:
    """Return an order with other metadata, in whichever state; the same leaves it as it is. No event tells of it."""
    if metadata == order.metadata:
        return order
    return replace(
        order,
        metadata=metadata,
        metadata_version=order.metadata_version + 1,
        update_time=no_earlier(now, order.update_time),
    )


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
    event = events.OrderExpired(
        **facts(expired),
        paid_minor=expired.paid_minor,
        captured_minor=expired.captured_minor,
        expired_at=order.expire_time,
    )
    return expired, event


def _counted(order: Order, counted: AmountsMoved) -> Order:
    """Add what a payment tells; what comes back of refunds and disputes is no more known as gone."""
    came_back_minor = min(counted.refunded_minor + counted.lost_minor, 0)
    known_minor = max(order.known_returned_minor, counted.returned_before_minor)
    return replace(
        order,
        captured_minor=order.captured_minor + counted.captured_minor,
        refunded_minor=order.refunded_minor + counted.refunded_minor,
        lost_minor=order.lost_minor + counted.lost_minor,
        known_returned_minor=max(known_minor + came_back_minor, 0),
    )


def _paid(order: Order, action: OrderAction, now: datetime) -> tuple[Order, events.OrderPaid]:
    paid = replace(order, **next_revision(order, now), state=next_state(order.state, action))
    return paid, events.OrderPaid(**facts(paid), paid_minor=paid.paid_minor, captured_minor=paid.captured_minor)


def facts(order: Order) -> OrderFacts:
    """Return what an event of the order's latest change begins with."""
    return {
        **aggregate_facts(order),
        "order_id": order.order_id,
        "merchant_reference": order.merchant_reference,
        "total_minor": order.total_minor,
        "currency_code": order.currency_code,
        "locale": order.locale,
    }
