"""Every SQL statement of notification."""

from services.notification.store.notification import (
    Backlog,
    NotificationFilter,
    backlog,
    notifications,
    real_time,
    tries,
    tries_of,
)
from services.notification.store.preferences import preferences

__all__ = [
    "Backlog",
    "NotificationFilter",
    "backlog",
    "notifications",
    "preferences",
    "real_time",
    "tries",
    "tries_of",
]
