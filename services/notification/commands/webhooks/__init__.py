"""The business operations of webhooks."""

from services.notification.commands.webhooks import delivery, endpoint, platform, replay

__all__ = ["delivery", "endpoint", "platform", "replay"]
