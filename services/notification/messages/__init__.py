"""Notifications on the wire: between messages and domain values."""

from services.notification.messages.notification import (
    from_list_notifications,
    from_recipient_kind,
    to_notification,
    to_template,
    to_try,
)
from services.notification.messages.preferences import from_set_preferences, to_preferences

__all__ = [
    "from_list_notifications",
    "from_recipient_kind",
    "from_set_preferences",
    "to_notification",
    "to_preferences",
    "to_template",
    "to_try",
]
