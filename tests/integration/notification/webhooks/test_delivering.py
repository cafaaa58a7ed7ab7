"""Deliveries: signed, tried again, kept while paused, given up."""

import asyncio
import json
import time
import uuid

import pytest
from prometheus_client import REGISTRY
from standardwebhooks import Webhook

from paystream.notification.v1 import webhook_pb2 as pb
from services.notification.jobs.webhooks import report_webhooks
from services.notification.jobs.webhooks.sending import ATTEMPT_TIMEOUT_S
from tests.integration.notification.webhooks.conftest import ENABLED, MERCHANT, PAUSED, Desk
from tests.line.receiving import OK, answering, hanging, receiver, status

SUCCEEDED, FAILED = pb.WEBHOOK_DELIVERY_STATE_SUCCEEDED, pb.WEBHOOK_DELIVERY_STATE_FAILED
PENDING = pb.WEBHOOK_DELIVERY_STATE_PENDING


async def test_event_is_posted_signed_to_every_endpoint_that_takes_it_once(desk: Desk) -> None:
    async with receiver() as one, receiver() as other, receiver() as third:
        secret = (await desk.register(one.url, "order.*")).secret
        await desk.register(other.url, "OrderCancelled")
        await desk.register(third.url, "payment.*")
        event = desk.cancelled()
        await desk.happen(event)
        await desk.happen(event)  # Consumed a second time.
        await desk.deliver()
    assert one.ids == other.ids == [event.event_id]
    assert third.received == []
    (received,) = one.received
    received.verify(secret)
    body = json.loads(received.body)
    assert body["type"] == "order.OrderCancelled"
    assert body["timestamp"] == "2026-03-01T12:00:00.000000Z"
    assert body["data"]["order_id"] == event.order_id
    assert "actor" not in body["data"]
    found = await desk.delivery(endpoint_id=(await desk.deliveries())[0].endpoint_id)
    assert found.delivery.state == SUCCEEDED
    assert [(a.attempt_number, a.status_code, a.response_excerpt) for a in found.attempts] == [(1, 200, "ok")]
    assert found.body.encode() == received.body


async def test_library_of_the_specification_verifies_what_is_sent(desk: Desk) -> None:
    async with receiver() as one:
        secret = (await desk.register(one.url)).secret
        await desk.happen(desk.cancelled())
        await desk.deliver()
    (received,) = one.received
    assert abs(int(received.headers["webhook-timestamp"]) - time.time()) < 300
    assert Webhook(secret).verify(received.body, received.headers)["type"] == "order.OrderCancelled"


async def test_events_of_other_merchants_and_internal_ones_are_not_sent(desk: Desk) -> None:
    async with receiver() as one:
        await desk.register(one.url)
        await desk.happen(desk.cancelled(merchant_id="mer_" + "2" * 32), desk.cancelled(merchant_id=None))
        await desk.deliver()
    assert one.received == []


async def test_failure_is_tried_again_by_the_schedule_until_it_is_taken(desk: Desk) -> None:
    async with receiver(
        answering(status(500, body="x" * 2_000), status(302, "location: http://127.0.0.1/"), OK)
    ) as one:
        await desk.register(one.url)
        (event_id,) = await desk.happen(desk.cancelled())
        await desk.deliver()
        await desk.pass_time(seconds=4)
        assert len(one.received) == 1
        await desk.pass_time(seconds=2)  # 5 s, and at most a tenth more.
        assert len(one.received) == 2
        await desk.pass_time(seconds=331)  # 5 min, and at most a tenth more.
    assert one.ids == [event_id] * 3
    found = await desk.delivery()
    assert [attempt.status_code for attempt in found.attempts] == [500, 302, 200]
    assert found.attempts[0].response_excerpt == "x" * 1_000
    assert (found.delivery.state, found.delivery.attempt_count) == (SUCCEEDED, 3)
    assert (await desk.endpoint(found.delivery.endpoint_id)).failure_count == 0


