"""Calls that answer when the outcome is there: one look at the database for all that wait.

A commit with an event that concludes something sets the signal `OUTCOMES`, in this and in other processes of the
service. One task a process then reads all that is waited for in one transaction and answers those calls whose outcome
is there. However many wait, there are no more looks than such commits, but for one every IDLE_S and for those in which
the time of calls is over. A call begins to wait before it is carried out, so that no outcome comes unseen.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

import structlog
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from prometheus_client import Counter, Gauge

from paykit.base.call import current_call
from paykit.base.errors import UnavailableError
from paykit.errors import DomainError
from paykit.postgres import wakeups
from paykit.postgres.database import Tx
from paykit.postgres.wakeups import OUTCOMES, Wakeups

T = TypeVar("T")
Row = TypeVar("Row")
Reply = TypeVar("Reply", bound=Message)

WAIT_S_MAX = 30.0
"""How long an outcome is waited for; the protos say the same."""
LOOK_PAUSE_S = 0.01
"""The least time between two looks: outcomes that come together are looked for together."""
IDLE_S = 5.0
"""The longest time between two looks: a signal may be lost with a connection."""
RETRY_PAUSE_S = 0.5
"""Before another look when PostgreSQL could not be reached."""
LAST_LOOK_S = 0.25
"""For the look at the end of a call's time; without it, the call is answered as it was accepted."""
DEADLINE_MARGIN_S = 0.1
"""Left of a call's time when waiting ends, so that the answer still reaches the caller."""

WAITING = Gauge("paystream_grpc_outcome_waiters", "Calls that wait for an outcome in this process")
LOOKS = Counter("paystream_grpc_outcome_looks", "Transactions that looked for outcomes that calls wait for")

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, eq=False)
class Awaited(Generic[Row, Reply]):
    """What calls of one method wait for.

    Attributes:
        read: Reads resources by their ids; those that are not there are left out.
        concluded: Whether a resource has its outcome.
        show: Makes the reply of a resource, in the transaction that read it.
    """

    read: Callable[[Tx, Collection[str]], Awaitable[Mapping[str, Row]]]
    concluded: Callable[[Row], bool]
    show: Callable[[Tx, Row], Awaitable[Reply]]


class Waits(Protocol):
    """A request that says how long it waits."""

    @property
    def wait_for(self) -> Duration:
        """The time; absent or 0 for not at all."""
        ...


class OutcomeReader(Protocol):
    """What a service's runtime has for those who look."""

    wakeups: Wakeups

    @property
    def outcome_waiters_max(self) -> int:
        """Calls that may wait in this process."""
        ...

    async def read(self, query: Callable[[Tx], Awaitable[T]]) -> T:
        """Run queries on one consistent snapshot."""
        ...


