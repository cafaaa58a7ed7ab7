"""The rules of channel: states, decisions and the events that tell of them. Pure."""

from services.channel.domain import behaviour, dispute, late_outcome, line, payer_action, transaction

__all__ = ["behaviour", "dispute", "late_outcome", "line", "payer_action", "transaction"]
