"""Knows for how long a parked event has waited in vain.

Partitions are consumed at a pace of their own, and after an outage one may be hours behind another: the time alone that
an event has been parked does not show that what it waits for is not on its way. That is shown once everything is
consumed that lay in the service's topics when it was parked, and nothing parked as well could be applied since.
"""

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping

import structlog

from paykit.base.errors import UnavailableError
from paykit.consume.store import offsets
from paykit.consume.store.offsets import TopicPartition
from paykit.consume.store.parked_events import ParkedEvent
from paykit.postgres.database import Database

LOOK_EVERY_S = 1.0
"""How often Kafka is asked how far topics go; only while something is newly parked."""
REACHED_MAX = 1_000
"""Answers remembered; of older ones the oldest stands for all."""

_log = structlog.get_logger()


class Watermark:
    """How far a service has consumed, measured at what is parked. Kept in memory: a restart begins to wait anew."""

    def __init__(
        self,
        database: Database,
        ends: Callable[[], Mapping[TopicPartition, int]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing reached.

        Args:
            database: Holds the offsets of what is consumed.
            ends: Where each partition of the service's topics ends; asked in a thread.
            monotonic: Real time in seconds.
        """
        self._database = database
        self._ends = ends
        self._monotonic = monotonic
        self._look_due = monotonic()
        self._quiet_since = monotonic()
        # The newest event that was parked when topics went as far as these ends.
        self._asked: tuple[int, Mapping[TopicPartition, int]] | None = None
        # Ids of parked events up to which the ends have been reached, and when; both rise.
        self._reached: deque[tuple[int, float]] = deque(maxlen=REACHED_MAX)

    async def look(self, newest_id: int) -> None:
        """Look how far the service has come, given the id of the newest parked event.

        Without Kafka nothing is found out, and so nothing has waited in vain.
        """
        if self._asked is None and self._is_ahead(newest_id) and self._monotonic() >= self._look_due:
            self._look_due = self._monotonic() + LOOK_EVERY_S
            try:
                self._asked = newest_id, await asyncio.to_thread(self._ends)
            except UnavailableError as error:
                _log.warning("watermark_unknown", error=str(error))
        if self._asked is not None:
            await self._compare(*self._asked)

    def _is_ahead(self, newest_id: int) -> bool:
        return not self._reached or newest_id > self._reached[-1][0]

    async def _compare(self, newest_id: int, ends: Mapping[TopicPartition, int]) -> None:
        stored = await self._database.read(lambda tx: offsets.load(tx, list(ends)))
        if all(end <= (stored[key].next_offset if key in stored else 0) for key, end in ends.items()):
            self._reached.append((newest_id, self._monotonic()))
            self._asked = None

    def note_progress(self) -> None:
        """Begin to wait anew: a parked event was applied, and others may have waited for it."""
        self._quiet_since = self._monotonic()

    def waited_s(self, parked: ParkedEvent) -> float:
        """For how long, in seconds, an event has been parked while nothing was left that could help it."""
        at = bisect_left(self._reached, parked.parked_event_id, key=lambda reached: reached[0])
        if at == len(self._reached):
            return 0.0
        since = max(self._reached[at][1], self._quiet_since)
        return min(parked.parked_s, self._monotonic() - since)
