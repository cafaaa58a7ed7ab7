"""From an id to its story: what to ask whom, and what belongs together."""

from services.journey.commands import parts, stories

__all__ = ["parts", "stories"]
