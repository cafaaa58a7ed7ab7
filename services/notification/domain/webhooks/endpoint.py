"""A merchant's address for webhooks: its states, what its owner changes, and what its answers change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

from paykit import transitions
from paykit.aggregate import require_etag
from paykit.cause import NO_CALL, CreatingCall
from paykit.clock import no_earlier
from paykit.errors import DomainError, Kind
from paystream.notification.v1 import events
from services.notification.domain.webhooks.schedule import FAILING_AFTER

ENDPOINTS_MAX = 20
"""Endpoints of one merchant, deleted ones not counted."""


class WebhookEndpointState(StrEnum):
    """Whether an endpoint is delivered to."""

    ENABLED = "ENABLED"
    PAUSED = "PAUSED"
    FAILING = "FAILING"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


class WebhookEndpointAction(StrEnum):
    """What can happen to an endpoint; SUSPEND and DISABLE follow from its answers."""

    ENABLE = "ENABLE"
    PAUSE = "PAUSE"
    SUSPEND = "SUSPEND"
    DISABLE = "DISABLE"
    DELETE = "DELETE"
    REPLAY = "REPLAY"
    TEST = "TEST"
    ROTATE = "ROTATE"
    CHANGE = "CHANGE"


_S, _A = WebhookEndpointState, WebhookEndpointAction
_LIVING = (_S.ENABLED, _S.PAUSED, _S.FAILING, _S.DISABLED)

TRANSITIONS: Mapping[tuple[WebhookEndpointState, WebhookEndpointAction], WebhookEndpointState] = MappingProxyType(
    {
        **{(state, _A.ENABLE): _S.ENABLED for state in _LIVING},
        **{(state, _A.PAUSE): _S.PAUSED for state in (_S.ENABLED, _S.PAUSED, _S.FAILING)},
        **{(state, _A.DISABLE): _S.DISABLED for state in _LIVING},
        **{(state, _A.DELETE): _S.DELETED for state in _S},
        # Answers come from tries that began before; what was paused meanwhile stays so.
        **{(state, _A.SUSPEND): state for state in (_S.PAUSED, _S.FAILING, _S.DISABLED)},
        (_S.ENABLED, _A.SUSPEND): _S.FAILING,
        # These leave the state alone.
        **{(state, _A.REPLAY): state for state in (_S.ENABLED, _S.PAUSED, _S.FAILING)},
        **{(state, action): state for state in _LIVING for action in (_A.ROTATE, _A.CHANGE)},
        (_S.ENABLED, _A.TEST): _S.ENABLED,
    }
)
"""The state after an action; a pair that is missing is illegal."""

KEEPING = frozenset({_S.ENABLED, _S.PAUSED, _S.FAILING})
"""States in which what comes is kept for an endpoint."""


class WebhookEndpointNotFound(DomainError):
    """No endpoint has this id."""

    kind = Kind.NOT_FOUND
    reason = "WEBHOOK_ENDPOINT_NOT_FOUND"


class WebhookEndpointsExceeded(DomainError):
    """The merchant has as many endpoints as one may have; metadata says how many."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "WEBHOOK_ENDPOINTS_EXCEEDED"


