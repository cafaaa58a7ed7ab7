"""Orders and their payments on the real parts: paid in parts, closed under the payment's hands, and one journey."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from pydantic import SecretStr

from paykit.process.catalogue import load_service
from paykit.rebuild.rebuilding import rebuild
from paykit.testing import databases
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import order_pb2 as pb
from paystream.payment.v1 import payment_pb2
from paytools.localstack import Endpoints
from tests.e2e.conftest import Line
from tests.line import topics
from tests.line.clients import (
    LEARNING,
    Clients,
    call,
    first_payment,
    new_merchant,
    new_request_id,
    payment_request,
    refusal_of,
    refused,
)
from tests.line.waiting import until

MANUAL = payment_pb2.CAPTURE_MODE_MANUAL


@pytest.fixture(scope="module")
async def merchant_id(line: Line) -> str:
    """A merchant that order and payment know as active."""
    made = await new_merchant(line.clients, {"USD": (0, 0)})
    await first_payment(line.clients, payment_request(made, 100))
    await until(lambda: accepted(line.clients, made))
    return made


async def accepted(clients: Clients, merchant_id: str) -> pb.Order | None:
    """Give an order over 20.00 USD; None while order does not know that the merchant is active."""
    total = Money(amount_minor=2_000, currency_code="USD")
    request = pb.CreateOrderRequest(
        request_id=new_request_id(),
        merchant_id=merchant_id,
        merchant_reference=f"basket-{new_request_id()}",
        line_items=[pb.LineItem(name="Tea", quantity=1, unit_price=total, amount=total)],
        total=total,
        ttl=Duration(seconds=3_600),
    )
    try:
        made: pb.Order = (await call(clients.order.CreateOrder, request, correlation_id=new_request_id())).order
    except grpc.aio.AioRpcError as error:
        if refusal_of(error).reason not in LEARNING:
            raise
        return None
    return made


async def ordered(line: Line, merchant_id: str) -> pb.Order:
    made = await accepted(line.clients, merchant_id)
    assert made is not None
    return made


async def pay(line: Line, order: pb.Order, amount_minor: int, **more: Any) -> payment_pb2.Payment:
    request = payment_request(order.merchant_id, amount_minor, order_id=order.order_id, **more)
    made: payment_pb2.Payment = (await call(line.clients.payment.CreatePayment, request)).payment
    return made


async def order_in(line: Line, order_id: str, **fields: Any) -> pb.Order:
    """Wait for an order to have these values."""

    async def look() -> pb.Order | None:
        found: pb.Order = (await call(line.clients.order.GetOrder, pb.GetOrderRequest(order_id=order_id))).order
        return found if all(getattr(found, name) == value for name, value in fields.items()) else None

    found = await until(look)
    assert found is not None
    return found


async def payment_in(line: Line, payment_id: str, state: payment_pb2.PaymentState.ValueType) -> payment_pb2.Payment:
    request = payment_pb2.GetPaymentRequest(payment_id=payment_id)

    async def look() -> payment_pb2.Payment | None:
        found: payment_pb2.Payment = (await call(line.clients.payment.GetPayment, request)).payment
        return found if found.state == state else None

    found = await until(look)
    assert found is not None
    return found


async def cancel(line: Line, order_id: str) -> None:
    cancel = pb.CancelOrderRequest(request_id=new_request_id(), order_id=order_id, reason="out of stock")
    await call(line.clients.order.CancelOrder, cancel)


async def test_two_payments_pay_an_order_on_one_journey_and_a_third_is_refused(line: Line, merchant_id: str) -> None:
    order = await ordered(line, merchant_id)

    payments = [await pay(line, order, 1_200), await pay(line, order, 800)]
    paid = await order_in(line, order.order_id, state=pb.ORDER_STATE_PAID)

    assert (paid.paid_minor, paid.refunded_minor) == (2_000, 0)
    assert {payment.correlation_id for payment in payments} == {order.correlation_id}
    refusal = await refused(
        line.clients.payment.CreatePayment, payment_request(merchant_id, 1, order_id=order.order_id)
    )
    assert refusal.reason in {"ORDER_CLOSED", "ORDER_AMOUNT_EXCEEDED"}
    await until(lambda: line.kept.drained("order", "payment"))
    told = [e for e in await topics.events(line.settings, "order.events") if e.order_id == order.order_id]
    assert [type(event).__name__ for event in told] == ["OrderCreated", "OrderPaid"]


async def test_what_was_captured_for_an_order_called_off_goes_back_and_what_was_authorized_is_voided(
    line: Line, merchant_id: str
) -> None:
    order = await ordered(line, merchant_id)
    captured = await pay(line, order, 1_200)
    await order_in(line, order.order_id, paid_minor=1_200)
    authorized = await pay(line, order, 800, capture_mode=MANUAL)
    await payment_in(line, authorized.payment_id, payment_pb2.PAYMENT_STATE_AUTHORIZED)

    await cancel(line, order.order_id)

    ended = await order_in(line, order.order_id, fully_refunded=True)
    assert (ended.state, ended.paid_minor, ended.refunded_minor) == (pb.ORDER_STATE_CANCELLED, 0, 1_200)
    await payment_in(line, authorized.payment_id, payment_pb2.PAYMENT_STATE_CANCELLED)
    refunds = payment_pb2.ListRefundsRequest(payment_id=captured.payment_id)
    [refund] = (await call(line.clients.payment.ListRefunds, refunds)).refunds
    assert refund.reason == payment_pb2.REFUND_REASON_ORDER_CANCELLED


async def test_what_order_knows_of_payments_and_merchants_is_what_their_events_tell(
    line: Line, stack: Endpoints, merchant_id: str
) -> None:
    order = await ordered(line, merchant_id)
    await pay(line, order, 2_000)
    await order_in(line, order.order_id, state=pb.ORDER_STATE_PAID)
    admin = databases.admin_url_of(stack.postgres, line.settings.database_url.get_secret_value())
    settings = line.settings.model_copy(update={"database_admin_url": SecretStr(admin)})

    rebuilt = await rebuild(load_service("order"), settings, swap=False)

    assert rebuilt.difference is None
    assert min(rebuilt.rows.values()) > 0
    assert set(rebuilt.rows) == {"merchant", "movement"}