async def test_delivery_is_given_up_after_ten_tries_in_three_days(desk: Desk) -> None:
    async with receiver(answering(status(503))) as one:
        await desk.register(one.url)
        await desk.happen(desk.cancelled())
        for hours in (0, 1, 1, 3, 6, 11, 16, 20, 25, 30, 30):
            await desk.pass_time(hours=hours)
    assert len(one.received) == 10
    found = (await desk.delivery()).delivery
    assert (found.state, found.failure_reason, found.attempt_count) == (FAILED, "EXHAUSTED", 10)


async def test_endpoint_that_failed_for_five_days_is_paused_and_gets_what_came_after_it_is_resumed(desk: Desk) -> None:
    async with receiver(answering(status(500))) as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        first, *_ = await desk.happen(desk.cancelled())
        await desk.deliver()
        await desk.pass_time(days=4, hours=23)
        assert (await desk.endpoint(endpoint_id)).state == ENABLED
        await desk.pass_time(hours=2)
        assert (await desk.endpoint(endpoint_id)).state == pb.WEBHOOK_ENDPOINT_STATE_FAILING
        (stopped,) = await desk.told(endpoint_id)
        assert (stopped.reason, stopped.host, stopped.merchant_id) == ("FAILING", "127.0.0.1", MERCHANT)
        assert await desk.mails() == [("webhook_endpoint_stopped", "MERCHANT", stopped.event_id)]
        (second,) = await desk.happen(desk.cancelled())
        before = len(one.received)
        await desk.pass_time(days=1)
        assert len(one.received) == before
        one.behave = answering(OK)
        assert (await desk.set_state(endpoint_id, ENABLED)).failure_count == 0
        await desk.pass_time(seconds=1)
    assert sorted(one.ids[before:]) == sorted([first, second])
    assert {delivery.state for delivery in await desk.deliveries()} == {SUCCEEDED}


async def test_what_comes_while_its_owner_paused_it_is_kept_in_order(desk: Desk) -> None:
    async with receiver() as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        await desk.set_state(endpoint_id, PAUSED)
        events = [desk.cancelled(order_id="ord_" + "1" * 32, aggregate_version=n) for n in range(1, 6)]
        await desk.happen(*reversed(events[:3]))
        await desk.happen(*events[3:])
        await desk.pass_time(days=1)
        assert one.received == []
        await desk.set_state(endpoint_id, ENABLED)
        await desk.deliver()
    assert [json.loads(received.body)["data"]["aggregate_version"] for received in one.received] == [1, 2, 3, 4, 5]


async def test_gone_disables_the_endpoint_and_ends_what_is_pending(desk: Desk) -> None:
    async with receiver(answering(status(410))) as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        order_id = "ord_" + "1" * 32
        await desk.happen(*(desk.cancelled(order_id=order_id, aggregate_version=n) for n in (1, 2, 3)))
        await desk.deliver()
        await desk.happen(desk.cancelled())
        await desk.pass_time(days=1)
    assert len(one.received) == 1
    assert [event.reason for event in await desk.told(endpoint_id)] == ["GONE"]
    assert len(await desk.mails()) == 1
    assert (await desk.endpoint(endpoint_id)).state == pb.WEBHOOK_ENDPOINT_STATE_DISABLED
    assert [(d.state, d.failure_reason) for d in await desk.deliveries()] == [(FAILED, "ENDPOINT_GONE")] * 3


@pytest.mark.parametrize(("header", "waits_s"), [("60", 60), ("9999999999", 21_600), ("soon", 5), ("-1", 5), ("0", 5)])
async def test_retry_after_is_heeded_within_bounds(desk: Desk, header: str, waits_s: int) -> None:
    async with receiver(answering(status(429, f"retry-after: {header}"), OK)) as one:
        await desk.register(one.url)
        await desk.happen(desk.cancelled())
        await desk.deliver()
        await desk.happen(desk.cancelled())  # Another, which is left alone as long.
        await desk.pass_time(seconds=waits_s - 1)
        asked = header in {"60", "9999999999"}
        assert len(one.received) == (1 if asked else 2)
        await desk.pass_time(seconds=2)
    assert len(one.received) == 3


