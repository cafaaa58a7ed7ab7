"""How far one consumer is behind the ends of its partitions, and for how long: for people who watch."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping

import structlog
from prometheus_client import Gauge

from paykit.base.errors import UnavailableError
from paykit.consume.store import offsets
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.kafka.topic_watch import LogRange, TopicWatch
from paykit.postgres.database import Database

MEASURE_EVERY_S = 5.0

POSITION = Gauge("paystream_consumer_next_offset", "The next offset to apply.", ["service", "topic", "partition"])
LAG = Gauge("paystream_consumer_lag", "Events behind the end, halted or not.", ["service", "topic", "partition"])
OLDEST = Gauge(
    "paystream_consumer_oldest_unapplied_seconds",
    "Age of the next event to apply, at most: since the last one applied was written, or nothing was left. 0: none is.",
    ["service", "topic", "partition"],
)

_log = structlog.get_logger()


class Lag:
    """The partitions of one consumer, measured every MEASURE_EVERY_S."""

    def __init__(
        self,
        *,
        service: str,
        database: Database,
        topics: TopicWatch,
        partitions: Callable[[], Collection[TopicPartition]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with nothing measured; `partitions` tells which the consumer has, halted ones too."""
        self._service = service
        self._database = database
        self._topics = topics
        self._partitions = partitions
        self._clock = clock
        # Until when, in seconds since the epoch, all events of a partition are known to be applied.
        self._applied_until: dict[TopicPartition, float] = {}
        self._oldest_s: dict[TopicPartition, float] = {}

    @property
    def oldest_unapplied_s(self) -> float:
        """Return the age of the next event to apply, as measured last, of whichever partition; 0 where none is."""
        return max(self._oldest_s.values(), default=0.0)

    async def run(self) -> None:
        """Measure for ever until cancelled."""
        while True:
            try:
                await self.measure()
            except UnavailableError as error:
                _log.warning("lag_unknown", service=self._service, error=str(error))
            except Exception:  # noqa: BLE001 - nothing hangs on it, and the next measurement tries again
                _log.exception("lag_unknown", service=self._service)
            await asyncio.sleep(MEASURE_EVERY_S)

    def note_applied(self, partition: TopicPartition, *, next_offset: int, written_at: float) -> None:
        """Note what is to be applied next, and when the last event applied was written, in seconds since the epoch."""
        POSITION.labels(self._service, *map(str, partition)).set(next_offset)
        self._applied_until[partition] = max(written_at, self._applied_until.get(partition, 0.0))

    async def measure(self) -> None:
        """Compare where the consumer stands with where its partitions end, and show it.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
        """
        partitions = sorted(self._partitions())
        logs = await self._topics.ranges(partitions)
        positions = await self._database.read(lambda tx: offsets.load(tx, partitions))
        for partition in set(partitions).intersection(self._partitions()):  # Some may have been given away meanwhile.
            self._show(partition, positions, logs)

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Show partitions no more that another consumer gets."""
        for partition in partitions:
            self._applied_until.pop(partition, None)
            self._oldest_s.pop(partition, None)
            for gauge in (LAG, OLDEST, POSITION):
                gauge.remove(self._service, *map(str, partition))

    def _show(
        self,
        partition: TopicPartition,
        positions: Mapping[TopicPartition, Position],
        logs: Mapping[TopicPartition, LogRange | None],
    ) -> None:
        log, position = logs.get(partition), positions.get(partition)
        if log is None:
            return  # What was shown last is the best that is known.
        next_offset = max(log.first_offset, position.next_offset if position else 0)
        lag = max(0, log.end_offset - next_offset)
        now = self._clock()
        if not lag:
            self._applied_until[partition] = now
        since = self._applied_until.setdefault(partition, now)
        LAG.labels(self._service, *map(str, partition)).set(lag)
        self._oldest_s[partition] = max(0.0, now - since) if lag else 0.0
        OLDEST.labels(self._service, *map(str, partition)).set(self._oldest_s[partition])
