"""A batch of changes does what the same changes do one at a time: results and rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.postgres.database import Tx
from paykit.testing import batches
from paykit.testing.batches import Step
from services.notification.commands.webhooks import delivery, endpoint, replay
from services.notification.commands.webhooks.delivery import RecordWebhookAttempt
from services.notification.commands.webhooks.endpoint import (
    CreateWebhookEndpoint,
    DeleteWebhookEndpoint,
    RotateWebhookSecret,
    UpdateWebhookEndpoint,
)
from services.notification.commands.webhooks.replay import ReplayWebhookEvents, SendTestWebhook
from services.notification.domain.webhooks.addresses import AddressPolicy
from services.notification.domain.webhooks.delivery import WebhookAnswer, WebhookDelivery, WebhookEvent
from services.notification.domain.webhooks.endpoint import (
    WebhookEndpoint,
    WebhookEndpointAction,
    WebhookEndpointChange,
    WebhookEndpointState,
)
from services.notification.domain.webhooks.secret import WebhookSecret
from services.notification.store import webhooks as store
from tests.integration.notification.webhooks.conftest import MERCHANT, Desk

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENDPOINTS = [f"whe_{i:032x}" for i in range(3)]
"""The last of them is nobody's; the second is paused."""
DELIVERIES = [f"whd_{i:032x}" for i in range(3)]
EVENTS = [f"evt_{i:032x}" for i in range(3)]
POLICY = AddressPolicy()

endpoint_ids, etags = st.sampled_from(ENDPOINTS), st.sampled_from(["", "", "v1", "v2"])
changes = st.builds(
    WebhookEndpointChange,
    url=st.sampled_from([None, "https://a.example/", "http://a.example/"]),
    event_filters=st.sampled_from([None, (), ("order.*",), ("nothing.*",)]),
    action=st.sampled_from([None, WebhookEndpointAction.ENABLE, WebhookEndpointAction.PAUSE]),
)
answers = st.sampled_from(
    [WebhookAnswer(status_code=code) for code in (200, 410, 500)] + [WebhookAnswer(failure="TIMEOUT")]
)
pairs = st.sampled_from([(DELIVERIES[0], ENDPOINTS[0]), (DELIVERIES[1], ENDPOINTS[1]), (DELIVERIES[2], ENDPOINTS[0])])


