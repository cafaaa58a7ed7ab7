"""The payment service on a real database, and a channel that speaks the real protocol and does what a test tells it."""

import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, status_pb2

from paykit.consume.delivery import Delivered, Record
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import START, act_as
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1 import events as merchant_events
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import handlers
from services.payment.jobs import attempts as jobs
from services.payment.service import SERVICE
from tests.conftest import RuntimeOf
from tests.event_fields import PRESENTED
from tests.integration import aging, shared_database
from tests.line.replies import checked
from tests.line.servicers import PaymentCalls

ANY: Any = None
SILENT_STATUS = status_pb2.Status(code=code_pb2.DEADLINE_EXCEEDED, message="no answer")


@dataclass
class ScriptedChannel(channel_pb2_grpc.ChannelServiceServicer):
    """A channel whose fate for each call is decided by the test.

    Fates: approve, decline, pending; lost_after (carried out, not answered); lost_before (never arrived); invalid
    (the item is refused); broken (the whole call fails).

    Attributes:
        fate: By attempt request; `approve` unless told.
        sent: How often each attempt was sent.
        batches: Sizes of the batches sent.
    """

    fate: Callable[[Any], str] = lambda _request: "approve"
    finality_seconds: int = 60
    decline_code: str = "insufficient_funds"
    sent: Counter[str] = field(default_factory=Counter)
    batches: list[int] = field(default_factory=list)
    record: dict[str, channel_pb.Transaction] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def BatchAuthorize(self, request: Any, context: Any) -> Any:  # noqa: N802
        return channel_pb.BatchAuthorizeResponse(results=await self._answer(request.requests, context))

    async def BatchCapture(self, request: Any, context: Any) -> Any:  # noqa: N802
        return channel_pb.BatchCaptureResponse(results=await self._answer(request.requests, context))

    async def BatchCancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return channel_pb.BatchCancelResponse(results=await self._answer(request.requests, context))

    async def BatchRefund(self, request: Any, context: Any) -> Any:  # noqa: N802
        return channel_pb.BatchRefundResponse(results=await self._answer(request.requests, context))

    async def BatchInquire(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return channel_pb.BatchInquireResponse(responses=[self._inquire(each.attempt_id) for each in request.requests])

    def decide(self, attempt_id: str, outcome: channel_pb.Outcome.ValueType, decline_code: str = "") -> None:
        """Change what the channel has on record, as if it had decided late."""
        self.record[attempt_id].outcome = outcome
        self.record[attempt_id].decline_code = decline_code

    async def _answer(self, requests: Sequence[Any], context: Any) -> list[channel_pb.TransactionResult]:
        fates = [self.fate(each) for each in requests]
        if "invalid" in fates and len(requests) > 1:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an item breaks a rule")
        self.batches.append(len(requests))
        self.sent.update(each.attempt_id for each in requests)
        if "broken" in fates:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone in the middle")
        if "invalid" in fates:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the item breaks a rule")
        return [self._result(each, fate) for each, fate in zip(requests, fates, strict=True)]

    def _result(self, request: Any, fate: str) -> channel_pb.TransactionResult:
        if fate != "lost_before":
            self.record[request.attempt_id] = self._transaction(request, fate)
        if fate.startswith("lost"):
            return channel_pb.TransactionResult(error=SILENT_STATUS)
        return channel_pb.TransactionResult(transaction=self.record[request.attempt_id])

    def _transaction(self, request: Any, fate: str) -> channel_pb.Transaction:
        outcomes = {"decline": channel_pb.OUTCOME_DECLINED, "pending": channel_pb.OUTCOME_PENDING}
        return channel_pb.Transaction(
            attempt_id=request.attempt_id,
            channel_reference=f"ch_{next(self.numbers)}",
            amount=getattr(request, "amount", None),
            outcome=outcomes.get(fate, channel_pb.OUTCOME_APPROVED),
            decline_code=self.decline_code if fate == "decline" else "",
        )

    def _inquire(self, attempt_id: str) -> channel_pb.InquireResponse:
        if attempt_id not in self.record:
            return channel_pb.InquireResponse(
                state=channel_pb.INQUIRY_STATE_NOT_FOUND, finality_seconds=self.finality_seconds
            )
        return channel_pb.InquireResponse(
            state=channel_pb.INQUIRY_STATE_FOUND,
            transaction=self.record[attempt_id],
            finality_seconds=self.finality_seconds,
        )


class House:
    """The payment service with one active merchant and a channel, called as a servicer."""

    def __init__(self, runtime: Runtime, channel: ScriptedChannel) -> None:
        self.runtime = runtime
        self.channel = channel
        self.call = checked(PaymentCalls(runtime))
        self.merchant_id = new_id("mer")

    async def know_merchant(self, **changes: Any) -> str:
        """Have an event of a merchant applied; give the merchant's id."""
        event = merchant_event(**{"merchant_id": self.merchant_id} | changes)
        record = Record("merchant.events", 0, 0, str(event.merchant_id), b"", ())
        await self.runtime.transaction(lambda tx: handlers.on_merchant_changed(tx, [Delivered(event, record)]))
        return str(event.merchant_id)

    async def know_order(self, kind: type[Any] = order_events.OrderCreated, **changes: Any) -> str:
        """Have an event of an order applied, by the service's own handler; give the order's id."""
        event = order_event(kind, **{"merchant_id": self.merchant_id} | changes)
        await self.runtime.transaction(lambda tx: handle_order(tx, event))
        return str(event.order_id)

    def request(self, **changes: Any) -> pb.CreatePaymentRequest:
        given: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "merchant_id": self.merchant_id,
            "merchant_reference": f"order-{uuid.uuid4().hex[:8]}",
            "amount": Money(amount_minor=10_000, currency_code="USD"),
            "payment_method": pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_CARD, token="tok_visa"),
        }
        return pb.CreatePaymentRequest(**given | changes)

    async def create(self, **changes: Any) -> pb.Payment:
        return (await self.call.CreatePayment(self.request(**changes), ANY)).payment

    async def create_batch(self, *requests: pb.CreatePaymentRequest) -> list[Any]:
        response = await self.call.BatchCreatePayments(pb.BatchCreatePaymentsRequest(requests=requests), ANY)
        return list(response.results)

    async def get(self, payment_id: str) -> pb.Payment:
        return (await self.call.GetPayment(pb.GetPaymentRequest(payment_id=payment_id), ANY)).payment

    async def attempts(self, payment_id: str) -> list[pb.Attempt]:
        return list((await self.call.GetPayment(pb.GetPaymentRequest(payment_id=payment_id), ANY)).attempts)

    async def refund(self, payment_id: str, amount_minor: int, **changes: Any) -> pb.Refund:
        given: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "payment_id": payment_id,
            "amount": Money(amount_minor=amount_minor, currency_code="USD"),
        }
        return (await self.call.CreateRefund(pb.CreateRefundRequest(**given | changes), ANY)).refund

    async def capture(self, payment_id: str, amount_minor: int | None = None, **changes: Any) -> pb.Capture:
        given: dict[str, Any] = {"request_id": str(uuid.uuid4()), "payment_id": payment_id}
        if amount_minor is not None:
            given["amount"] = Money(amount_minor=amount_minor, currency_code="USD")
        return (await self.call.CapturePayment(pb.CapturePaymentRequest(**given | changes), ANY)).capture

    async def cancel(self, payment_id: str, **changes: Any) -> pb.Payment:
        given = {"request_id": str(uuid.uuid4()), "payment_id": payment_id, "reason": "changed their mind"}
        return (await self.call.CancelPayment(pb.CancelPaymentRequest(**given | changes), ANY)).payment

    async def captures(self, payment_id: str) -> list[pb.Capture]:
        return list((await self.call.GetPayment(pb.GetPaymentRequest(payment_id=payment_id), ANY)).captures)

    async def get_refund(self, refund_id: str) -> pb.Refund:
        return (await self.call.GetRefund(pb.GetRefundRequest(refund_id=refund_id), ANY)).refund

    async def report(
        self, attempt_id: str, outcome: pb.ChannelOutcome.ValueType, reference: str = "ch_late", **fields: Any
    ) -> pb.Attempt:
        request = pb.ReportChannelResultRequest(
            attempt_id=attempt_id, outcome=outcome, channel_reference=reference, **fields
        )
        return (await self.call.ReportChannelResult(request, ANY)).attempt

    async def submit(self) -> None:
        """Send what is queued, as the job does."""
        while await jobs.submit_attempts(self.runtime):
            pass

    async def inquire(self, *, after_s: float = 3600.0) -> None:
        """Let real time pass for every attempt under way, then inquire, as the job does."""
        await aging.age_attempts(self.runtime, by_s=after_s)
        while await jobs.inquire_attempts(self.runtime):
            pass

    async def paid(self, **changes: Any) -> pb.Payment:
        """A payment that its channel has captured."""
        payment = await self.create(**changes)
        await self.submit()
        return await self.get(payment.payment_id)

    async def authorized(self, **changes: Any) -> pb.Payment:
        """A payment that its channel has authorized."""
        return await self.paid(capture_mode=pb.CAPTURE_MODE_MANUAL, **changes)

    async def told(self, payment_id: str) -> list[Any]:
        """Give a payment's events, in order, checked to be of its journey and without a gap."""
        rows = await outbox_events(self.runtime, payment_id)
        events = [self.runtime.codec.decode(row["value"]) for row in rows]
        assert [event.aggregate_version for event in events] == list(range(1, len(events) + 1))
        assert {event.correlation_id for event in events} == {events[0].correlation_id}
        return events

    async def told_types(self, payment_id: str) -> list[str]:
        return [type(event).__name__ for event in await self.told(payment_id)]

    async def count(self, table: str) -> int:
        if table == "outbox":
            return len(await outbox_events(self.runtime))
        return int((await self.runtime.read(lambda tx: tx.fetch(f"SELECT count(*) FROM {table}")))[0][0])


