"""Webhooks on a real database, sent for real to receivers on this machine."""

import dataclasses
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.clock import OffsetClock, SystemClock
from paykit.consume.delivery import Delivered, Record
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.serve.timestamps import to_timestamp
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import START, act_as
from paystream.notification.v1 import webhook_pb2 as pb
from paystream.order.v1.events import OrderCancelled
from services.notification import handlers
from services.notification.commands.webhooks import platform
from services.notification.jobs.webhooks.delivering import WebhookDelivering
from services.notification.jobs.webhooks.sending import WebhookSender
from services.notification.rpc.webhook import WebhookServicer
from services.notification.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database
from tests.line.replies import checked

ANY: Any = None
MERCHANT = "mer_" + "1" * 32
ENABLED, PAUSED = pb.WEBHOOK_ENDPOINT_STATE_ENABLED, pb.WEBHOOK_ENDPOINT_STATE_PAUSED

database_url = shared_database.of_a_module()
emptied = shared_database.emptied("notification")


class Desk:
    """The WebhookService, its jobs, and a merchant whose orders are cancelled."""

    def __init__(self, runtime: Runtime) -> None:
        runtime.settings = runtime.settings.model_copy(
            update={"environment": "development", "webhook_loopback_allowed": True}
        )
        self.runtime = runtime
        self.call = checked(WebhookServicer(runtime))
        self.sender = WebhookSender(platform.policy_of(runtime.settings))
        # It goes on with real time, by which the deliveries' first tries are due, however slow the machine; and a
        # little ahead, so that what is due "now" is.
        self.clock = OffsetClock(SystemClock())
        self.clock.move_to(timedelta(seconds=5))

    async def register(self, url: str, *event_filters: str, merchant_id: str = MERCHANT) -> Any:
        request = pb.CreateWebhookEndpointRequest(
            request_id=str(uuid.uuid4()), merchant_id=merchant_id, url=url, event_filters=event_filters
        )
        return await self.call.CreateWebhookEndpoint(request, ANY)

    async def endpoint(self, endpoint_id: str) -> pb.WebhookEndpoint:
        return (await self.call.GetWebhookEndpoint(pb.GetWebhookEndpointRequest(endpoint_id=endpoint_id), ANY)).endpoint

    async def change(self, endpoint_id: str, *paths: str, **fields: Any) -> pb.WebhookEndpoint:
        request = pb.UpdateWebhookEndpointRequest(
            request_id=str(uuid.uuid4()), endpoint=pb.WebhookEndpoint(endpoint_id=endpoint_id, **fields)
        )
        request.update_mask.paths.extend(paths)
        return (await self.call.UpdateWebhookEndpoint(request, ANY)).endpoint

    async def set_state(self, endpoint_id: str, state: Any) -> pb.WebhookEndpoint:
        return await self.change(endpoint_id, "state", state=state)

    async def happen(self, *events: Any) -> list[str]:
        """Have events applied as the consumer does; give their ids."""
        deliveries = [
            Delivered(event, Record(event.TOPIC, 0, 0, getattr(event, event.KEY), b"", ())) for event in events
        ]
        await self.runtime.transaction(lambda tx: handlers.on_event(tx, deliveries))
        return [event.event_id for event in events]

    def cancelled(self, **changes: Any) -> OrderCancelled:
        """An event of an order of its own."""
        given: dict[str, Any] = {
            "event_id": new_id("evt"),
            "occurred_at": START,
            "recorded_at": START,
            "merchant_id": MERCHANT,
            "correlation_id": "cor_1",
            "actor": "somebody@example.com",
            "aggregate_version": 2,
            "order_id": new_id("ord"),
        }
        amounts: dict[str, Any] = {"merchant_reference": "basket-1", "total_minor": 2_000, "currency_code": "USD"}
        fields: dict[str, Any] = dict.fromkeys((field.name for field in dataclasses.fields(OrderCancelled)), 0)
        return OrderCancelled(**fields | amounts | given | changes)

    async def deliver(self, *, failing: bool = False, sender: WebhookSender | None = None) -> None:
        """Deliver until nothing is due."""
        await WebhookDelivering(failing=failing, sender=sender or self.sender, clock=self.clock).run(self.runtime)

    async def pass_time(self, **by: float) -> None:
        """Let real time pass for the jobs, and deliver what is due by then."""
        self.clock.move_to(self.clock.offset + timedelta(**by))
        await self.deliver()
        await self.deliver(failing=True)

    async def deliveries(self, **wanted: Any) -> list[pb.WebhookDelivery]:
        request = pb.ListWebhookDeliveriesRequest(**{"merchant_id": MERCHANT} | wanted)
        return list((await self.call.ListWebhookDeliveries(request, ANY)).deliveries)

    async def delivery(self, **wanted: Any) -> Any:
        """The only delivery, in full."""
        (found,) = await self.deliveries(**wanted)
        request = pb.GetWebhookDeliveryRequest(delivery_id=found.delivery_id)
        return await self.call.GetWebhookDelivery(request, ANY)

    async def replay(self, endpoint_id: str, **wanted: Any) -> pb.ReplayWebhookEventsResponse:
        request = pb.ReplayWebhookEventsRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id, **wanted)
        return await self.call.ReplayWebhookEvents(request, ANY)

    async def rotate(self, endpoint_id: str, **wanted: Any) -> pb.RotateWebhookSecretResponse:
        request = pb.RotateWebhookSecretRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id, **wanted)
        return await self.call.RotateWebhookSecret(request, ANY)

    async def told(self, endpoint_id: str) -> list[Any]:
        """An endpoint's events, in order."""
        rows = await outbox_events(self.runtime, endpoint_id)
        return [self.runtime.codec.decode(row["value"]) for row in rows]

    async def mails(self) -> list[tuple[str, str, str]]:
        """Template, recipient and event of the mails that are queued about endpoints."""
        sql = "SELECT template, recipient_kind, event_id FROM notification WHERE template LIKE 'webhook%'"
        return [tuple(row) for row in await self.runtime.read(lambda tx: tx.fetch(sql))]

    async def test(self, endpoint_id: str) -> pb.WebhookDelivery:
        request = pb.SendTestWebhookRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id)
        return (await self.call.SendTestWebhook(request, ANY)).delivery

    def period(self) -> dict[str, Timestamp]:
        """The day from now on, in business time."""
        begin = self.runtime.clock.now()
        return {
            "record_time_min": to_timestamp(begin),
            "record_time_before": to_timestamp(begin + timedelta(days=1)),
        }


@pytest.fixture
async def desk(runtime_of: RuntimeOf) -> AsyncIterator[Desk]:
    act_as("desk")
    made = Desk(await runtime_of(SERVICE))
    yield made
    await made.sender.close()
