"""Every SQL statement of channel."""

from services.channel.store import aftereffects, callbacks, disputes, statements, transactions

__all__ = ["aftereffects", "callbacks", "disputes", "statements", "transactions"]
