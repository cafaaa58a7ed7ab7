"""Every SQL statement of notification."""

from services.notification.store import webhooks
from services.notification.store.notification import (
    ONCE_PER_RECIPIENT,
    MailQueue,
    NotificationFilter,
    TryKey,
    mail_queue,
    notifications,
    real_time,
    tries,
    tries_of,
)
from services.notification.store.preferences import preferences
from services.notification.store.templates import templates

__all__ = [
    "ONCE_PER_RECIPIENT",
    "MailQueue",
    "NotificationFilter",
    "TryKey",
    "mail_queue",
    "notifications",
    "preferences",
    "real_time",
    "templates",
    "tries",
    "tries_of",
    "webhooks",
]
