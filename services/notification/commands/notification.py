"""Notifications: queued by events, tried by a job, sent once more by people."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.work import fold
from services.notification import domain, store
from services.notification.domain.notification import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendNotification:
    """A notification that a person wants sent once more."""

    notification_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueNotifications:
    """An event that people may be told of."""

    event: Event
    cause: Cause


async def queue_notifications(_tx: Tx, _items: Sequence[QueueNotifications]) -> None:
    """Queue the notifications that events make: one for each template and recipient, once."""


async def resend_notifications(tx: Tx, items: Sequence[ResendNotification]) -> Sequence[Notification | DomainError]:
    """Queue notifications anew that have ended; emits nothing."""
    rows = await store.notifications.lock(tx, [item.notification_id for item in items])
    real_now = await store.real_time(tx)

    def resend(item: ResendNotification) -> Notification:
        notification = rows.require(item.notification_id, domain.notification.not_found)
        return rows.put(domain.notification.resend(notification, now=tx.now, real_now=real_now))

    results = fold(items, resend)
    await tx.save(rows)
    return results
