"""What a notification is, who wants which, and how a mail is written. Pure: `now` and ids are arguments."""

from services.notification.domain import (
    examples,
    notification,
    occurrences,
    preferences,
    recipients,
    rendering,
    topics,
    webhooks,
)

__all__ = ["examples", "notification", "occurrences", "preferences", "recipients", "rendering", "topics", "webhooks"]