class WebhookKeyMissing(DomainError):
    """The platform has set no key of which secrets are derived."""

    kind = Kind.FAILED_PRECONDITION
    reason = "WEBHOOK_KEY_MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """An address of a merchant.

    Attributes:
        event_filters: None takes everything.
        revision: From 1, one more with every change of what its owner can change and of the state; becomes the etag.
        failing_since_time: Real time since when every try failed; None while the last one succeeded.
        failure_count: Tries that failed since then.
        rest_until_time: Real time until which its receiver asked to be left alone.
        secret_count: Secrets that sign its deliveries.
        creating_call: Kept so that the same call creates nothing again.
    """

    endpoint_id: str
    merchant_id: str
    url: str
    event_filters: tuple[str, ...]
    description: str
    create_time: datetime
    update_time: datetime
    state: WebhookEndpointState = WebhookEndpointState.ENABLED
    revision: int = 1
    failing_since_time: datetime | None = None
    failure_count: int = 0
    rest_until_time: datetime | None = None
    secret_count: int = 1
    creating_call: CreatingCall = NO_CALL

    @property
    def etag(self) -> str:
        """Changes with every revision; opaque to callers."""
        return f"v{self.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpointChange:
    """What an owner changes; None leaves a field as it is."""

    url: str | None = None
    event_filters: tuple[str, ...] | None = None
    description: str | None = None
    action: WebhookEndpointAction | None = None


def update(endpoint: WebhookEndpoint, change: WebhookEndpointChange, *, etag: str, now: datetime) -> WebhookEndpoint:
    """Return an endpoint as its owner changes it; enabled, or sent elsewhere, it begins without failures.

    Raises:
        EtagMismatch: It changed since the owner read it.
        IllegalTransition: Its state does not allow the action.
    """
    require_etag(etag, endpoint.etag, endpoint_id=endpoint.endpoint_id)
    state = next_state(endpoint, change.action or _A.CHANGE)
    changed = replace(
        endpoint,
        url=endpoint.url if change.url is None else change.url,
        event_filters=endpoint.event_filters if change.event_filters is None else change.event_filters,
        description=endpoint.description if change.description is None else change.description,
        state=state,
    )
    if changed == endpoint:
        return endpoint
    if change.action is _A.ENABLE or changed.url != endpoint.url:
        changed = replace(changed, failing_since_time=None, failure_count=0, rest_until_time=None)
    return _revised(changed, now)


def delete(endpoint: WebhookEndpoint, *, etag: str, now: datetime) -> WebhookEndpoint:
    """Return an endpoint that has ended.

    Raises:
        EtagMismatch: It changed since the owner read it.
    """
    if endpoint.state is _S.DELETED:
        return endpoint
    require_etag(etag, endpoint.etag, endpoint_id=endpoint.endpoint_id)
    return _revised(replace(endpoint, state=next_state(endpoint, _A.DELETE)), now)


def next_state(endpoint: WebhookEndpoint, action: WebhookEndpointAction) -> WebhookEndpointState:
    """Return the state after an action.

    Raises:
        IllegalTransition: The state does not allow it.
    """
    return transitions.next_state(TRANSITIONS, endpoint.state, action, what="A webhook endpoint")


def succeeded(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return an endpoint after a try that succeeded."""
    return replace(endpoint, failing_since_time=None, failure_count=0)


def failed(endpoint: WebhookEndpoint, *, at: datetime, now: datetime) -> WebhookEndpoint:
    """Return an endpoint after a try that failed at a real time: paused where every try failed for long enough.

    Args:
        endpoint: The endpoint.
        at: Real time.
        now: Business time, of the change.
    """
    since = endpoint.failing_since_time or at
    after = replace(endpoint, failing_since_time=since, failure_count=endpoint.failure_count + 1)
    return act(after, _A.SUSPEND, now=now) if at - since >= FAILING_AFTER else after


def act(endpoint: WebhookEndpoint, action: WebhookEndpointAction, *, now: datetime) -> WebhookEndpoint:
    """Return an endpoint after what follows from its answers; one that has ended stays so."""
    if endpoint.state is _S.DELETED:
        return endpoint
    state = next_state(endpoint, action)
    return endpoint if state is endpoint.state else _revised(replace(endpoint, state=state), now)


def stopped(endpoint: WebhookEndpoint, *, event_id: str) -> events.WebhookEndpointStopped:
    """Return the event that nothing is delivered to an endpoint any more."""
    gone = endpoint.state is _S.DISABLED
    return events.WebhookEndpointStopped(
        event_id=event_id,
        occurred_at=endpoint.update_time,
        merchant_id=endpoint.merchant_id,
        aggregate_version=endpoint.revision,
        endpoint_id=endpoint.endpoint_id,
        reason=events.WebhookStopReason.GONE if gone else events.WebhookStopReason.FAILING,
        host=urlsplit(endpoint.url).hostname or "",
        failing_since_at=endpoint.failing_since_time,
        failure_count=endpoint.failure_count,
    )


def not_found(endpoint_id: str) -> WebhookEndpointNotFound:
    """Make the refusal that there is no such endpoint."""
    return WebhookEndpointNotFound("No webhook endpoint has this id.", field="endpoint_id", endpoint_id=endpoint_id)


def _revised(endpoint: WebhookEndpoint, now: datetime) -> WebhookEndpoint:
    return replace(endpoint, revision=endpoint.revision + 1, update_time=no_earlier(now, endpoint.update_time))
