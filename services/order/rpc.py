"""The OrderService: messages to commands and back."""

from collections.abc import Sequence
from typing import Any

from paykit.base.call import current_call
from paykit.contacts import erasing
from paykit.contacts.contact_messages import to_contact
from paykit.contacts.erasing import EraseContact
from paykit.merchants.standing import NOT_TOLD_YET
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paykit.serve.server import Servicer
from paystream.order.v1 import order_pb2 as pb
from paystream.order.v1 import order_pb2_grpc
from services.order import commands, domain, messages, store
from services.order.domain import Order
from services.order.store import OrderPayment

_CREATE = Operation(
    name="CreateOrder",
    command=commands.create_orders,
    reply=lambda order: pb.CreateOrderResponse(order=messages.to_order(order)),
    reply_type=pb.CreateOrderResponse,
    creates=Creates(table=store.orders, read=store.orders.in_full),
    at_once=True,
    waits_for=NOT_TOLD_YET,
)
_CANCEL = Operation(
    name="CancelOrder",
    command=commands.cancel_orders,
    reply=lambda order: pb.CancelOrderResponse(order=messages.to_order(order)),
    reply_type=pb.CancelOrderResponse,
)
_COMPLETE = Operation(
    name="CompleteOrder",
    command=commands.complete_orders,
    reply=lambda order: pb.CompleteOrderResponse(order=messages.to_order(order)),
    reply_type=pb.CompleteOrderResponse,
)


_UPDATE = Operation(
    name="UpdateOrder",
    command=commands.update_orders,
    reply=lambda order: pb.UpdateOrderResponse(order=messages.to_order(order)),
    reply_type=pb.UpdateOrderResponse,
)
_ERASE = Operation(
    name="EraseContact",
    command=commands.erase_contacts,
    reply=lambda contact: pb.EraseContactResponse(contact=to_contact(contact)),
    reply_type=pb.EraseContactResponse,
)


class OrderServicer(order_pb2_grpc.OrderServiceServicer):
    """Serves paystream.order.v1.OrderService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreateOrder(self, request: pb.CreateOrderRequest, _context: Any) -> pb.CreateOrderResponse:
        """Accept an order, once per request_id."""
        item = messages.from_create_order(request, current_call().cause)
        return await self._runtime.call(_CREATE, request, item)

    async def GetOrder(self, request: pb.GetOrderRequest, _context: Any) -> pb.GetOrderResponse:
        """Read an order with its items and payments."""
        order, payments = await self._runtime.read(lambda tx: _order_with_payments(tx, request.order_id))
        return pb.GetOrderResponse(order=messages.to_order(order), payments=map(messages.to_order_payment, payments))

    async def ListOrders(self, request: pb.ListOrdersRequest, _context: Any) -> pb.ListOrdersResponse:
        """Read a page of a merchant's orders."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.orders.list,
            wanted=messages.from_list_orders(request),
            key=lambda order: (order.create_time, order.order_id),
            show=messages.to_order,
        )
        return pb.ListOrdersResponse(orders=page, next_page_token=token)

    async def UpdateOrder(self, request: pb.UpdateOrderRequest, _context: Any) -> pb.UpdateOrderResponse:
        """Change what a merchant attached to an order, once per request_id."""
        return await self._runtime.call(_UPDATE, request, messages.from_update_order(request))

    async def CancelOrder(self, request: pb.CancelOrderRequest, _context: Any) -> pb.CancelOrderResponse:
        """Call an order off, once per request_id."""
        item = commands.CancelOrder(
            order_id=request.order_id, reason=request.reason, cause=current_call().cause, etag=request.etag
        )
        return await self._runtime.call(_CANCEL, request, item)

    async def CompleteOrder(self, request: pb.CompleteOrderRequest, _context: Any) -> pb.CompleteOrderResponse:
        """Settle an order at what is paid of it, once per request_id."""
        item = commands.CompleteOrder(order_id=request.order_id, cause=current_call().cause, etag=request.etag)
        return await self._runtime.call(_COMPLETE, request, item)

    async def GetContact(self, request: pb.GetContactRequest, _context: Any) -> pb.GetContactResponse:
        """Read where the payer of an order gets receipts."""
        found = await erasing.read(self._runtime, store.contacts, request.order_id)
        return pb.GetContactResponse(contact=to_contact(found))

    async def EraseContact(self, request: pb.EraseContactRequest, _context: Any) -> pb.EraseContactResponse:
        """Erase that, once per request_id."""
        actor = current_call().cause.actor
        item = EraseContact(subject_id=request.order_id, reason=request.reason, eraser=actor)
        return await self._runtime.call(_ERASE, request, item)


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the order service serves."""
    return [
        Servicer(
            full_name="paystream.order.v1.OrderService",
            add=order_pb2_grpc.add_OrderServiceServicer_to_server,
            implementation=OrderServicer(runtime),
        )
    ]


async def _order_with_payments(tx: Tx, order_id: str) -> tuple[Order, list[OrderPayment]]:
    order = await store.orders.get_in_full(tx, order_id)
    if order is None:
        raise domain.not_found(order_id)
    return order, await store.payments_of_order(tx, order_id)