@dataclass(eq=False, slots=True)
class _Waiter:
    """One call.

    Attributes:
        due: Whether its time is over, so that it takes what there is.
    """

    awaited: Awaited[Any, Any]
    key: str
    due: bool = False
    answer: "asyncio.Future[Message]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Outcomes:
    """The calls of one service that wait in one process."""

    def __init__(self, runtime: OutcomeReader) -> None:
        self._runtime = runtime
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiters)

    async def after(
        self,
        call: Callable[[], Awaitable[Reply]],
        request: Waits,
        awaited: Awaited[Any, Reply],
        *,
        key: str,
        key_of: Callable[[Reply], str],
    ) -> Reply:
        """Make a call that creates something, and wait for its outcome as long as the request says.

        Args:
            call: Does what is asked.
            request: Says how long.
            awaited: What is created.
            key: The id that it is to have.
            key_of: Reads the id that it has: another where an earlier call with the same request id created it.

        Returns:
            The reply with the outcome; what there is when the time is over; at once where too many wait already.
        """
        until = time.monotonic() + _wait_s(request)
        if not self._may_wait(request):
            return await call()
        async with self._waiting(_Waiter(awaited, key)) as waiter:
            reply = await call()
            if key_of(reply) != key:
                waiter.key = key_of(reply)
                self._woken.set()  # Its outcome may have been there before.
            return cast("Reply", await self._outcome(waiter, until) or reply)

    async def get(
        self, request: Waits, awaited: Awaited[Row, Reply], *, key: str, missing: Callable[[str], DomainError]
    ) -> Reply:
        """Read something, once it has its outcome or the time that the request says is over.

        Raises:
            DomainError: What `missing` makes of the key; there is no such thing.
        """

        async def read(tx: Tx) -> tuple[Reply, bool]:
            row = (await awaited.read(tx, [key])).get(key)
            if row is None:
                raise missing(key)
            return await awaited.show(tx, row), awaited.concluded(row)

        until = time.monotonic() + _wait_s(request)
        if not self._may_wait(request):
            return (await self._runtime.read(read))[0]
        async with self._waiting(_Waiter(awaited, key)) as waiter:
            reply, concluded = await self._runtime.read(read)
            return reply if concluded else cast("Reply", await self._outcome(waiter, until) or reply)

    def _may_wait(self, request: Waits) -> bool:
        return _wait_s(request) > 0 and self.waiting < self._runtime.outcome_waiters_max

    @property
    def _woken(self) -> asyncio.Event:
        return self._runtime.wakeups.event(OUTCOMES)

    @contextlib.asynccontextmanager
    async def _waiting(self, waiter: _Waiter) -> AsyncIterator[_Waiter]:
        self._waiters.add(waiter)
        WAITING.inc()
        if self._looking is None or self._looking.done():
            self._woken.clear()
            self._looking = asyncio.create_task(self._keep_looking(), name="outcomes")
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)
            WAITING.dec()
            if not self._waiters and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _outcome(self, waiter: _Waiter, until: float) -> Any:
        """Wait until a look answers the call; None where its time, and that of a last look, is over."""
        call = current_call()
        remaining_s = call.time_remaining()
        if remaining_s is not None:
            until = min(until, time.monotonic() + remaining_s - LAST_LOOK_S - DEADLINE_MARGIN_S)
        if call.place is not None:
            call.place.step_aside(bounded=False)
        try:
            if await _answered(waiter, until - time.monotonic()):
                return waiter.answer.result()
            waiter.due = True
            self._woken.set()
            return waiter.answer.result() if await _answered(waiter, LAST_LOOK_S) else None
        finally:
            if call.place is not None:
                call.place.step_back(bounded=False)

    async def _keep_looking(self) -> None:
        """Look until cancelled; what fails unexpectedly fails the calls that wait, so that none waits for nothing."""
        while True:
            await wakeups.wait(self._woken, IDLE_S)
            waiters = [waiter for waiter in self._waiters if not waiter.answer.done()]
            pause_s = LOOK_PAUSE_S
            try:
                await self._look(waiters)
            except UnavailableError as error:
                _log.warning("outcomes_wait", error=str(error))
                self._woken.set()
                pause_s = RETRY_PAUSE_S
            except Exception as error:  # noqa: BLE001 - whatever it is, callers must not wait for nothing
                for waiter in waiters:
                    _end(waiter, error)
            await asyncio.sleep(pause_s)

    async def _look(self, waiters: Collection[_Waiter]) -> None:
        """Answer those whose outcome is there, and those whose time is over."""
        if not waiters:
            return
        by_kind: dict[Awaited[Any, Any], list[_Waiter]] = {}
        for waiter in waiters:
            by_kind.setdefault(waiter.awaited, []).append(waiter)

        async def look(tx: Tx) -> list[tuple[_Waiter, Message]]:
            answers = []
            for awaited, those in by_kind.items():
                found = await awaited.read(tx, {waiter.key for waiter in those})
                for waiter in those:
                    row = found.get(waiter.key)
                    if row is not None and (waiter.due or awaited.concluded(row)):
                        answers.append((waiter, await awaited.show(tx, row)))
            return answers

        LOOKS.inc()
        for waiter, answer in await self._runtime.read(look):
            if not waiter.answer.done():
                waiter.answer.set_result(answer)


def _wait_s(request: Waits) -> float:
    return min(request.wait_for.ToTimedelta().total_seconds(), WAIT_S_MAX)


async def _answered(waiter: _Waiter, timeout_s: float) -> bool:
    """Wait for the answer so long; say whether it is there."""
    if timeout_s > 0:
        await asyncio.wait([waiter.answer], timeout=timeout_s)
    return waiter.answer.done()


def _end(waiter: _Waiter, error: Exception) -> None:
    if not waiter.answer.done():
        waiter.answer.set_exception(error)
        waiter.answer.exception()  # Who waits may have gone: nobody needs to be told that it was not looked at.


def shown(show: Callable[[Row], Reply]) -> Callable[[Tx, Row], Awaitable[Reply]]:
    """Make the reply of a resource that needs nothing more to be read."""

    async def made(_tx: Tx, row: Row) -> Reply:
        return show(row)

    return made
