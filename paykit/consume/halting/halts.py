"""The halted partitions of one consumer: kept as rows, tried again by themselves ever more slowly, and told of."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog
from prometheus_client import Gauge

from paykit.base.errors import UnavailableError
from paykit.consume.halting.halt import HaltError
from paykit.consume.store import halts
from paykit.consume.store.offsets import TopicPartition
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import CONSUMING

RETRY_FIRST_S = 15.0
"""From a halt to the first try; doubled with each try in vain, up to RETRY_MAX_S."""
RETRY_MAX_S = 15 * 60.0
LOOK_EVERY_S = 1.0
"""How often the rows of halted partitions are looked at: people may have said to try at once."""
EXPLANATION_CHARACTERS_MAX = 2_000
TRIAL_S = 5.0
"""A partition that is tried and has nothing to apply is no longer halted after this time."""

HALTED = Gauge(
    "paystream_consumer_halted",
    "1 from a partition's halt until it goes on, else 0.",
    ["service", "topic", "partition"],
)

_log = structlog.get_logger()


class Halts:
    """Which partitions of a consumer rest, and which are on trial: consumed again, but not yet known to go on."""

    def __init__(self, *, service: str, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._database = database
        self._monotonic = monotonic
        self._resting: set[TopicPartition] = set()
        # Until when a partition is on trial if it has nothing to apply.
        self._trials: dict[TopicPartition, float] = {}
        self._look_due = 0.0

    @property
    def resting(self) -> Collection[TopicPartition]:
        """Partitions that are not consumed."""
        return self._resting

    @property
    def on_trial(self) -> Collection[TopicPartition]:
        """Partitions that are consumed after a halt, and have applied nothing since."""
        return self._trials.keys()

    async def add(self, halt: HaltError) -> None:
        """Have partitions rest until their next try, and say so.

        Without PostgreSQL there is no row, and so they are tried as soon as it answers.
        """
        for partition in halt.partitions:
            self._trials.pop(partition, None)
            self._resting.add(partition)
            HALTED.labels(self._service, *map(str, partition)).set(1)
        pauses_s: Mapping[TopicPartition, float] = {}
        try:
            pauses_s = await self._database.transaction(lambda tx: _keep(tx, halt), lane=CONSUMING)
        except UnavailableError as error:
            _log.warning("halt_not_kept", service=self._service, error=str(error))
        facts = {"reason": halt.reason.value, "explanation": halt.explanation}
        for partition in halt.partitions:
            pause_s = pauses_s.get(partition)
            _log.critical("partition_halted", service=self._service, partition=partition, next_try_s=pause_s, **facts)

    async def due(self) -> Sequence[TopicPartition]:
        """Return the resting partitions that are to be tried now; asked for at most every LOOK_EVERY_S.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
        """
        if not self._resting or self._monotonic() < self._look_due:
            return ()
        self._look_due = self._monotonic() + LOOK_EVERY_S
        resting = sorted(self._resting)
        return await self._database.read(lambda tx: halts.due(tx, resting))

    def begin(self, started: Collection[TopicPartition], halted: Collection[TopicPartition]) -> None:
        """Note that partitions are consumed, and say so of each; of those that were halted it is a trial.

        Args:
            started: All of them.
            halted: With a row of a halt of this or another process.
        """
        for partition in set(started).difference(self._trials):
            if partition not in halted and partition not in self._resting:
                HALTED.labels(self._service, *map(str, partition)).set(0)
                continue
            self._resting.discard(partition)
            self._trials[partition] = self._monotonic() + TRIAL_S
            HALTED.labels(self._service, *map(str, partition)).set(1)
            _log.warning("partition_tried", service=self._service, partition=partition)

    async def end_idle_trials(self) -> None:
        """End the trial of partitions that had nothing to apply for long.

        Raises:
            UnavailableError: PostgreSQL cannot be reached.
        """
        idle = [partition for partition, until in self._trials.items() if until <= self._monotonic()]
        if idle:
            await self._database.transaction(lambda tx: self.delete(tx, idle), lane=CONSUMING)
            self.end(idle)

    async def delete(self, tx: Tx, advanced: Collection[TopicPartition]) -> None:
        """Delete the rows of those of the partitions that are on trial, in the transaction that moves them."""
        over = [partition for partition in advanced if partition in self._trials]
        if over:
            await halts.delete(tx, over)

    def end(self, advanced: Collection[TopicPartition]) -> None:
        """Say that those of the partitions that were on trial go on."""
        for partition in advanced:
            if self._trials.pop(partition, None) is not None:
                HALTED.labels(self._service, *map(str, partition)).set(0)
                _log.warning("partition_goes_on", service=self._service, partition=partition)

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Let go of partitions that another consumer gets, with their rows."""
        for partition in partitions:
            HALTED.remove(self._service, *map(str, partition))
            self._resting.discard(partition)
            self._trials.pop(partition, None)


async def _keep(tx: Tx, halt: HaltError) -> Mapping[TopicPartition, float]:
    texts = {"reason": halt.reason.value, "explanation": halt.explanation[:EXPLANATION_CHARACTERS_MAX]}
    return await halts.upsert(tx, halt.partitions, **texts, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