def merchant_event(
    kind: type[Any] = merchant_events.MerchantActivated,
    *,
    fees: Sequence[tuple[str, int, int]] = (("USD", 290, 30), ("JPY", 360, 0), ("BHD", 125, 100)),
    dispute_fee_minor: int = 0,
    **changes: Any,
) -> Any:
    given: dict[str, Any] = {
        "occurred_at": START,
        "aggregate_version": 2,
        "display_name": "Corner Books",
        "status": merchant_events.MerchantStatus.ACTIVE,
        "country_code": None,
        "fee_plan_version": 1,
        "fees": tuple(
            merchant_events.FeeRule(
                currency_code=code, basis_points=points, fixed_minor=fixed, dispute_fee_minor=dispute_fee_minor
            )
            for code, points, fixed in fees
        ),
        "refund_fee_returned": True,
        "default_basis_points": None,
        "free": False,
        "refund_policy": merchant_events.RefundPolicy.ALLOW,
        "refund_limits": (),
        "payout_hold": False,
        "frozen": False,
        "closing": False,
        **PRESENTED,
        "settlement_policy": merchant_events.SettlementPolicy(
            schedule=merchant_events.SettlementSchedule.MANUAL,
            cut_off_time=None,
            cut_off_weekday=None,
            time_zone="UTC",
            delay_days=0,
            thresholds=(),
            reserve_basis_points=0,
            reserve_days=0,
            cut_off_month_day=None,
            business_days=False,
            calendar=None,
            reserve_base=merchant_events.ReserveBase.NET,
        ),
    }
    return kind(**given | changes)


