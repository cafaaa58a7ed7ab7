"""Endpoints as their owners see them: registered, changed, given other secrets, replayed to, tested, ended."""

import asyncio
import json
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from paykit.clock import ManualClock
from paykit.errors import DomainError, EtagMismatch, FieldInvalid, IllegalTransition, PageTokenInvalid
from paykit.postgres.database import Tx
from paykit.serve.validation.update_masks import UpdateMaskInvalid
from paykit.testing.outbox_events import outbox_events
from paystream.notification.v1 import webhook_pb2 as pb
from services.notification.commands.webhooks import delivery as delivery_commands
from services.notification.commands.webhooks import replay as replay_commands
from services.notification.domain.webhooks import signing
from services.notification.domain.webhooks.addresses import WebhookAddressRefused
from services.notification.domain.webhooks.delivery import WebhookDeliveryNotFound, WebhookEventNotFound
from services.notification.domain.webhooks.endpoint import (
    WebhookEndpointNotFound,
    WebhookEndpointsExceeded,
    WebhookKeyMissing,
)
from services.notification.domain.webhooks.filters import WebhookFilterInvalid
from tests.integration.notification.webhooks.conftest import ANY, ENABLED, MERCHANT, PAUSED, Desk
from tests.line.receiving import OK, answering, receiver, status

NOBODY = "whe_" + "0" * 32
URL = "https://shop.example/hooks"


async def _fetch(tx: Tx, *, sql: str) -> list[Any]:
    return await tx.fetch(sql)


async def test_endpoint_is_shown_as_it_is_and_never_with_its_secret(desk: Desk) -> None:
    created = await desk.register(URL, "order.*", "PaymentSuccess")
    assert created.secret.startswith("whsec_")
    endpoint = created.endpoint
    assert (endpoint.url, list(endpoint.event_filters)) == (URL, ["order.*", "PaymentSuccess"])
    assert (endpoint.state, endpoint.secret_count, endpoint.etag) == (ENABLED, 1, "v1")
    assert await desk.endpoint(endpoint.endpoint_id) == endpoint
    listed = await desk.call.ListWebhookEndpoints(pb.ListWebhookEndpointsRequest(merchant_id=MERCHANT), ANY)
    assert list(listed.endpoints) == [endpoint]
    assert created.secret not in str(listed)
    tables = ("webhook_endpoint", "webhook_secret", "webhook_event", "webhook_delivery", "idempotency_claim", "outbox")
    for table in tables:
        sql = f"SELECT {table}::text FROM {table}"
        rows = await desk.runtime.read(partial(_fetch, sql=sql))
        assert not any(created.secret.removeprefix("whsec_") in row[0] for row in rows)
    events = await outbox_events(desk.runtime)
    assert not any(created.secret.removeprefix("whsec_") in str(event) for event in events)


async def test_rotation_signs_with_both_secrets_until_the_overlap_ends(desk: Desk) -> None:
    async with receiver() as one:
        created = await desk.register(one.url)
        endpoint_id, first = created.endpoint.endpoint_id, created.secret
        second = (await desk.rotate(endpoint_id, overlap_s=3_600)).secret
        await desk.happen(desk.cancelled())
        await desk.deliver()
        desk.clock.move_to(desk.clock.offset + timedelta(hours=2))
        await desk.happen(desk.cancelled())
        await desk.deliver()
    during, after = one.received
    assert first != second
    assert len(during.headers["webhook-signature"].split(" ")) == 2
    during.verify(first)
    during.verify(second)
    after.verify(second)
    with pytest.raises(signing.SignatureInvalidError):
        after.verify(first)


async def test_rotation_without_overlap_ends_the_old_secret_at_once(desk: Desk) -> None:
    async with receiver() as one:
        created = await desk.register(one.url)
        rotated = await desk.rotate(created.endpoint.endpoint_id, overlap_s=0)
        assert not rotated.HasField("overlap_end_time")
        await desk.happen(desk.cancelled())
        await desk.deliver()
    (received,) = one.received
    received.verify(rotated.secret)
    with pytest.raises(signing.SignatureInvalidError):
        received.verify(created.secret)


async def test_two_rotations_in_a_row_leave_two_secrets(desk: Desk) -> None:
    async with receiver() as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        second, third = [(await desk.rotate(endpoint_id)).secret for _ in range(2)]
        assert (await desk.endpoint(endpoint_id)).secret_count == 2
        await desk.happen(desk.cancelled())
        await desk.deliver()
    (received,) = one.received
    assert len(received.headers["webhook-signature"].split(" ")) == 2
    received.verify(second)
    received.verify(third)


async def test_change_names_its_fields_and_holds_for_what_comes_after_it(desk: Desk) -> None:
    async with receiver() as one, receiver() as other:
        endpoint = (await desk.register(one.url, "payment.*")).endpoint
        await desk.happen(desk.cancelled())
        changed = await desk.change(
            endpoint.endpoint_id, "url", "event_filters", url=other.url, event_filters=["order.*"], description="no"
        )
        assert (changed.url, list(changed.event_filters), changed.description) == (other.url, ["order.*"], "")
        assert changed.etag == "v2"
        again = await desk.change(endpoint.endpoint_id, "url", url=other.url)
        assert again == changed
        (event_id,) = await desk.happen(desk.cancelled())
        await desk.deliver()
    assert (one.ids, other.ids) == ([], [event_id])


