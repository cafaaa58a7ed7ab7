"""The NotificationOperationsService: messages to commands and back."""

from typing import Any

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.notification.v1 import notification_pb2 as pb
from paystream.notification.v1 import notification_pb2_grpc
from services.notification import commands, domain, messages, store
from services.notification.domain.notification import DeliveryTry, Notification

_RESEND = Operation(
    name="ResendNotification",
    command=commands.notification.resend_notifications,
    reply=lambda notification: pb.ResendNotificationResponse(notification=messages.to_notification(notification)),
    reply_type=pb.ResendNotificationResponse,
)


async def _with_tries(tx: Tx, notification_id: str) -> tuple[Notification, list[DeliveryTry]]:
    notification = await store.notifications.get(tx, notification_id)
    if notification is None:
        raise domain.notification.not_found(notification_id)
    return notification, await store.tries_of(tx, notification_id)


class NotificationOperationsServicer(notification_pb2_grpc.NotificationOperationsServiceServicer):
    """Serves paystream.notification.v1.NotificationOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, _context: Any
    ) -> pb.ListNotificationsResponse:
        """Read a page of notifications."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.notifications.list,
            wanted=messages.from_list_notifications(request),
            key=lambda notification: (notification.create_time, notification.notification_id),
            show=messages.to_notification,
        )
        return pb.ListNotificationsResponse(notifications=page, next_page_token=token)

    async def GetNotification(self, request: pb.GetNotificationRequest, _context: Any) -> pb.GetNotificationResponse:
        """Read a notification with its tries."""
        notification, tries = await self._runtime.read(lambda tx: _with_tries(tx, request.notification_id))
        return pb.GetNotificationResponse(
            notification=messages.to_notification(notification), tries=map(messages.to_try, tries)
        )

    async def ResendNotification(
        self, request: pb.ResendNotificationRequest, _context: Any
    ) -> pb.ResendNotificationResponse:
        """Queue a notification anew, once per request_id."""
        item = commands.notification.ResendNotification(notification_id=request.notification_id)
        return await self._runtime.call(_RESEND, request, item)

    async def ListTemplates(self, _request: pb.ListTemplatesRequest, _context: Any) -> pb.ListTemplatesResponse:
        """List the templates."""
        topics = sorted(domain.topics.TOPICS.values(), key=lambda topic: topic.name)
        return pb.ListTemplatesResponse(templates=map(messages.to_template, topics))

    async def PreviewTemplate(self, request: pb.PreviewTemplateRequest, _context: Any) -> pb.PreviewTemplateResponse:
        """Render a template with example facts."""
        topic = domain.topics.require(request.template)
        kind = messages.from_recipient_kind(request.recipient_kind) or topic.recipient_kinds[0]
        about = domain.examples.about(kind, locale=request.locale)
        view = domain.rendering.view_of(domain.examples.EXAMPLES[topic.name], about)
        mail = store.templates().render(topic.name, view)
        return pb.PreviewTemplateResponse(subject=mail.subject, text=mail.text, html=mail.html, locale=mail.language)
