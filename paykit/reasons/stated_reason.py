"""A reason in a caller's own words. Pure."""

from dataclasses import dataclass
from datetime import datetime

from paykit.cause import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedReason:
    """Why somebody stopped something, in columns of what was stopped; all None where nobody has.

    Attributes:
        stated_reason: 1 to 500 characters.
        stated_by: The caller's name; None for one without a name.
        stated_time: When it was said, in business time.
    """

    stated_reason: str | None = None
    stated_by: str | None = None
    stated_time: datetime | None = None

    @classmethod
    def of(cls, reason: str, cause: Cause, *, now: datetime) -> "StatedReason":
        """Keep what a caller says now."""
        return cls(stated_reason=reason, stated_by=cause.actor, stated_time=now)


NOT_STATED = StatedReason()
"""Of what nobody has stopped."""