def order_event(kind: type[Any] = order_events.OrderCreated, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "occurred_at": START,
        "correlation_id": "cor_order",
        "aggregate_version": 1 if kind is order_events.OrderCreated else 2,
        "order_id": new_id("ord"),
        "merchant_reference": "basket-1",
        "total_minor": 10_000,
        "currency_code": "USD",
        "locale": None,
    }
    own: dict[type[Any], dict[str, Any]] = {
        order_events.OrderCreated: {"item_count": 1, "expires_at": None},
        order_events.OrderExpired: {"paid_minor": 0, "captured_minor": 0, "expired_at": START},
        order_events.OrderCancelled: {"paid_minor": 0, "captured_minor": 0, "stated_reason": None},
    }
    return kind(**given | own.get(kind, {"paid_minor": 0, "captured_minor": 0}) | changes)


async def handle_order(tx: Tx, event: Any) -> None:
    """Handle an event of an order as the service declares it."""
    [topic] = [each for each in SERVICE.subscriptions if each.topic == "order.events"]
    record = Record("order.events", 0, 0, str(event.order_id), b"", ())
    await topic.handles[type(event)].handler(tx, [Delivered(event, record)])


database_url = shared_database.of_a_module()
emptied = shared_database.emptied("payment", "channel")


@asynccontextmanager
async def served(scripted: ScriptedChannel, folder: Path) -> AsyncIterator[str]:
    """Serve a channel; give its address."""
    address = f"unix:{folder}/channel.sock"
    server = grpc.aio.server()
    channel_pb2_grpc.add_ChannelServiceServicer_to_server(scripted, server)
    server.add_insecure_port(address)
    await server.start()
    yield address
    await server.stop(None)


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[tuple[ScriptedChannel, str]]:
    scripted = ScriptedChannel()  # type: ignore[abstract]  # Methods that payment does not call answer UNIMPLEMENTED.
    async with served(scripted, tmp_path) as address:
        yield scripted, address


@pytest.fixture
async def house(runtime_of: RuntimeOf, channel: tuple[ScriptedChannel, str]) -> House:
    act_as("shop")
    runtime = await runtime_of(SERVICE)
    runtime.settings = runtime.settings.model_copy(update={"channel_address": channel[1]})
    made = House(runtime, channel[0])
    await made.know_merchant()
    return made
