"""Webhooks on the wire: between messages and domain values."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from paykit import paging
from paykit.errors import FieldInvalid
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paykit.serve.validation import update_masks
from paystream.notification.v1 import webhook_pb2 as pb
from services.notification.commands.webhooks.endpoint import RotatedSecret, RotateWebhookSecret, UpdateWebhookEndpoint
from services.notification.commands.webhooks.replay import ReplayResult, ReplayWebhookEvents
from services.notification.domain.webhooks.addresses import AddressPolicy
from services.notification.domain.webhooks.delivery import WebhookAttempt, WebhookDelivery, WebhookDeliveryState
from services.notification.domain.webhooks.endpoint import (
    WebhookEndpoint,
    WebhookEndpointAction,
    WebhookEndpointChange,
    WebhookEndpointState,
)
from services.notification.store.webhooks import WebhookDeliveryFilter, WebhookEndpointFilter

OVERLAP_DEFAULT_S = 86_400
"""How long the old secret signs as well, where a rotation does not say."""
_UPDATABLE = frozenset({"url", "event_filters", "description", "state"})

_ENDPOINT_STATES: Mapping[WebhookEndpointState, pb.WebhookEndpointState.ValueType] = MappingProxyType(
    {state: pb.WebhookEndpointState.Value(f"WEBHOOK_ENDPOINT_STATE_{state}") for state in WebhookEndpointState}
)
_DELIVERY_STATES: Mapping[WebhookDeliveryState, pb.WebhookDeliveryState.ValueType] = MappingProxyType(
    {state: pb.WebhookDeliveryState.Value(f"WEBHOOK_DELIVERY_STATE_{state}") for state in WebhookDeliveryState}
)
_ACTIONS: Mapping[pb.WebhookEndpointState.ValueType, WebhookEndpointAction] = MappingProxyType(
    {
        pb.WEBHOOK_ENDPOINT_STATE_ENABLED: WebhookEndpointAction.ENABLE,
        pb.WEBHOOK_ENDPOINT_STATE_PAUSED: WebhookEndpointAction.PAUSE,
    }
)


def to_endpoint(endpoint: WebhookEndpoint) -> pb.WebhookEndpoint:
    """Make the resource."""
    failing, rest = endpoint.failing_since_time, endpoint.rest_until_time
    return pb.WebhookEndpoint(
        endpoint_id=endpoint.endpoint_id,
        merchant_id=endpoint.merchant_id,
        url=endpoint.url,
        event_filters=endpoint.event_filters,
        description=endpoint.description,
        state=_ENDPOINT_STATES[endpoint.state],
        failing_since_time=to_timestamp(failing) if failing else None,
        failure_count=endpoint.failure_count,
        rest_until_time=to_timestamp(rest) if rest else None,
        secret_count=endpoint.secret_count,
        etag=endpoint.etag,
        create_time=to_timestamp(endpoint.create_time),
        update_time=to_timestamp(endpoint.update_time),
    )


def to_delivery(delivery: WebhookDelivery) -> pb.WebhookDelivery:
    """Make the resource."""
    pending = delivery.state is WebhookDeliveryState.PENDING
    return pb.WebhookDelivery(
        delivery_id=delivery.delivery_id,
        endpoint_id=delivery.endpoint_id,
        merchant_id=delivery.merchant_id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        state=_DELIVERY_STATES[delivery.state],
        failure_reason=delivery.failure_reason or "",
        attempt_count=delivery.attempt_count,
        replay_count=delivery.replay_count,
        due_time=to_timestamp(delivery.due_time) if pending else None,
        create_time=to_timestamp(delivery.create_time),
        update_time=to_timestamp(delivery.update_time),
    )


def to_attempt(attempt: WebhookAttempt) -> pb.WebhookAttempt:
    """Make the message."""
    return pb.WebhookAttempt(
        attempt_number=attempt.attempt_number,
        start_time=to_timestamp(attempt.start_time),
        latency_ms=attempt.latency_ms,
        status_code=attempt.status_code or 0,
        failure=attempt.failure or "",
        response_excerpt=attempt.excerpt.decode("utf-8", errors="replace"),
    )


def to_rotated(rotated: RotatedSecret) -> pb.RotateWebhookSecretResponse:
    """Make the reply, without the secret."""
    end_time = rotated.overlap_end_time
    return pb.RotateWebhookSecretResponse(
        endpoint=to_endpoint(rotated.endpoint),
        secret_number=rotated.number,
        overlap_end_time=to_timestamp(end_time) if end_time else None,
    )


def to_replayed(result: ReplayResult) -> pb.ReplayWebhookEventsResponse:
    """Make the reply."""
    scope = _replay_scope(result.replay.endpoint_id, result.replay.period)
    token = paging.encode_time_token(result.last, scope) if result.last else ""
    return pb.ReplayWebhookEventsResponse(replayed_count=result.replayed_count, next_page_token=token)


def from_update(request: pb.UpdateWebhookEndpointRequest, policy: AddressPolicy) -> UpdateWebhookEndpoint:
    """Read the fields that the mask names.

    Raises:
        UpdateMaskInvalid: The mask names no field, or one that cannot be changed.
        FieldInvalid: The state is none to change to.
    """
    given, paths = request.endpoint, update_masks.paths(request.update_mask, request.endpoint, _UPDATABLE)
    if "state" in paths and given.state not in _ACTIONS:
        raise FieldInvalid("An endpoint can be changed to ENABLED or PAUSED.", field="endpoint.state")
    change = WebhookEndpointChange(
        url=given.url if "url" in paths else None,
        event_filters=tuple(given.event_filters) if "event_filters" in paths else None,
        description=given.description if "description" in paths else None,
        action=_ACTIONS[given.state] if "state" in paths else None,
    )
    return UpdateWebhookEndpoint(endpoint_id=given.endpoint_id, change=change, etag=given.etag, policy=policy)


def from_rotate(request: pb.RotateWebhookSecretRequest, key_fingerprint: str | None) -> RotateWebhookSecret:
    """Read a rotation asked for."""
    overlap_s = request.overlap_s if request.HasField("overlap_s") else OVERLAP_DEFAULT_S
    return RotateWebhookSecret(
        endpoint_id=request.endpoint_id, overlap=timedelta(seconds=overlap_s), key_fingerprint=key_fingerprint
    )


def from_replay(request: pb.ReplayWebhookEventsRequest) -> ReplayWebhookEvents:
    """Read a replay asked for.

    Raises:
        PageTokenInvalid: The token is malformed, or of another replay.
    """
    begin = from_optional(request, "record_time_min")
    end = from_optional(request, "record_time_before")
    period = (begin, end) if begin and end else None
    return ReplayWebhookEvents(
        endpoint_id=request.endpoint_id,
        event_id=request.event_id or None,
        period=period,
        after=paging.decode_time_token(request.page_token, _replay_scope(request.endpoint_id, period)),
    )


def from_list_endpoints(request: pb.ListWebhookEndpointsRequest) -> WebhookEndpointFilter:
    """Read what ListWebhookEndpoints selects."""
    name = pb.WebhookEndpointState.Name(request.state).removeprefix("WEBHOOK_ENDPOINT_STATE_")
    return WebhookEndpointFilter(
        merchant_id=request.merchant_id,
        state=WebhookEndpointState(name) if request.state else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_list_deliveries(request: pb.ListWebhookDeliveriesRequest) -> WebhookDeliveryFilter:
    """Read what ListWebhookDeliveries selects."""
    name = pb.WebhookDeliveryState.Name(request.state).removeprefix("WEBHOOK_DELIVERY_STATE_")
    return WebhookDeliveryFilter(
        merchant_id=request.merchant_id or None,
        endpoint_id=request.endpoint_id or None,
        event_id=request.event_id or None,
        state=WebhookDeliveryState(name) if request.state else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def _replay_scope(endpoint_id: str, period: tuple[datetime, datetime] | None) -> tuple[object, ...]:
    return "ReplayWebhookEvents", endpoint_id, period
