"""Orders on the wire: between messages and domain values."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from paykit.cause import Cause
from paykit.contacts.contact_messages import from_receipt_contact
from paykit.errors import CurrencyMismatch
from paykit.merchants.labels import metadata_text
from paykit.reasons.stated_reason_messages import to_stated_reason
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paykit.serve.validation import update_masks
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import order_pb2 as pb
from services.order.commands import CreateOrder, UpdateOrder
from services.order.domain import LineItem, Order, OrderState
from services.order.store import OrderFilter, OrderPayment

UPDATABLE = frozenset({"metadata"})
"""Fields of an order that its merchant can change."""

_STATES: Mapping[OrderState, pb.OrderState.ValueType] = MappingProxyType(
    {state: pb.OrderState.Value(f"ORDER_STATE_{state}") for state in OrderState}
)


def to_order(order: Order) -> pb.Order:
    """Make the resource."""
    return pb.Order(
        order_id=order.order_id,
        merchant_id=order.merchant_id,
        merchant_reference=order.merchant_reference,
        total=_money(order, order.total_minor),
        line_items=[_line_item(order, item) for item in order.line_items],
        item_count=order.item_count,
        metadata=json.loads(order.metadata),
        state=_STATES[order.state],
        paid_minor=order.paid_minor,
        captured_minor=order.captured_minor,
        refunded_minor=order.refunded_minor,
        lost_minor=order.lost_minor,
        fully_refunded=order.fully_refunded,
        expire_time=to_timestamp(order.expire_time) if order.expire_time else None,
        stated_reason=to_stated_reason(order.stated),
        correlation_id=order.correlation_id,
        etag=order.etag,
        create_time=to_timestamp(order.create_time),
        update_time=to_timestamp(order.update_time),
    )


def to_order_payment(payment: OrderPayment) -> pb.OrderPayment:
    """Make the resource."""
    return pb.OrderPayment(
        payment_id=payment.payment_id,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        lost_minor=payment.lost_minor,
        create_time=to_timestamp(payment.create_time),
    )


def from_create_order(request: pb.CreateOrderRequest, cause: Cause) -> CreateOrder:
    """Read an order asked for; the request has been checked against its rules.

    Raises:
        CurrencyMismatch: An item is in another currency than the total.
    """
    total = request.total
    return CreateOrder(
        merchant_id=request.merchant_id,
        merchant_reference=request.merchant_reference,
        line_items=tuple(_read_item(request, i) for i in range(len(request.line_items))),
        total_minor=total.amount_minor,
        currency_code=total.currency_code,
        expire_time=from_optional(request, "expire_time"),
        ttl=request.ttl.ToTimedelta() if request.HasField("ttl") else None,
        metadata=metadata_text(request.metadata),
        contact=from_receipt_contact(request.contact),
        cause=cause,
    )


def from_update_order(request: pb.UpdateOrderRequest) -> UpdateOrder:
    """Read a change of an order.

    Raises:
        UpdateMaskInvalid: The mask names no field, or one that cannot be changed.
    """
    order = request.order
    update_masks.paths(request.update_mask, order, UPDATABLE)
    return UpdateOrder(order_id=order.order_id, metadata=metadata_text(order.metadata), etag=order.etag)


def from_list_orders(request: pb.ListOrdersRequest) -> OrderFilter:
    """Read what ListOrders selects."""
    name = pb.OrderState.Name(request.state).removeprefix("ORDER_STATE_")
    return OrderFilter(
        merchant_id=request.merchant_id,
        merchant_reference=request.merchant_reference or None,
        state=OrderState(name) if request.state else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        currency_code=request.currency_code or None,
        total_minor_min=request.total_minor_min or None,
        total_minor_max=request.total_minor_max or None,
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def _money(order: Order, amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code=order.currency_code)


def _line_item(order: Order, item: LineItem) -> pb.LineItem:
    return pb.LineItem(
        name=item.name,
        quantity=item.quantity,
        unit_price=_money(order, item.unit_price_minor),
        amount=_money(order, item.amount_minor),
    )


def _read_item(request: pb.CreateOrderRequest, index: int) -> LineItem:
    item, currency_code = request.line_items[index], request.total.currency_code
    for name, money in (("unit_price", item.unit_price), ("amount", item.amount)):
        if money.currency_code != currency_code:
            field = f"line_items[{index}].{name}.currency_code"
            raise CurrencyMismatch("The total is in another currency.", field=field, currency_code=currency_code)
    return LineItem(
        name=item.name,
        quantity=item.quantity,
        unit_price_minor=item.unit_price.amount_minor,
        amount_minor=item.amount.amount_minor,
    )
