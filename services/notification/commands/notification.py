"""Notifications: queued by events, tried by a job, sent once more by people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.notification import domain, store
from services.notification.domain.notification import (
    DeliveryOutcome,
    DeliveryResult,
    DeliveryTry,
    Notification,
    NotificationState,
)
from services.notification.domain.occurrences import Occurrence
from services.notification.domain.preferences import Preferences
from services.notification.store import TryKey

LOST_AT_ONCE_MAX = 100
"""Tries whose sender was lost that are given up at once."""

_LOST = DeliveryResult(outcome=DeliveryOutcome.IN_DOUBT, reason="SENDER_LOST")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendNotification:
    """A notification that a person wants sent once more."""

    notification_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueNotifications:
    """An event that people may be told of."""

    event: Event
    cause: Cause


async def queue_notifications(tx: Tx, items: Sequence[QueueNotifications]) -> None:
    """Queue the notifications that events make: one for each template and recipient, once; emits nothing."""
    told = [(item, occurrence) for item in items if (occurrence := domain.occurrences.occurrence_of(item.event))]
    if not told:
        return
    groups = {domain.recipients.group_of(item.event, occurrence) for item, occurrence in told}
    known = await store.notifications.known_groups(tx, groups)
    wanted = await store.preferences.by_key(tx, {item.event.merchant_id or "" for item, _ in told})
    real_now = await store.real_time(tx)
    queued = []
    for item, occurrence in told:
        group = domain.recipients.group_of(item.event, occurrence)
        if group not in known:
            known.add(group)
            queued += _notifications(item, occurrence, wanted, now=tx.now, real_now=real_now)
    await store.notifications.insert_absent(tx, queued, unique=store.ONCE_PER_RECIPIENT)


def _notifications(
    item: QueueNotifications,
    occurrence: Occurrence,
    wanted: Mapping[str, Preferences],
    *,
    now: datetime,
    real_now: datetime,
) -> list[Notification]:
    merchant_id = item.event.merchant_id or ""
    preferences = wanted.get(merchant_id) or Preferences(merchant_id=merchant_id)
    topic = preferences.of(occurrence.template)
    return domain.recipients.notifications_of(
        item.event, occurrence, topic, cause=item.cause, now=now, real_now=real_now
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTry:
    """What came of a try."""

    notification_id: str
    try_number: int
    result: DeliveryResult


async def start_tries(tx: Tx, *, limit: int) -> list[Notification]:
    """Take notifications that are due, to send them; those whose sender was lost are in doubt.

    Emits NotificationFailed for one that is left UNKNOWN.
    """
    lost = await store.notifications.claim_due(tx, NotificationState.SENDING, limit=LOST_AT_ONCE_MAX)
    due = await store.notifications.claim_due(tx, NotificationState.QUEUED, limit=limit)
    await store.notifications.wait(tx)
    tries = await store.tries.lock(tx, [(row.notification_id, row.try_total) for row in lost.values()])
    real_now = await store.real_time(tx)
    for row in list(lost.values()):
        _conclude(tx, lost, tries, row, _LOST, real_now=real_now)
    started = [domain.notification.start(row, now=tx.now, real_now=real_now) for row in due.values()]
    for notification, delivery_try in started:
        due.put(notification)
        tries.add(delivery_try)
    await tx.save(lost, due, tries)
    return [notification for notification, _ in started]


async def record_tries(tx: Tx, items: Sequence[RecordTry]) -> Sequence[Notification | DomainError]:
    """Take what came of tries; of a try that is over already, nothing is taken.

    Emits NotificationSent and NotificationFailed for those that have ended.
    """
    rows = await store.notifications.lock(tx, [item.notification_id for item in items])
    tries = await store.tries.lock(tx, [(item.notification_id, item.try_number) for item in items])
    real_now = await store.real_time(tx)

    def record(item: RecordTry) -> Notification:
        notification = rows.require(item.notification_id, domain.notification.not_found)
        if notification.state is not NotificationState.SENDING or notification.try_total != item.try_number:
            return notification
        return _conclude(tx, rows, tries, notification, item.result, real_now=real_now)

    results = fold(items, record)
    await tx.save(rows, tries)
    return results


def _conclude(
    tx: Tx,
    rows: Rows[str, Notification],
    tries: Rows[TryKey, DeliveryTry],
    notification: Notification,
    result: DeliveryResult,
    *,
    real_now: datetime,
) -> Notification:
    concluded, event = domain.notification.conclude(notification, result, now=tx.now, real_now=real_now)
    delivery_try = tries[notification.notification_id, notification.try_total]
    tries.put(domain.notification.end(delivery_try, result, now=tx.now))
    if event is not None:
        cause = Cause(concluded.correlation_id, concluded.event_id, None, concluded.traceparent)
        tx.emit(event, cause=cause)
    return rows.put(concluded)
