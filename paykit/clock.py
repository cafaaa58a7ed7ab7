"""Where business time comes from. Leases, timeouts and retries use real time instead."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros_since_epoch(at: datetime) -> int:
    """Return the microseconds of an aware time since 1970, exactly."""
    return (at - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return a time by its microseconds since 1970, in UTC.

    Raises:
        OverflowError: It is beyond the year 9999.
    """
    return EPOCH + timedelta(0, 0, micros)


class Clock(Protocol):
    """Gives business time."""

    def now(self) -> datetime:
        """Return the time in UTC, to the microsecond."""
        ...


def no_earlier(now: datetime, than: datetime) -> datetime:
    """Return the time of a change: now, unless what it follows is dated later.

    Clocks of processes differ, and a transaction that waited for a lock began before the one it waited for: a history
    runs backwards for neither.
    """
    return max(now, than)


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class OffsetClock:
    """A clock ahead of another one: where a development stack lets a week pass in a second.

    Attributes:
        offset: How far it is ahead; never negative.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """Return the base's time plus the offset."""
        return self._base.now() + self.offset

    def move_to(self, offset: timedelta) -> bool:
        """Take a larger offset and say so; a smaller one changes nothing, for time does not go back."""
        moves = offset > self.offset
        if moves:
            self.offset = offset
        return moves


class ManualClock:
    """A time that only moves when told: for tests and for replaying recorded facts."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time last set."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the time forward."""
        self._now += by
