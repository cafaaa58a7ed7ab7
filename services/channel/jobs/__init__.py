"""The channel's timed work, and its calls back to whoever asked."""

from services.channel.jobs.callbacks import deliver_callbacks
from services.channel.jobs.timers import bring_about_aftereffects, close_statements, decide_disputes, resolve_open

__all__ = ["bring_about_aftereffects", "close_statements", "decide_disputes", "deliver_callbacks", "resolve_open"]