@pytest.mark.parametrize(
    ("paths", "fields", "refusal"),
    [
        ((), {}, UpdateMaskInvalid),
        (("merchant_id",), {}, UpdateMaskInvalid),
        (("state",), {}, FieldInvalid),
        (("state",), {"state": pb.WEBHOOK_ENDPOINT_STATE_DELETED}, FieldInvalid),
        (("url",), {"url": "http://10.0.0.1/"}, WebhookAddressRefused),
        (("event_filters",), {"event_filters": ["nothing.*"]}, WebhookFilterInvalid),
        (("description",), {"description": "a", "etag": "v9"}, EtagMismatch),
    ],
)
async def test_change_that_is_wrong_is_refused(desk: Desk, paths: Any, fields: Any, refusal: type[DomainError]) -> None:
    endpoint = (await desk.register(URL)).endpoint
    with pytest.raises(refusal):
        await desk.change(endpoint.endpoint_id, *paths, **fields)
    assert await desk.endpoint(endpoint.endpoint_id) == endpoint


async def test_merchant_has_at_most_twenty_endpoints_however_they_are_asked_for(desk: Desk) -> None:
    results = await asyncio.gather(*(desk.register(URL) for _ in range(25)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, WebhookEndpointsExceeded)]
    assert (len(results) - len(refused), len(refused)) == (20, 5)
    made = [result for result in results if not isinstance(result, BaseException)]
    await desk.call.DeleteWebhookEndpoint(
        pb.DeleteWebhookEndpointRequest(request_id=str(uuid.uuid4()), endpoint_id=made[0].endpoint.endpoint_id), ANY
    )
    await desk.register(URL)


async def test_production_without_a_key_registers_nothing_and_sends_nothing(desk: Desk) -> None:
    async with receiver() as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        await desk.happen(desk.cancelled())
        settings = desk.runtime.settings
        desk.runtime.settings = settings.model_copy(
            update={"environment": "production", "webhook_loopback_allowed": False}
        )
        with pytest.raises(WebhookKeyMissing):
            await desk.register(URL)
        with pytest.raises(WebhookKeyMissing):
            await desk.rotate(endpoint_id)
        await desk.deliver()
        assert one.received == []
        assert (await desk.delivery()).attempts[0].failure == "SECRET_UNAVAILABLE"
        desk.runtime.settings = settings
        await desk.pass_time(seconds=10)
    assert len(one.received) == 1


async def test_replay_of_an_event_delivers_it_once_more_under_its_id(desk: Desk) -> None:
    async with receiver(answering(OK)) as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        (event_id,) = await desk.happen(desk.cancelled())
        await desk.deliver()
        assert (await desk.replay(endpoint_id, event_id=event_id)).replayed_count == 1
        await desk.deliver()
    assert one.ids == [event_id] * 2
    found = await desk.delivery()
    assert (found.delivery.replay_count, found.delivery.attempt_count) == (1, 1)
    assert [attempt.attempt_number for attempt in found.attempts] == [1, 2]


async def test_replay_of_a_time_range_gives_a_new_endpoint_what_its_filters_take(desk: Desk) -> None:
    async with receiver(answering(status(500))) as one, receiver() as other:
        await desk.register(one.url)
        await desk.happen(*(desk.cancelled() for _ in range(3)))
        late = (await desk.register(other.url, "order.*")).endpoint.endpoint_id
        strange = (await desk.register(other.url, "payment.*")).endpoint.endpoint_id
        period = desk.period()
        assert (await desk.replay(late, **period)).replayed_count == 3
        assert (await desk.replay(strange, **period)).replayed_count == 0
        await desk.deliver()
        assert len(other.received) == 3
        earlier = {"record_time_min": period["record_time_min"], "record_time_before": period["record_time_min"]}
        assert (await desk.replay(late, **earlier)).replayed_count == 0


async def test_long_replay_goes_on_by_its_token(desk: Desk) -> None:
    count = replay_commands.REPLAYED_AT_ONCE_MAX + 1
    endpoint_id = (await desk.register(URL)).endpoint.endpoint_id
    await desk.happen(*(desk.cancelled() for _ in range(count)))  # All taken in at one moment.
    period = desk.period()
    first = await desk.replay(endpoint_id, **period)
    second = await desk.replay(endpoint_id, page_token=first.next_page_token, **period)
    assert (first.replayed_count, second.replayed_count, second.next_page_token) == (count - 1, 1, "")
    rows = await desk.runtime.read(lambda tx: tx.fetch("SELECT DISTINCT replay_count FROM webhook_delivery"))
    assert [row[0] for row in rows] == [1]
    with pytest.raises(PageTokenInvalid):
        await desk.replay(NOBODY, page_token=first.next_page_token, **period)


