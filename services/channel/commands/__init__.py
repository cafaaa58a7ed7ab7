"""The business operations of channel: lock, decide, save, emit."""

from services.channel.commands import aftereffects, disputes, transactions

__all__ = ["aftereffects", "disputes", "transactions"]