def lists(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(one, min_size=2, max_size=5)


def recorded(pair: tuple[str, str], answer: WebhookAnswer) -> RecordWebhookAttempt:
    return RecordWebhookAttempt(
        delivery_id=pair[0], endpoint_id=pair[1], answer=answer, start_time=NOW, end_time=NOW + timedelta(seconds=1)
    )


STEPS: dict[str, tuple[Step, st.SearchStrategy[list[Any]]]] = {
    "create_endpoints": (
        endpoint.create_endpoints,
        lists(
            st.builds(
                CreateWebhookEndpoint,
                merchant_id=st.just(MERCHANT),
                url=st.sampled_from(["https://a.example/", "http://a.example/"]),
                event_filters=st.sampled_from([(), ("x.y",)]),
                description=st.just(""),
                policy=st.just(POLICY),
                key_fingerprint=st.sampled_from(["k", None]),
            )
        ),
    ),
    "update_endpoints": (
        endpoint.update_endpoints,
        lists(
            st.builds(
                UpdateWebhookEndpoint, endpoint_id=endpoint_ids, change=changes, etag=etags, policy=st.just(POLICY)
            )
        ),
    ),
    "delete_endpoints": (
        endpoint.delete_endpoints,
        lists(st.builds(DeleteWebhookEndpoint, endpoint_id=endpoint_ids, etag=etags)),
    ),
    "rotate_secrets": (
        endpoint.rotate_secrets,
        lists(
            st.builds(
                RotateWebhookSecret,
                endpoint_id=endpoint_ids,
                overlap=st.sampled_from([timedelta(0), timedelta(hours=1)]),
                key_fingerprint=st.sampled_from(["k", None]),
            )
        ),
    ),
    "replay_events": (
        replay.replay_events,
        lists(
            st.builds(
                ReplayWebhookEvents,
                endpoint_id=endpoint_ids,
                event_id=st.sampled_from(EVENTS),
                period=st.sampled_from([None, (NOW, NOW + timedelta(days=1))]),
                after=st.none(),
            )
        ),
    ),
    "send_tests": (replay.send_tests, lists(st.builds(SendTestWebhook, endpoint_id=endpoint_ids))),
    "record_attempts": (delivery.record_attempts, lists(st.builds(recorded, pair=pairs, answer=answers))),
}


async def prepare(tx: Tx) -> None:
    """Two endpoints, each with a delivery of the first event; a second event is kept, and delivered to nobody."""
    endpoints, secrets = store.endpoints.rows(tx), store.secrets.rows(tx)
    events, deliveries = store.events.rows(tx), store.deliveries.rows(tx)
    made = WebhookEndpoint(
        endpoint_id=ENDPOINTS[0],
        merchant_id=MERCHANT,
        url="https://a.example/",
        event_filters=(),
        description="",
        create_time=NOW,
        update_time=NOW,
    )
    for endpoint_id, state in zip(
        ENDPOINTS[:2], [WebhookEndpointState.ENABLED, WebhookEndpointState.PAUSED], strict=True
    ):
        endpoints.add(replace(made, endpoint_id=endpoint_id, state=state))
        secrets.add(WebhookSecret(endpoint_id=endpoint_id, number=1, key_fingerprint="k", create_time=NOW))
    for event_id in EVENTS[:2]:
        events.add(
            WebhookEvent(
                event_id=event_id,
                merchant_id=MERCHANT,
                event_type="order.OrderPaid",
                resource_key="ord_1",
                resource_version=1,
                body="{}",
                create_time=NOW,
            )
        )
    for delivery_id, endpoint_id in zip(DELIVERIES, ENDPOINTS[:2], strict=False):
        deliveries.add(
            WebhookDelivery(
                delivery_id=delivery_id,
                endpoint_id=endpoint_id,
                merchant_id=MERCHANT,
                event_id=EVENTS[0],
                event_type="order.OrderPaid",
                resource_key="ord_1",
                resource_version=1,
                due_time=NOW,
                create_time=NOW,
                update_time=NOW,
            )
        )
    await tx.save(endpoints, secrets, events, deliveries)


LOOKS = (
    """SELECT merchant_id, url, event_filters, state, revision, failure_count FROM webhook_endpoint
       ORDER BY 1, 2, 3, 4, 5""",
    "SELECT number, key_fingerprint, expire_time IS NULL FROM webhook_secret ORDER BY 1, 2, 3",
    "SELECT event_type, count(*) FROM webhook_event GROUP BY 1 ORDER BY 1",
    """SELECT endpoint_id, event_type, state, failure_reason, attempt_count, attempt_total, replay_count
       FROM webhook_delivery ORDER BY 1, 2, 3, 4, 5""",
    "SELECT delivery_id, attempt_number, status_code, failure FROM webhook_attempt ORDER BY 1, 2",
)


async def everything(tx: Tx, results: Sequence[Any]) -> Any:
    refused = [result if isinstance(result, Exception) else None for result in results]
    return refused, [[tuple(row) for row in await tx.fetch(sql)] for sql in LOOKS]


PROPERTY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", STEPS)
@given(data=st.data())
@PROPERTY
async def test_a_batch_equals_its_items_one_at_a_time(desk: Desk, name: str, data: st.DataObject) -> None:
    step, items = STEPS[name]
    await batches.assert_batch_equals_singles(desk.runtime, step, data.draw(items), look=everything, prepare=prepare)


@given(numbers=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3)), min_size=2, max_size=6))
@PROPERTY
async def test_events_in_a_batch_make_the_deliveries_that_each_makes_alone(
    desk: Desk, numbers: list[tuple[int, int]]
) -> None:
    async def queue(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        await delivery.queue_deliveries(tx, items)
        return [None] * len(items)

    events = [
        desk.cancelled(event_id=f"evt_{order}{version}", order_id=f"ord_{order}", aggregate_version=version)
        for order, version in numbers
    ]
    await batches.assert_batch_equals_singles(desk.runtime, queue, events, look=everything, prepare=prepare)