async def test_what_an_endpoint_cannot_do_is_refused(desk: Desk) -> None:
    endpoint_id = (await desk.register(URL)).endpoint.endpoint_id
    event_id = "evt_" + "0" * 32
    with pytest.raises(WebhookEventNotFound):
        await desk.replay(endpoint_id, event_id=event_id)
    for call in (desk.endpoint(NOBODY), desk.rotate(NOBODY), desk.replay(NOBODY, event_id=event_id), desk.test(NOBODY)):
        with pytest.raises(WebhookEndpointNotFound):
            await call
    with pytest.raises(WebhookDeliveryNotFound):
        await desk.call.GetWebhookDelivery(pb.GetWebhookDeliveryRequest(delivery_id="whd_" + "0" * 32), ANY)
    await desk.set_state(endpoint_id, PAUSED)
    with pytest.raises(IllegalTransition):
        await desk.test(endpoint_id)
    await desk.call.DeleteWebhookEndpoint(
        pb.DeleteWebhookEndpointRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id), ANY
    )
    for call in (desk.rotate(endpoint_id), desk.replay(endpoint_id, event_id=event_id), desk.test(endpoint_id)):
        with pytest.raises(IllegalTransition):
            await call
    with pytest.raises(IllegalTransition):
        await desk.set_state(endpoint_id, ENABLED)


async def test_event_of_another_merchant_is_not_replayed(desk: Desk) -> None:
    other = "mer_" + "2" * 32
    await desk.register(URL, merchant_id=other)
    (event_id,) = await desk.happen(desk.cancelled(merchant_id=other))
    endpoint_id = (await desk.register(URL)).endpoint.endpoint_id
    with pytest.raises(WebhookEventNotFound):
        await desk.replay(endpoint_id, event_id=event_id)


async def test_test_is_delivered_whatever_the_filters(desk: Desk) -> None:
    async with receiver() as one:
        endpoint_id = (await desk.register(one.url, "payment.*")).endpoint.endpoint_id
        delivery = await desk.test(endpoint_id)
        await desk.deliver()
    (received,) = one.received
    told = json.loads(received.body)
    assert (told["type"], told["data"]["endpoint_id"]) == ("webhook.test", endpoint_id)
    assert one.ids == [delivery.event_id]
    assert (await desk.delivery()).delivery.state == pb.WEBHOOK_DELIVERY_STATE_SUCCEEDED


async def test_disabled_endpoint_begins_anew_when_it_is_enabled(desk: Desk) -> None:
    async with receiver(answering(status(410), OK)) as one:
        endpoint_id = (await desk.register(one.url)).endpoint.endpoint_id
        await desk.happen(desk.cancelled())
        await desk.deliver()
        with pytest.raises(IllegalTransition):
            await desk.set_state(endpoint_id, PAUSED)
        assert (await desk.set_state(endpoint_id, ENABLED)).failure_count == 0
        await desk.happen(desk.cancelled())
        await desk.deliver()
    assert len(one.received) == 2


async def test_lists_page_and_filter(desk: Desk) -> None:
    endpoint_id = (await desk.register(URL)).endpoint.endpoint_id
    await desk.happen(*(desk.cancelled() for _ in range(5)))
    request = pb.ListWebhookDeliveriesRequest(endpoint_id=endpoint_id, page_size=2)
    seen: list[str] = []
    while True:
        page = await desk.call.ListWebhookDeliveries(request, ANY)
        seen += [one.delivery_id for one in page.deliveries]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert len(seen) == len(set(seen)) == 5
    assert await desk.deliveries(state=pb.WEBHOOK_DELIVERY_STATE_FAILED) == []
    with pytest.raises(FieldInvalid):
        await desk.call.ListWebhookDeliveries(pb.ListWebhookDeliveriesRequest(merchant_id=MERCHANT, page_size=-1), ANY)


async def test_what_ended_long_ago_is_forgotten_and_what_waited_as_long_is_given_up(desk: Desk) -> None:
    async with receiver() as one:
        await desk.register(one.url)
        paused = (await desk.register(one.url, "PaymentFailed")).endpoint.endpoint_id
        (old,) = await desk.happen(desk.cancelled())
        await desk.deliver()
        assert [delivery.event_id for delivery in await desk.deliveries()] == [old]
        await desk.set_state(paused, PAUSED)
        waiting = (await desk.register(one.url)).endpoint.endpoint_id
        await desk.set_state(waiting, PAUSED)
        (kept,) = await desk.happen(desk.cancelled())
        await desk.deliver()
    clock = desk.runtime.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(days=31))
    while await desk.runtime.transaction(delivery_commands.delete_old):
        pass
    assert [delivery.event_id for delivery in await desk.deliveries()] == [kept]
    rows = await desk.runtime.read(lambda tx: tx.fetch("SELECT event_id FROM webhook_event"))
    assert [row[0] for row in rows] == [kept]
    assert [delivery.failure_reason for delivery in await desk.deliveries()] == ["EXPIRED"]
