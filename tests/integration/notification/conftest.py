"""The notification service on a real database, told events by hand and called as a servicer."""

import dataclasses
import functools
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from paykit.consume.delivery import Delivered, Handler, HandlerResult, Record
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import goldens
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import act_as
from paystream.notification.v1 import notification_pb2 as pb
from services.notification import commands, handlers
from services.notification.commands.notification import RecordTry
from services.notification.domain.notification import DeliveryOutcome, DeliveryResult
from services.notification.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database
from tests.line.replies import checked
from tests.line.servicers import NotificationCalls

ANY: Any = None

database_url = shared_database.of_a_module()
emptied = shared_database.emptied("notification")


@functools.cache
def _newest(topic: str, record: str) -> Any:
    return goldens.event(goldens.goldens(topic, record)[-1])


def example(topic: str, record: str, **changes: Any) -> Any:
    """The worked example of an event's newest version, with changes."""
    return dataclasses.replace(_newest(topic, record), **changes)


class Office:
    """The notification service, and the merchant whose mails it writes."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.call = checked(NotificationCalls(runtime))
        self.merchant_id = new_id("mer")

    async def deliver(self, *events: Any, handler: Handler = handlers.on_event) -> Sequence[HandlerResult]:
        deliveries = [
            Delivered(event, Record(event.TOPIC, 0, 0, getattr(event, event.KEY), b"", ())) for event in events
        ]
        return await self.runtime.transaction(lambda tx: handler(tx, deliveries))

    async def prefer(self, *topics: pb.TopicPreference, locale: str = "", etag: str = "") -> pb.Preferences:
        request = pb.SetPreferencesRequest(
            request_id=str(uuid.uuid4()), merchant_id=self.merchant_id, locale=locale, topics=topics, etag=etag
        )
        return (await self.call.SetPreferences(request, ANY)).preferences

    async def preferences(self) -> pb.Preferences:
        request = pb.GetPreferencesRequest(merchant_id=self.merchant_id)
        return (await self.call.GetPreferences(request, ANY)).preferences

    async def listed(self, **wanted: Any) -> list[pb.Notification]:
        request = pb.ListNotificationsRequest(**wanted)
        return list((await self.call.ListNotifications(request, ANY)).notifications)

    async def get(self, notification_id: str) -> pb.GetNotificationResponse:
        return await self.call.GetNotification(pb.GetNotificationRequest(notification_id=notification_id), ANY)

    async def resend(self, notification_id: str) -> pb.Notification:
        request = pb.ResendNotificationRequest(request_id=str(uuid.uuid4()), notification_id=notification_id)
        return (await self.call.ResendNotification(request, ANY)).notification

    async def start(self) -> None:
        """Take what is due for sending, as a process does that dies then."""
        await self.runtime.transaction(lambda tx: commands.notification.start_tries(tx, limit=100))

    async def end(self) -> None:
        """Have everything that is due taken by a mail server."""

        async def send(tx: Tx) -> None:
            started = await commands.notification.start_tries(tx, limit=100)
            tx.restart_lock_order()
            accepted = DeliveryResult(outcome=DeliveryOutcome.ACCEPTED)
            items = [
                RecordTry(notification_id=each.notification_id, try_number=each.try_total, result=accepted)
                for each in started
            ]
            await commands.notification.record_tries(tx, items)

        await self.runtime.transaction(send)

    async def age(self, *, by_s: float) -> None:
        """Let real time pass for what waits by it."""
        shift = "UPDATE notification SET due_time = due_time - $1::float8 * interval '1 s' WHERE due_time IS NOT NULL"
        await self.runtime.transaction(lambda tx: tx.run(shift, by_s))

    async def told(self, notification_id: str) -> list[Any]:
        """Give a notification's events, in order."""
        rows = await outbox_events(self.runtime, notification_id)
        return [self.runtime.codec.decode(row["value"]) for row in rows]


@pytest.fixture
async def office(runtime_of: RuntimeOf) -> Office:
    act_as("office")
    return Office(await runtime_of(SERVICE))
