"""Deliveries that a person asks for: events once more, and tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.notification import store
from services.notification.commands.webhooks.delivery import delivery_of
from services.notification.domain import webhooks
from services.notification.domain.webhooks.delivery import WebhookDelivery, WebhookEvent
from services.notification.domain.webhooks.endpoint import WebhookEndpoint, WebhookEndpointAction
from services.notification.store.webhooks import ReplayedEvents

REPLAYED_AT_ONCE_MAX = 1_000
"""Events that one call replays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWebhookEvents:
    """Events to deliver once more to an endpoint: one, or those of a period.

    Attributes:
        period: From when on, and before when, they were taken in; None for one event.
        after: Where in the period to begin.
    """

    endpoint_id: str
    event_id: str | None
    period: tuple[datetime, datetime] | None
    after: TimeKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """How many events are delivered once more, and the key of the last where there are more."""

    replay: ReplayWebhookEvents
    replayed_count: int
    last: TimeKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTestWebhook:
    """An endpoint to try."""

    endpoint_id: str


async def replay_events(tx: Tx, items: Sequence[ReplayWebhookEvents]) -> list[ReplayResult | DomainError]:
    """Deliver events once more; each replays by itself, as those of a batch may be many.

    Refusals: WebhookEndpointNotFound, IllegalTransition, WebhookEventNotFound.
    """
    endpoints = await store.webhooks.endpoints.lock(tx, [item.endpoint_id for item in items])
    return [await _replay(tx, item, endpoints) for item in items]


async def send_tests(tx: Tx, items: Sequence[SendTestWebhook]) -> list[WebhookDelivery | DomainError]:
    """Deliver a test to endpoints. Refusals: WebhookEndpointNotFound, IllegalTransition."""
    endpoints = await store.webhooks.endpoints.lock(tx, [item.endpoint_id for item in items])
    events, deliveries = store.webhooks.events.rows(tx), store.webhooks.deliveries.rows(tx)
    real_now = await store.real_time(tx)

    def send(item: SendTestWebhook) -> WebhookDelivery:
        endpoint = endpoints.require(item.endpoint_id, webhooks.endpoint.not_found)
        webhooks.endpoint.next_state(endpoint, WebhookEndpointAction.TEST)
        event = events.add(_test_event(endpoint, tx.now))
        return deliveries.add(delivery_of(event, endpoint, at=real_now, now=tx.now))

    results = fold(items, send)
    await tx.save(events, deliveries)
    return results


async def _replay(
    tx: Tx, item: ReplayWebhookEvents, endpoints: Rows[str, WebhookEndpoint]
) -> ReplayResult | DomainError:
    tx.restart_lock_order()
    try:
        endpoint = endpoints.require(item.endpoint_id, webhooks.endpoint.not_found)
        webhooks.endpoint.next_state(endpoint, WebhookEndpointAction.REPLAY)
        events = await _events(tx, item, endpoint)
    except DomainError as refusal:
        return refusal
    more = len(events) > REPLAYED_AT_ONCE_MAX
    replayed = events[:REPLAYED_AT_ONCE_MAX]
    await _deliver_again(tx, endpoint, replayed)
    last = (replayed[-1].create_time, replayed[-1].event_id) if more else None
    return ReplayResult(replay=item, replayed_count=len(replayed), last=last)


async def _events(tx: Tx, item: ReplayWebhookEvents, endpoint: WebhookEndpoint) -> Sequence[WebhookEvent]:
    if item.period is None:
        event_id = item.event_id or ""
        event = await store.webhooks.events.of_merchant(tx, endpoint.merchant_id, event_id)
        if event is None:
            raise webhooks.delivery.event_not_found(event_id)
        return [event]
    types = (t for t in webhooks.body.EVENTS if webhooks.filters.matches(endpoint.event_filters, t))
    wanted = ReplayedEvents(
        merchant_id=endpoint.merchant_id,
        event_types=tuple(types),
        create_time_min=item.period[0],
        create_time_before=item.period[1],
    )
    return await store.webhooks.events.select_replayed(tx, wanted, after=item.after, limit=REPLAYED_AT_ONCE_MAX + 1)


async def _deliver_again(tx: Tx, endpoint: WebhookEndpoint, events: Sequence[WebhookEvent]) -> None:
    real_now = await store.real_time(tx)
    rows = await store.webhooks.deliveries.of_events(tx, endpoint.endpoint_id, [event.event_id for event in events])
    present = {row.event_id: row for row in rows.values()}
    for event in events:
        if event.event_id in present:
            rows.put(webhooks.delivery.replay(present[event.event_id], at=real_now, now=tx.now))
        else:
            rows.add(delivery_of(event, endpoint, at=real_now, now=tx.now))
    await tx.save(rows)


def _test_event(endpoint: WebhookEndpoint, now: datetime) -> WebhookEvent:
    event_id = new_id("evt", of=endpoint.merchant_id)
    body = webhooks.body.encode_test(
        endpoint_id=endpoint.endpoint_id, merchant_id=endpoint.merchant_id, event_id=event_id, now=now
    )
    return WebhookEvent(
        event_id=event_id,
        merchant_id=endpoint.merchant_id,
        event_type=webhooks.body.TEST_TYPE,
        resource_key=endpoint.endpoint_id,
        resource_version=0,
        body=body,
        create_time=now,
    )
