"""Notifications, their tries and templates on the wire."""

from collections.abc import Mapping
from types import MappingProxyType

from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.notification.v1 import notification_pb2 as pb
from services.notification import domain
from services.notification.domain.notification import (
    DeliveryOutcome,
    DeliveryTry,
    Notification,
    NotificationState,
)
from services.notification.domain.topics import MailTopic, RecipientKind
from services.notification.store import NotificationFilter

_STATES: Mapping[NotificationState, pb.NotificationState.ValueType] = MappingProxyType(
    {state: pb.NotificationState.Value(f"NOTIFICATION_STATE_{state}") for state in NotificationState}
)
_KINDS: Mapping[RecipientKind, pb.RecipientKind.ValueType] = MappingProxyType(
    {kind: pb.RecipientKind.Value(f"RECIPIENT_KIND_{kind}") for kind in RecipientKind}
)
_OUTCOMES: Mapping[DeliveryOutcome, pb.DeliveryOutcome.ValueType] = MappingProxyType(
    {outcome: pb.DeliveryOutcome.Value(f"DELIVERY_OUTCOME_{outcome}") for outcome in DeliveryOutcome}
)


def to_notification(notification: Notification) -> pb.Notification:
    """Make the resource."""
    queued = notification.state is NotificationState.QUEUED
    return pb.Notification(
        notification_id=notification.notification_id,
        template=notification.template,
        recipient_kind=_KINDS[notification.recipient_kind],
        merchant_id=notification.merchant_id or "",
        event_id=notification.event_id,
        resource_id=notification.resource_id,
        correlation_id=notification.correlation_id,
        state=_STATES[notification.state],
        reason=notification.reason or "",
        detail=notification.detail or "",
        try_count=notification.try_count,
        resend_count=notification.resend_count,
        message_name=notification.message_name,
        locale=notification.locale or "",
        due_time=to_timestamp(notification.due_time) if queued and notification.due_time else None,
        send_time=to_timestamp(notification.send_time) if notification.send_time else None,
        create_time=to_timestamp(notification.create_time),
        update_time=to_timestamp(notification.update_time),
    )


def to_try(delivery_try: DeliveryTry) -> pb.DeliveryTry:
    """Make the message."""
    return pb.DeliveryTry(
        try_number=delivery_try.try_number,
        outcome=_OUTCOMES[delivery_try.outcome] if delivery_try.outcome else pb.DELIVERY_OUTCOME_UNSPECIFIED,
        reason=delivery_try.reason or "",
        smtp_code=delivery_try.smtp_code or 0,
        detail=delivery_try.detail or "",
        start_time=to_timestamp(delivery_try.start_time),
        end_time=to_timestamp(delivery_try.end_time) if delivery_try.end_time else None,
    )


def to_template(topic: MailTopic) -> pb.Template:
    """Make the message."""
    return pb.Template(
        name=topic.name,
        records=domain.occurrences.records_of(topic.name),
        recipient_kinds=[_KINDS[kind] for kind in topic.recipient_kinds],
        on_request=topic.on_request,
        locales=domain.rendering.LANGUAGES,
    )


def from_list_notifications(request: pb.ListNotificationsRequest) -> NotificationFilter:
    """Read what ListNotifications selects."""
    return NotificationFilter(
        merchant_id=request.merchant_id or None,
        resource_id=request.resource_id or None,
        correlation_id=request.correlation_id or None,
        template=request.template or None,
        state=NotificationState(_suffix(pb.NotificationState.Name(request.state))) if request.state else None,
        recipient_kind=from_recipient_kind(request.recipient_kind),
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_recipient_kind(kind: pb.RecipientKind.ValueType) -> RecipientKind | None:
    """Read a kind of recipient; None for any."""
    return RecipientKind(pb.RecipientKind.Name(kind).removeprefix("RECIPIENT_KIND_")) if kind else None


def _suffix(name: str) -> str:
    return name.removeprefix("NOTIFICATION_STATE_")