async def test_receiver_that_hangs_takes_its_own_slots_and_delays_nobody(desk: Desk) -> None:
    async with receiver(hanging) as slow, receiver() as quick:
        slow_id = (await desk.register(slow.url)).endpoint.endpoint_id
        await desk.register(quick.url)
        await desk.happen(*(desk.cancelled() for _ in range(30)))
        began = time.monotonic()
        job = asyncio.create_task(desk.deliver())
        async with asyncio.timeout(60):
            while len(quick.received) < 30:  # noqa: ASYNC110 - what a receiver has got is seen by looking
                await asyncio.sleep(0.01)
        rounds_begun = 1 + int((time.monotonic() - began) / ATTEMPT_TIMEOUT_S)  # A busy machine may need another one.
        assert len(slow.received) <= 4 * rounds_begun
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        assert {d.state for d in await desk.deliveries(endpoint_id=slow_id)} == {PENDING}


async def test_process_killed_between_sending_and_recording_sends_again_under_the_same_id(desk: Desk) -> None:
    killed = asyncio.Event()

    async def take_and_stay_silent(_writer: asyncio.StreamWriter, _received: object) -> None:
        killed.set()
        await asyncio.sleep(60)

    async with receiver(take_and_stay_silent) as one:
        await desk.register(one.url)
        (event_id,) = await desk.happen(desk.cancelled())
        job = asyncio.create_task(desk.deliver())
        await killed.wait()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        one.behave = answering(OK)
        await desk.deliver()  # Its lease still runs.
        assert one.ids == [event_id]
        await desk.pass_time(seconds=31)
    assert one.ids == [event_id] * 2
    found = (await desk.delivery()).delivery
    assert (found.state, found.attempt_count) == (SUCCEEDED, 1)


async def test_two_processes_deliver_each_once_and_keep_the_order_of_an_order(desk: Desk) -> None:
    async with receiver() as one:
        await desk.register(one.url)
        order_ids = [f"ord_{n:032x}" for n in range(4)]
        for version in range(1, 6):
            await desk.happen(*(desk.cancelled(order_id=o, aggregate_version=version) for o in order_ids))
        await asyncio.gather(*(desk.deliver() for _ in range(3)))
        await desk.deliver()
    told = [json.loads(received.body)["data"] for received in one.received]
    assert len(told) == len(set(one.ids)) == 20
    for order_id in order_ids:
        assert [data["aggregate_version"] for data in told if data["order_id"] == order_id] == [1, 2, 3, 4, 5]


async def test_deleted_endpoint_gets_nothing_more(desk: Desk) -> None:
    async with receiver() as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        await desk.happen(desk.cancelled())
        await desk.call.DeleteWebhookEndpoint(
            pb.DeleteWebhookEndpointRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id), None
        )
        await desk.happen(desk.cancelled())
        await desk.deliver()
    assert one.received == []
    assert [(d.state, d.failure_reason) for d in await desk.deliveries()] == [(FAILED, "ENDPOINT_DELETED")]
    listed = await desk.call.ListWebhookEndpoints(pb.ListWebhookEndpointsRequest(merchant_id=MERCHANT), None)
    assert list(listed.endpoints) == []


async def test_endpoints_are_counted_by_state_and_what_is_due_is_measured(desk: Desk) -> None:
    def endpoints(state: str) -> float | None:
        return REGISTRY.get_sample_value("paystream_webhook_endpoints", {"state": state})

    def overdue() -> float:
        return REGISTRY.get_sample_value("paystream_webhook_overdue_seconds") or 0.0

    async with receiver() as one, receiver() as other:
        await desk.register(one.url)
        paused = await desk.register(other.url)
        await desk.set_state(paused.endpoint.endpoint_id, PAUSED)
        await desk.happen(desk.cancelled())
        late = "UPDATE webhook_delivery SET due_time = clock_timestamp() - interval '1 hour'"
        await desk.runtime.transaction(lambda tx: tx.run(late))
        await report_webhooks(desk.runtime)
        assert [endpoints(state) for state in ("ENABLED", "PAUSED", "FAILING", "DISABLED")] == [1, 1, 0, 0]
        assert overdue() >= 3_600
        await desk.deliver()
        await report_webhooks(desk.runtime)
        assert overdue() == 0
