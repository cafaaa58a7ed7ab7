"""Timed work of channel, and calls that leave the process."""

from services.channel.jobs import callback_calls, callbacks, statements, timers

__all__ = ["callback_calls", "callbacks", "statements", "timers"]
