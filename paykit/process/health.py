"""Looks whether a process is ready, again and again; see `paykit.base.health`.

What serves no calls is not ready while a partition that it has is halted or far behind. A process that serves calls is:
they must not be withheld from it for that, and its gRPC health says so of `<service>.consumers`.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from paykit.base.health import HealthBoard, HealthProblem, HealthProblemKind
from paykit.consume.store.offsets import TopicPartition
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime

LOOK_EVERY_S = 2.0
DATABASE_SILENT_S_MAX = 10.0
"""After its last answer PostgreSQL counts as silent."""
EVENTS_LATE_S_MAX = 300.0
"""An event that waits for longer to be applied makes a process that only consumes not ready."""


class Lagging(Protocol):
    """How far a consumer is behind."""

    @property
    def oldest_unapplied_s(self) -> float:
        """Age of the next event to apply, in seconds; 0 where none is."""
        ...


class Consuming(Protocol):
    """A consumer, as it is looked at."""

    @property
    def halted(self) -> Sequence[TopicPartition]:
        """Partitions that it has and that are halted."""
        ...

    @property
    def lag(self) -> Lagging:
        """How far it is behind."""
        ...


class HealthWatch:
    """Of one process.

    Args:
        board: Where to say what was found.
        runtimes: Of the services whose PostgreSQL is to answer.
        consumers: Those that run now, each with its service.
        leads: Of which services this process leads the relay now.
        serves_calls: Whether it has a gRPC server.
        monotonic: Real time in seconds.
    """

    def __init__(
        self,
        board: HealthBoard,
        *,
        runtimes: Sequence[Runtime],
        consumers: Callable[[], Iterable[tuple[str, Consuming]]],
        leads: Callable[[], Sequence[str]],
        serves_calls: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._board, self._runtimes, self._consumers = board, runtimes, consumers
        self._leads, self._serves_calls = leads, serves_calls
        self._state: HealthProblemKind | None = HealthProblemKind.STARTING
        self._pings: dict[str, asyncio.Task[None]] = {}
        self._answered_s = {runtime.service.name: monotonic() for runtime in runtimes}

    def started(self) -> None:
        """Note that everything runs that was asked for."""
        self._state = None
        self.look()

    def stopping(self) -> None:
        """Note that the process was told to stop."""
        self._state = HealthProblemKind.STOPPING
        self.look()

    async def run(self) -> None:
        """Look for ever until cancelled."""
        try:
            while True:
                if self._state is None:
                    self._ping()
                self.look()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for ping in self._pings.values():
                ping.cancel()

    def look(self) -> None:
        """Say on the board how things are."""
        state = [] if self._state is None else [HealthProblem(kind=self._state)]
        self._board.show([*state, *self._silent(), *self._behind()], leads=self._leads())

    def _ping(self) -> None:
        """Ask every PostgreSQL, unless it still owes an answer: one that is silent holds nothing up here."""
        for runtime in self._runtimes:
            name = runtime.service.name
            last = self._pings.get(name)
            if last is None or last.done():
                self._pings[name] = asyncio.create_task(self._asked(runtime))

    async def _asked(self, runtime: Runtime) -> None:
        try:
            await runtime.read(_select_one)
        except Exception:  # noqa: BLE001 - whatever it is, it is no answer
            return
        self._answered_s[runtime.service.name] = self._monotonic()

    def _silent(self) -> Iterator[HealthProblem]:
        if self._state is HealthProblemKind.STARTING:
            return  # It waits for PostgreSQL before anything else, and says so.
        for service, answered_s in self._answered_s.items():
            silent_s = self._monotonic() - answered_s
            if silent_s > DATABASE_SILENT_S_MAX:
                kind = HealthProblemKind.DATABASE_SILENT
                yield HealthProblem(kind=kind, service=service, detail=f"{silent_s:.0f} s")

    def _behind(self) -> Iterator[HealthProblem]:
        if self._serves_calls:
            return
        for service, consumer in self._consumers():
            for topic, number in consumer.halted:
                kind = HealthProblemKind.PARTITION_HALTED
                yield HealthProblem(kind=kind, service=service, detail=f"{topic}/{number}")
            oldest_s = consumer.lag.oldest_unapplied_s
            if oldest_s > EVENTS_LATE_S_MAX:
                yield HealthProblem(kind=HealthProblemKind.EVENTS_LATE, service=service, detail=f"{oldest_s:.0f} s")


async def _select_one(tx: Tx) -> None:
    await tx.fetch("SELECT 1")
