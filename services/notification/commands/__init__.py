"""The business operations of notification: lock, decide, save, emit."""

from services.notification.commands import notification, preferences, webhooks

__all__ = ["notification", "preferences", "webhooks"]
