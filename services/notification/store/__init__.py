"""Every SQL statement of notification."""

from services.notification.store.notification import (
    MailQueue,
    NotificationFilter,
    mail_queue,
    notifications,
    real_time,
    tries,
    tries_of,
)
from services.notification.store.preferences import preferences

__all__ = [
    "MailQueue",
    "NotificationFilter",
    "mail_queue",
    "notifications",
    "preferences",
    "real_time",
    "tries",
    "tries_of",
]
