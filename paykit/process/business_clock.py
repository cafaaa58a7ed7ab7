"""How far business time is ahead of real time, kept in each service's schema and followed by all its processes.

Only a development stack moves it: `paykit.process.clock_rpc`. It is never moved back, so that what is dated stays dated
in the past.
"""

import time
from collections.abc import Sequence
from datetime import timedelta

import structlog

from paykit.base.config import ConfigurationError
from paykit.clock import Clock, OffsetClock
from paykit.errors import DomainError, Kind
from paykit.postgres import wakeups
from paykit.postgres.database import Database, Tx
from paykit.postgres.wakeups import Wakeups

OFFSET_MAX = timedelta(days=3_660)
"""How far ahead the clock may be: ten years and some days."""
FOLLOW_EVERY_S = 0.5
"""How late a process may see that another one moved the clock, where the signal was lost."""
MOVED = "clock"
"""The signal to the other processes of the service."""

_MICROSECOND = timedelta(microseconds=1)

_SELECT = "SELECT offset_us FROM clock"

# There must be a row to lock.
_INSERT = "INSERT INTO clock (offset_us) VALUES (0) ON CONFLICT DO NOTHING"

_LOCK = "SELECT offset_us FROM clock FOR UPDATE"

_UPDATE = "UPDATE clock SET offset_us = $1"

_log = structlog.get_logger()


class ClockTooFar(DomainError):
    """The clock would be further ahead than it may be."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CLOCK_TOO_FAR"


async def advance(tx: Tx, steps: Sequence[timedelta]) -> list[timedelta | DomainError]:
    """Move the stored clock forward by each step; the offset after it, or its refusal, in order."""
    await tx.run(_INSERT)
    before = offset = (await tx.lock("clock", _LOCK))[0]["offset_us"] * _MICROSECOND
    results: list[timedelta | DomainError] = []
    for step in steps:
        if offset + step > OFFSET_MAX:
            results.append(_too_far(offset, step))
        else:
            offset += step
            results.append(offset)
    if offset > before:
        await tx.run(_UPDATE, offset // _MICROSECOND)
    return results


class BusinessClock:
    """Keeps the clock of a process at what is stored in a service's schema."""

    def __init__(self, *, service: str, clock: Clock, database: Database, wakeups: Wakeups) -> None:
        self._service = service
        self._clock = clock
        self._database = database
        self._wakeups = wakeups
        self._moved_at_s: float | None = None

    async def start(self, environment: str) -> None:
        """Set a starting process's clock.

        Raises:
            ConfigurationError: The clock was moved and this is no development stack.
            UnavailableError: PostgreSQL cannot be reached.
        """
        offset = await self._stored_offset()
        if offset and environment == "production":
            raise ConfigurationError(
                f"the clock of {self._service} was moved forward by {offset}: what is stored is dated in the "
                "future, and only PAYSTREAM_ENVIRONMENT=development goes on with that"
            )
        self._move(offset)

    async def refresh(self) -> None:
        """Take over what is stored; when that moved the clock, let everyone who waits in this process look at it.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
        """
        offset = await self._stored_offset()
        if self._move(offset):
            _log.info("clock_moved", service=self._service, offset_s=offset.total_seconds())
            self._wakeups.wake_all()

    async def follow(self) -> None:
        """Refresh when another process says so, and from time to time, until cancelled."""
        moved = self._wakeups.event(MOVED)
        while True:
            await self.refresh()
            await wakeups.wait(moved, FOLLOW_EVERY_S)

    async def _stored_offset(self) -> timedelta:
        rows = await self._database.read(lambda tx: tx.fetch(_SELECT))
        return timedelta(microseconds=rows[0]["offset_us"] if rows else 0)

    def moved_within(self, period: timedelta) -> bool:
        """Return whether this process's clock was moved within a period of real time."""
        return self._moved_at_s is not None and time.monotonic() - self._moved_at_s < period.total_seconds()

    def _move(self, offset: timedelta) -> bool:
        moved = isinstance(self._clock, OffsetClock) and self._clock.move_to(offset)
        if moved:
            self._moved_at_s = time.monotonic()
        return moved


def _too_far(offset: timedelta, step: timedelta) -> ClockTooFar:
    return ClockTooFar(
        f"the clock may be at most {OFFSET_MAX.days} days ahead.",
        field="advance_by",
        offset_s=str(offset.total_seconds()),
        advance_by_s=str(step.total_seconds()),
        offset_max_s=str(OFFSET_MAX.total_seconds()),
    )
