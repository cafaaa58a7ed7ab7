"""What the state of each resource tells as steps in time, and the story that these make. Pure.

A resource shows its state and when it last changed, not each state it went through: one step stands for its beginning,
and one for the state that it has come to, at the time that is known best.
"""

from services.journey.domain import notification, order, payment, settlement, step, story, transaction, withdrawal

__all__ = ["notification", "order", "payment", "settlement", "step", "story", "transaction", "withdrawal"]
