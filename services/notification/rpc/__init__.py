"""The servicers of notification."""

from services.notification.rpc.notification import servicers

__all__ = ["servicers"]
