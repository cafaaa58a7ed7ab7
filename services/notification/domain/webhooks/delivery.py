"""One event on its way to one endpoint: its states, and what the answer to a try makes of it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from services.notification.domain.webhooks import endpoint as endpoints
from services.notification.domain.webhooks import schedule
from services.notification.domain.webhooks.endpoint import WebhookEndpoint, WebhookEndpointAction

GONE = 410
TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
RESTING_STATUSES = frozenset({TOO_MANY_REQUESTS, UNAVAILABLE})
"""Answers whose Retry-After is heeded."""
EXCERPT_BYTES_MAX = 1_000
"""Of an answer's body, kept for people."""

EXHAUSTED, ENDPOINT_GONE, ENDPOINT_DELETED = "EXHAUSTED", "ENDPOINT_GONE", "ENDPOINT_DELETED"


class WebhookDeliveryState(StrEnum):
    """How far a delivery has come."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class WebhookDeliveryNotFound(DomainError):
    """No delivery has this id."""

    kind = Kind.NOT_FOUND
    reason = "WEBHOOK_DELIVERY_NOT_FOUND"


class WebhookEventNotFound(DomainError):
    """No event with this id is kept for the merchant."""

    kind = Kind.NOT_FOUND
    reason = "WEBHOOK_EVENT_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """What is told, whoever it is told to.

    Attributes:
        resource_key: What it is about: its Kafka key, within which first tries keep their order.
        resource_version: Of that, after the event.
        body: JSON.
    """

    event_id: str
    merchant_id: str
    event_type: str
    resource_key: str
    resource_version: int
    body: str
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event for one endpoint.

    Attributes:
        resource_version: Version of what the event is about: their order within resource_key.
        attempt_count: Tries since it was made, or last replayed.
        attempt_total: Tries in all.
        due_time: Real time of the next try.
        lease_time: Real time until which a process is trying; None where none is.
    """

    delivery_id: str
    endpoint_id: str
    merchant_id: str
    event_id: str
    event_type: str
    resource_key: str
    resource_version: int
    due_time: datetime
    create_time: datetime
    update_time: datetime
    state: WebhookDeliveryState = WebhookDeliveryState.PENDING
    failure_reason: str | None = None
    attempt_count: int = 0
    attempt_total: int = 0
    replay_count: int = 0
    lease_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What came of a try.

    Attributes:
        status_code: Of HTTP; None where there was no answer.
        failure: Why there was none, UPPER_SNAKE.
        retry_after: The header as it came.
        excerpt: The beginning of the body.
    """

    status_code: int | None = None
    failure: str | None = None
    retry_after: str | None = None
    excerpt: bytes = b""

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.status_code is not None and 200 <= self.status_code <= 299  # noqa: PLR2004 - 2xx


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAttempt:
    """A try as it is kept; times are real."""

    delivery_id: str
    attempt_number: int
    start_time: datetime
    latency_ms: int
    status_code: int | None
    failure: str | None
    excerpt: bytes


def decide(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint, answer: WebhookAnswer, *, at: datetime, now: datetime
) -> tuple[WebhookDelivery, WebhookEndpoint]:
    """Return a delivery and its endpoint after a try.

    Args:
        delivery: As it is; one that has ended meanwhile stays as it is, unless the receiver took it.
        endpoint: As it is.
        answer: What came of the try.
        at: Real time.
        now: Business time, of the change.
    """
    counted = replace(
        delivery,
        lease_time=None,
        attempt_count=delivery.attempt_count + 1,
        attempt_total=delivery.attempt_total + 1,
        update_time=no_earlier(now, delivery.update_time),
    )
    if answer.succeeded:
        taken = replace(counted, state=WebhookDeliveryState.SUCCEEDED, failure_reason=None)
        return taken, endpoints.succeeded(endpoint)
    if answer.status_code == GONE:
        return _failed(counted, ENDPOINT_GONE), endpoints.act(endpoint, WebhookEndpointAction.DISABLE, now=now)
    asked = schedule.retry_after(answer.retry_after, at) if answer.status_code in RESTING_STATUSES else None
    tried = endpoints.failed(endpoint, at=at, now=now)
    resting = replace(tried, rest_until_time=at + asked) if asked else tried
    delay = schedule.retry_delay(delivery.delivery_id, counted.attempt_count)
    if delay is None:
        return _failed(counted, EXHAUSTED), resting
    return replace(counted, due_time=at + max(delay, asked or delay)), resting


def replay(delivery: WebhookDelivery, *, at: datetime, now: datetime) -> WebhookDelivery:
    """Return a delivery that begins anew, whatever became of it.

    Args:
        delivery: As it is.
        at: Real time.
        now: Business time, of the change.
    """
    return replace(
        delivery,
        state=WebhookDeliveryState.PENDING,
        failure_reason=None,
        attempt_count=0,
        replay_count=delivery.replay_count + 1,
        due_time=at,
        update_time=no_earlier(now, delivery.update_time),
    )


def not_found(delivery_id: str) -> WebhookDeliveryNotFound:
    """Make the refusal that there is no such delivery."""
    return WebhookDeliveryNotFound("No delivery has this id.", field="delivery_id", delivery_id=delivery_id)


def event_not_found(event_id: str) -> WebhookEventNotFound:
    """Make the refusal that no such event is kept."""
    return WebhookEventNotFound("No event with this id is kept.", field="event_id", event_id=event_id)


def _failed(delivery: WebhookDelivery, reason: str) -> WebhookDelivery:
    if delivery.state is not WebhookDeliveryState.PENDING:
        return delivery
    return replace(delivery, state=WebhookDeliveryState.FAILED, failure_reason=reason)
