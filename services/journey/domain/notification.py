"""What a mail about a journey tells."""

from paystream.journey.v1 import journey_pb2 as pb
from paystream.notification.v1 import notification_pb2
from services.journey.domain.step import enum_name, joined, lifecycle

QUEUED = "QUEUED"


def notification_steps(notification: notification_pb2.Notification) -> list[pb.Step]:
    """The steps of a notification; none of one that nobody was to be sent."""
    if notification.state == notification_pb2.NOTIFICATION_STATE_SUPPRESSED:
        return []
    recipient = enum_name(notification_pb2.RecipientKind, notification.recipient_kind, "RECIPIENT_KIND_").lower()
    return lifecycle(
        pb.STEP_KIND_NOTIFICATION,
        notification.notification_id,
        state=enum_name(notification_pb2.NotificationState, notification.state, "NOTIFICATION_STATE_"),
        initial_state=QUEUED,
        begin=notification.create_time,
        end=notification.send_time if notification.HasField("send_time") else notification.update_time,
        amount=None,
        detail=f"{notification.template} to the {recipient}",
        outcome=joined([notification.reason]),
    )
