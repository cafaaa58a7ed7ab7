"""Figures as they change, for all streams of a process by one look at the database.

The consumer's commit wakes one task, which reads what changed since its last snapshot and hands it to the streams. It
runs while there is a stream.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from paykit.base.errors import UnavailableError
from paykit.errors import DomainError, Kind
from paykit.postgres import wakeups
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.analytics import store
from services.analytics.commands.counting import FIGURES
from services.analytics.domain.summary import Group, Sum
from services.analytics.store import ChangedKey

STREAMS_MAX = 100
"""Streams of one process at once."""
WAITING_ROWS_MAX = 20_000
"""Rows that wait for one slow caller."""
MESSAGE_ROWS_MAX = 1_000
KEYS_PER_READ_MAX = 500
"""Quarters, merchants and currencies whose figures are read by one statement."""
INTERVAL_DEFAULT_MS = 1_000
LOOK_PAUSE_S = 0.1
"""The least time between two looks at the database, however many streams there are."""
IDLE_S = 30.0
"""The longest time between two looks: a wake-up may be lost with a connection."""

Rows: TypeAlias = dict[Group, list[Sum]]
"""Figures by what they are about, as they stand."""

_log = structlog.get_logger()


class StreamsExhausted(DomainError):
    """The process serves as many streams as it may."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "STREAMS_EXHAUSTED"
    retry_after_s = 1


class StreamOverrun(DomainError):
    """The caller reads more slowly than figures change."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "STREAM_OVERRUN"
    retry_after_s = 1


@dataclass(eq=False, slots=True)
class _Follower:
    """One stream: what it is about, and what waits to be sent; a newer row takes the place of an older one."""

    merchant_id: str
    currency_code: str
    waiting: Rows = field(default_factory=dict)
    error: Exception | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, rows: Rows) -> None:
        """Take what it is about."""
        self.waiting |= {group: sums for group, sums in rows.items() if self._follows(group)}
        if len(self.waiting) > WAITING_ROWS_MAX:
            message = f"More than {WAITING_ROWS_MAX} rows waited to be read."
            self.end(StreamOverrun(message, rows_max=str(WAITING_ROWS_MAX)))
        if self.waiting:
            self.ready.set()

    def end(self, error: Exception) -> None:
        """Have the stream end with an error."""
        self.error = error
        self.waiting.clear()
        self.ready.set()

    def take(self) -> list[Sum]:
        """Take the next message out.

        Raises:
            Exception: The stream is to end with it.
        """
        if self.error is not None:
            raise self.error
        groups = list(self.waiting)[:MESSAGE_ROWS_MAX]
        return [part for group in groups for part in self.waiting.pop(group)]

    def _follows(self, group: Group) -> bool:
        return self.merchant_id in ("", group.merchant_id) and self.currency_code in ("", group.currency_code)


class LiveFigures:
    """The streams of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._followers: set[_Follower] = set()
        self._looking: asyncio.Task[None] | None = None
        self._snapshot: str | None = None
        self._beginning = asyncio.Lock()

    async def follow(
        self, *, merchant_id: str, currency_code: str, interval_ms: int
    ) -> AsyncGenerator[list[Sum], None]:
        """Return first nothing, once changes are followed, and then figures as they change, until it is closed.

        Args:
            merchant_id: Empty for all.
            currency_code: Empty for all.
            interval_ms: The least time between two messages; 0 for the default.

        Raises:
            StreamsExhausted: There are too many streams.
            StreamOverrun: The caller is too slow.
            UnavailableError: PostgreSQL cannot be reached, at the beginning.
        """
        if len(self._followers) >= STREAMS_MAX:
            raise StreamsExhausted(f"{STREAMS_MAX} streams are open.", streams_max=str(STREAMS_MAX))
        follower = _Follower(merchant_id, currency_code)
        self._followers.add(follower)
        try:
            await self._begin()
            yield []
            while True:
                await follower.ready.wait()
                follower.ready.clear()
                while sums := follower.take():
                    sent_at = time.monotonic()
                    yield sums
                    if not follower.waiting:
                        await _pause(sent_at, interval_ms or INTERVAL_DEFAULT_MS)
        finally:
            self._followers.discard(follower)
            self._end()

    async def _begin(self) -> None:
        """Have a task look at what comes after what is visible now, unless one looks already."""
        async with self._beginning:  # A later snapshot in the place of another's would lose what lies between.
            if self._looking is None or self._looking.done():
                self._snapshot = await self._runtime.read(store.present_snapshot)
                self._looking = asyncio.create_task(self._keep_looking(), name="analytics.live")

    def _end(self) -> None:
        if not self._followers and self._looking is not None:
            self._looking.cancel()
            self._looking = self._snapshot = None

    async def _keep_looking(self) -> None:
        """Look until cancelled; what fails unexpectedly ends all streams, so that none waits for nothing."""
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001 - whatever it is, callers must not wait for nothing
            _log.exception("live_figures_failed")
            for follower in self._followers:
                follower.end(error)

    async def _look(self) -> None:
        woken = self._runtime.wakeups.event(FIGURES)
        while True:
            await wakeups.wait(woken, IDLE_S)
            try:
                self._offer(await self._runtime.read(self._changed))
            except UnavailableError as error:
                _log.warning("live_figures_wait", error=str(error))
                woken.set()
            await asyncio.sleep(LOOK_PAUSE_S)

    async def _changed(self, tx: Tx) -> tuple[str, Rows]:
        """Read what changed since the last look, and up to where this one saw."""
        snapshot = await store.present_snapshot(tx)
        keys = await store.changed_since(tx, self._snapshot or snapshot)
        rows: Rows = {}
        for some in _in_parts(keys):
            for part in await store.changed_figures(tx, some):
                rows.setdefault(part.group, []).append(part)
        return snapshot, rows

    def _offer(self, changed: tuple[str, Rows]) -> None:
        self._snapshot, rows = changed
        for follower in self._followers:
            follower.offer(rows)


async def _pause(sent_at: float, interval_ms: int) -> None:
    """Wait until the interval since the last message is over."""
    await asyncio.sleep(max(0.0, sent_at + interval_ms / 1_000 - time.monotonic()))


def _in_parts(keys: list[ChangedKey]) -> Iterable[list[ChangedKey]]:
    return (keys[at : at + KEYS_PER_READ_MAX] for at in range(0, len(keys), KEYS_PER_READ_MAX))
