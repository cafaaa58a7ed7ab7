"""Where business time comes from. Leases, timeouts and retries use real time instead."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Gives business time."""

    def now(self) -> datetime:
        """Give the time in UTC, to the microsecond."""
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Give the machine's time in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A time that only moves when told: for tests and for replaying recorded facts."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Give the time last set."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the time forward."""
        self._now += by
