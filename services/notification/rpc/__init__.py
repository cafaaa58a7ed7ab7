"""The calls of notification: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.notification.v1 import notification_pb2_grpc
from services.notification.rpc import webhook
from services.notification.rpc.notification import NotificationServicer
from services.notification.rpc.operations import NotificationOperationsServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the notification service serves."""
    return [
        Servicer(
            full_name="paystream.notification.v1.NotificationService",
            add=notification_pb2_grpc.add_NotificationServiceServicer_to_server,
            implementation=NotificationServicer(runtime),
        ),
        Servicer(
            full_name="paystream.notification.v1.NotificationOperationsService",
            add=notification_pb2_grpc.add_NotificationOperationsServiceServicer_to_server,
            implementation=NotificationOperationsServicer(runtime),
        ),
        webhook.servicer(runtime),
    ]
