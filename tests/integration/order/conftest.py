"""The order service on a real database with one active merchant, called as a servicer and told events by hand."""

import itertools
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from paykit.clock import ManualClock
from paykit.consume.delivery import Delivered, Handler, HandlerResult, Record
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import START, act_as
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import order_pb2 as pb
from paystream.payment.v1 import events as payment_events
from services.order import handlers, jobs
from services.order.handlers import FOLLOWED
from services.order.rpc import OrderServicer
from services.order.service import SERVICE
from tests.conftest import RuntimeOf
from tests.event_fields import CAPTURED, REFUNDED
from tests.integration import shared_database
from tests.integration.payment.conftest import merchant_event
from tests.line.replies import checked

ANY: Any = None


class Shop:
    """The order service and its merchant."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.call = checked(OrderServicer(runtime))
        self.merchant_id = new_id("mer")
        self.versions = itertools.count(1)
        self.ends: tuple[int, ...] | None = ()

    async def know_merchant(self, **changes: Any) -> str:
        """Have an event of a merchant applied; give the merchant's id."""
        event = merchant_event(**{"merchant_id": self.merchant_id} | changes)
        await self.deliver(handlers.on_merchant_changed, str(event.merchant_id), event)
        return str(event.merchant_id)

    async def deliver(self, handler: Handler, key: str, *events: Any) -> Sequence[HandlerResult]:
        deliveries = [Delivered(event, Record(event.TOPIC, 0, 0, key, b"", ())) for event in events]
        return await self.runtime.transaction(lambda tx: handler(tx, deliveries))

    def request(self, *, total_minor: int = 2_000, currency_code: str = "USD", **changes: Any) -> pb.CreateOrderRequest:
        """An order of one item."""
        total = Money(amount_minor=total_minor, currency_code=currency_code)
        given: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "merchant_id": self.merchant_id,
            "merchant_reference": f"basket-{uuid.uuid4().hex[:8]}",
            "line_items": [pb.LineItem(name="Tea", quantity=1, unit_price=total, amount=total)],
            "total": total,
        }
        return pb.CreateOrderRequest(**given | changes)

    async def create(self, **changes: Any) -> pb.Order:
        return (await self.call.CreateOrder(self.request(**changes), ANY)).order

    async def get(self, order_id: str) -> pb.Order:
        return (await self.call.GetOrder(pb.GetOrderRequest(order_id=order_id), ANY)).order

    async def payments(self, order_id: str) -> list[pb.OrderPayment]:
        return list((await self.call.GetOrder(pb.GetOrderRequest(order_id=order_id), ANY)).payments)

    async def cancel(self, order_id: str, *, etag: str = "") -> pb.Order:
        request = pb.CancelOrderRequest(
            request_id=str(uuid.uuid4()), order_id=order_id, etag=etag, reason="out of stock"
        )
        return (await self.call.CancelOrder(request, ANY)).order

    async def capture(self, order_id: str | None, amount_minor: int, **changes: Any) -> HandlerResult:
        return await self.follow(self.captured(order_id, amount_minor, **changes))

    async def refund(self, order_id: str | None, amount_minor: int, **changes: Any) -> HandlerResult:
        return await self.follow(self.refunded(order_id, amount_minor, **changes))

    async def follow(self, event: Any) -> HandlerResult:
        """Have one event of a payment applied, as the service declares it."""
        return (await self.follow_all(event))[0]

    async def follow_all(self, *events: Any) -> Sequence[HandlerResult]:
        """Have events of payments, all of one type, applied at once."""
        return await self.deliver(FOLLOWED[type(events[0])].handler, events[0].payment_id, *events)

    def captured(self, order_id: str | None, amount_minor: int, **changes: Any) -> payment_events.PaymentSuccess:
        given = self.moved(order_id, amount_minor) | {
            "capture_id": new_id("cap"),
            "fee_minor": 0,
            "fee_plan_version": 1,
            "method": payment_events.PaymentMethod.CARD,
            "final": False,
            "order_returned_minor": 0,
            **CAPTURED,
        }
        return payment_events.PaymentSuccess(**given | changes)

    def refunded(self, order_id: str | None, amount_minor: int, **changes: Any) -> payment_events.RefundSuccess:
        given = self.moved(order_id, amount_minor) | {
            "refund_id": new_id("ref"),
            "capture_id": None,
            "fee_returned_minor": 0,
            "reason": payment_events.RefundReason.OTHER,
            "suspense_minor": 0,
            **REFUNDED,
        }
        return payment_events.RefundSuccess(**given | changes)

    async def pass_time(self, seconds: float) -> None:
        """Let business time pass, and the job look."""
        clock = self.runtime.clock
        assert isinstance(clock, ManualClock)
        clock.advance(timedelta(seconds=seconds))
        while await jobs.expire_orders(self.runtime, ends_of=self.ends_of):
            pass

    async def ends_of(self, _runtime: Runtime, _topic: str) -> tuple[int, ...] | None:
        """Where payment.events end, as the test says; nothing of them is ever consumed here."""
        return self.ends

    async def told(self, order_id: str) -> list[Any]:
        """Give an order's events, in order, checked to be of its journey and without a gap."""
        rows = await outbox_events(self.runtime, order_id)
        events: list[Any] = [self.runtime.codec.decode(row["value"]) for row in rows]
        assert [event.aggregate_version for event in events] == list(range(1, len(events) + 1))
        assert {event.correlation_id for event in events} == {events[0].correlation_id}
        return events

    async def told_types(self, order_id: str) -> list[str]:
        return [type(event).__name__ for event in await self.told(order_id)]

    def moved(self, order_id: str | None, amount_minor: int) -> dict[str, Any]:
        """What an event of a payment begins with."""
        return {
            "event_id": new_id("evt"),
            "occurred_at": START,
            "recorded_at": START,
            "merchant_id": self.merchant_id,
            "correlation_id": "cor_of_the_payment",
            "aggregate_version": next(self.versions),
            "payment_id": "pay_" + "1" * 32,
            "order_id": order_id,
            "merchant_reference": "charge-1",
            "amount_minor": amount_minor,
            "currency_code": "USD",
            "channel": "simulator",
            "channel_reference": "ch_1",
        }


database_url = shared_database.of_a_module()
emptied = shared_database.emptied("order")


@pytest.fixture
async def shop(runtime_of: RuntimeOf) -> Shop:
    act_as("shop")
    made = Shop(await runtime_of(SERVICE))
    await made.know_merchant()
    return made
