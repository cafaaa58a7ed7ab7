"""What a notification is, who wants which, and how a mail is written. Pure: `now` and ids are arguments."""

from services.notification.domain import notification, preferences, topics

__all__ = ["notification", "preferences", "topics"]
