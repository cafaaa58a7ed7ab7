"""Deliveries: made of events, taken for a try, and what came of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import fold
from services.notification import store
from services.notification.commands.notification import QueueNotifications, queue_notifications
from services.notification.domain import webhooks
from services.notification.domain.webhooks.delivery import (
    ENDPOINT_GONE,
    WebhookAnswer,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)
from services.notification.domain.webhooks.endpoint import WebhookEndpoint, WebhookEndpointState
from services.notification.domain.webhooks.secret import WebhookSecret
from services.notification.store.webhooks import ClaimedWebhook

DELIVERING_JOBS = ("deliver_webhooks", "deliver_failing_webhooks")
"""The jobs that deliver: to endpoints that take what they are sent, and apart from these to those that fail."""
ENDPOINT_SLOTS = 4
"""Deliveries to one endpoint at one time."""
FAILING_SLOTS = 1
"""Deliveries at one time to an endpoint that fails."""
FAILURES_MIN = 3
"""Failed tries in a row that make an endpoint a failing one, which is delivered to apart from the others."""
RETENTION = timedelta(days=30)
"""How long what has ended is kept, in business time."""
DELETED_AT_ONCE_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebhook:
    """A delivery taken for a try, with the secrets that sign it, the newest first."""

    claimed: ClaimedWebhook
    secrets: Sequence[WebhookSecret]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWebhookAttempt:
    """What came of a try; times are real.

    Attributes:
        end_time: When it ended.
    """

    delivery_id: str
    endpoint_id: str
    answer: WebhookAnswer
    start_time: datetime
    end_time: datetime


async def queue_deliveries(tx: Tx, events: Sequence[Event]) -> None:
    """Make one delivery of each event for each endpoint of its merchant that takes it, once."""
    sent = [event for event in events if webhooks.body.type_of(type(event)) in webhooks.body.EVENTS]
    merchant_ids = {event.merchant_id for event in sent if event.merchant_id}
    if not merchant_ids:
        return
    endpoints: defaultdict[str | None, list[WebhookEndpoint]] = defaultdict(list)
    for endpoint in await store.webhooks.endpoints.keeping(tx, merchant_ids):
        endpoints[endpoint.merchant_id].append(endpoint)
    pairs = [(event, e) for event in sent for e in endpoints[event.merchant_id] if _takes(e, event)]
    if not pairs:
        return
    real_now = await store.real_time(tx)
    kept = {event.event_id: webhook_event(event, tx.now) for event, _ in pairs}
    await store.webhooks.events.insert_absent(tx, kept.values())
    deliveries = [delivery_of(kept[event.event_id], e, at=real_now, now=tx.now) for event, e in pairs]
    await store.webhooks.deliveries.insert_absent(tx, deliveries, unique=("endpoint_id", "event_id"))


async def waiting_endpoints(tx: Tx, *, at: datetime, failing: bool) -> list[str]:
    """Name the endpoints, failing ones or the others, that something can be delivered to at a real time."""
    slots = FAILING_SLOTS if failing else ENDPOINT_SLOTS
    return await store.webhooks.endpoints.waiting(tx, at=at, failures_min=FAILURES_MIN, failing=failing, slots=slots)


async def claim_deliveries(
    tx: Tx,
    endpoint_ids: Sequence[str],
    *,
    at: datetime,
    failing: bool,
    limit: int,
    lease: timedelta,
    without: Sequence[str] = (),
) -> list[SignedWebhook]:
    """Take what is due for endpoints that nobody else takes from just now.

    Args:
        tx: The transaction.
        endpoint_ids: The endpoints.
        at: Real time.
        failing: Whether they are failing ones, which have fewer slots.
        limit: Deliveries at most.
        lease: How long they are taken for.
        without: Deliveries to pass by.
    """
    endpoints = await store.webhooks.endpoints.claim(tx, endpoint_ids)
    slots = FAILING_SLOTS if failing else ENDPOINT_SLOTS
    claimed = await store.webhooks.deliveries.claim(
        tx, list(endpoints), at=at, slots=slots, limit=limit, lease=lease, without=without
    )
    secrets = await store.webhooks.secrets.of(tx, {one.endpoint_id for one in claimed})
    return [SignedWebhook(claimed=one, secrets=[s for s in secrets[one.endpoint_id] if s.signs(at)]) for one in claimed]


async def record_attempts(tx: Tx, items: Sequence[RecordWebhookAttempt]) -> list[WebhookDelivery | DomainError]:
    """Record what came of tries, and what follows for their endpoints.

    Emits WebhookEndpointStopped for each that is delivered to no more, and has its owner told by mail. Refusals:
    WebhookDeliveryNotFound (forgotten meanwhile).
    """
    endpoints = await store.webhooks.endpoints.lock(tx, [item.endpoint_id for item in items])
    deliveries = await store.webhooks.deliveries.lock(tx, [item.delivery_id for item in items])
    attempts = store.webhooks.attempts.rows(tx)
    states = {row.endpoint_id: row.state for row in endpoints.values()}

    def record(item: RecordWebhookAttempt) -> WebhookDelivery:
        delivery = deliveries.require(item.delivery_id, webhooks.delivery.not_found)
        after, endpoint = webhooks.delivery.decide(
            delivery, endpoints[item.endpoint_id], item.answer, at=item.end_time, now=tx.now
        )
        attempts.add(_attempt(after, item))
        if endpoint != endpoints[item.endpoint_id]:
            endpoints.put(endpoint)
        return deliveries.put(after)

    results = fold(items, record)
    await tx.save(endpoints, deliveries, attempts)
    await _tell_stopped(tx, [row for row in endpoints.values() if row.state is not states[row.endpoint_id]])
    return results


async def delete_old(tx: Tx) -> bool:
    """Forget what ended long ago, and give up what has waited as long; True if there may be more."""
    before = tx.now - RETENTION
    await store.webhooks.deliveries.expire(tx, before, limit=DELETED_AT_ONCE_MAX)
    return await store.webhooks.delete_old(tx, before, limit=DELETED_AT_ONCE_MAX)


def webhook_event(event: Event, now: datetime) -> WebhookEvent:
    """Return what is kept of an event."""
    return WebhookEvent(
        event_id=event.event_id,
        merchant_id=event.merchant_id or "",
        event_type=webhooks.body.type_of(type(event)),
        resource_key=getattr(event, event.KEY),
        resource_version=event.aggregate_version,
        body=webhooks.body.encode(event),
        create_time=now,
    )


def delivery_of(event: WebhookEvent, endpoint: WebhookEndpoint, *, at: datetime, now: datetime) -> WebhookDelivery:
    """Return a new delivery of an event to an endpoint, due at a real time."""
    return WebhookDelivery(
        delivery_id=new_id("whd", of=endpoint.merchant_id),
        endpoint_id=endpoint.endpoint_id,
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        event_type=event.event_type,
        resource_key=event.resource_key,
        resource_version=event.resource_version,
        due_time=at,
        create_time=now,
        update_time=now,
    )


async def _tell_stopped(tx: Tx, endpoints: Sequence[WebhookEndpoint]) -> None:
    """Tell of endpoints that are delivered to no more; what is pending for those that are gone ends."""
    gone = [row.endpoint_id for row in endpoints if row.state is WebhookEndpointState.DISABLED]
    await store.webhooks.deliveries.end_pending(tx, [(endpoint_id, ENDPOINT_GONE) for endpoint_id in gone])
    mails = []
    for endpoint in endpoints:
        cause = Cause(new_id("cor"))
        event = webhooks.endpoint.stopped(endpoint, event_id=new_id("evt", of=endpoint.merchant_id))
        tx.emit(event, cause=cause)
        mails.append(QueueNotifications(event=replace(event, correlation_id=cause.correlation_id), cause=cause))
    await queue_notifications(tx, mails)


def _takes(endpoint: WebhookEndpoint, event: Event) -> bool:
    return webhooks.filters.matches(endpoint.event_filters, webhooks.body.type_of(type(event)))


def _attempt(delivery: WebhookDelivery, item: RecordWebhookAttempt) -> WebhookAttempt:
    took = item.end_time - item.start_time
    return WebhookAttempt(
        delivery_id=item.delivery_id,
        attempt_number=delivery.attempt_total,
        start_time=item.start_time,
        latency_ms=max(round(took / timedelta(milliseconds=1)), 0),
        status_code=item.answer.status_code,
        failure=item.answer.failure,
        excerpt=item.answer.excerpt,
    )
