"""Streams that tell how something changes: one look at the database for all that watch.

Every commit that changes what can be watched sets the signal `CHANGES`, in this and in other processes of the service.
One task a process then reads all that is watched in one transaction and hands each stream the state that it has not
told yet. However many watch, there are no more looks than such commits, but for one every IDLE_S and for those that
new streams begin with. What a stream has not sent yet is replaced by what is newer, so that a slow reader holds one
message and no more.
"""

import asyncio
import contextlib
import time
from collections import Counter as Tally
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter, Gauge

from paykit.base.call import CallContext, current_call
from paykit.base.errors import UnavailableError
from paykit.errors import DomainError, Kind
from paykit.postgres import wakeups
from paykit.postgres.database import Tx
from paykit.postgres.wakeups import CHANGES, Wakeups

T = TypeVar("T")
Row = TypeVar("Row")
Reply = TypeVar("Reply", bound=Message)

WATCH_S_MAX = 3_600.0
"""The longest time of a stream; whoever wants to know more asks again."""
LOOK_PAUSE_S = 0.05
"""The least time between two looks: changes that come together are looked for together."""
IDLE_S = 5.0
"""The longest time between two looks: a signal may be lost with a connection."""
RETRY_PAUSE_S = 0.5
"""Before another look when PostgreSQL could not be reached."""
DEADLINE_MARGIN_S = 0.1
"""Left of a stream's time when it ends, so that it ends well."""

WATCHING = Gauge("paystream_grpc_watches", "Streams that watch something in this process")
LOOKS = Counter("paystream_grpc_watch_looks", "Transactions that looked for changes of what is watched")

_log = structlog.get_logger()


class WatchesExhausted(DomainError):
    """The process, or the caller, has as many streams open as it may; metadata says how many and whose."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "WATCHES_EXHAUSTED"
    retry_after_s = 1


class ServerStopping(DomainError):
    """The process stops: others go on, so the caller may ask again at once."""

    kind = Kind.UNAVAILABLE
    reason = "SERVER_STOPPING"
    retry_after_s = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched(Generic[Row, Reply]):
    """What streams of one method watch.

    Attributes:
        read: Reads resources by their ids; those that are not there are left out.
        version: Differs between any two states that are told apart, as an etag does.
        ended: Whether nothing more is to come of a resource.
        show: Makes the message of a resource.
        missing: Makes the refusal of an id that nothing has.
    """

    read: Callable[[Tx, Collection[str]], Awaitable[Mapping[str, Row]]]
    version: Callable[[Row], str]
    ended: Callable[[Row], bool]
    show: Callable[[Row], Reply]
    missing: Callable[[str], DomainError]


class ChangeReader(Protocol):
    """What a service's runtime has for those who watch."""

    wakeups: Wakeups

    @property
    def watches_max(self) -> int:
        """Streams that may be open in this process."""
        ...

    @property
    def watches_per_caller_max(self) -> int:
        """Of these, those of one caller."""
        ...

    async def read(self, query: Callable[[Tx], Awaitable[T]]) -> T:
        """Run queries on one consistent snapshot."""
        ...


@dataclass(eq=False, slots=True)
class _Watcher:
    """One stream.

    Attributes:
        version: Of the newest state that it was handed.
        waiting: That state, until it is sent.
        error: What it ends with.
        ended: Whether nothing comes after what is waiting.
    """

    watched: Watched[Any, Any]
    key: str
    version: str | None = None
    waiting: Message | None = None
    error: Exception | None = None
    ended: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, row: Any) -> None:
        """Hand it a state, if that is another than the last one."""
        version = self.watched.version(row)
        if self.ended or version == self.version:
            return
        self.version, self.waiting, self.ended = version, self.watched.show(row), self.watched.ended(row)
        self.ready.set()

    def end(self, error: Exception) -> None:
        """Have it end with an error; what waits is not sent any more."""
        self.error = error
        self.ready.set()

    def take(self) -> Message | None:
        """Take out what waits, if anything does.

        Raises:
            Exception: The stream is to end with it.
        """
        self.ready.clear()
        if self.error is not None:
            raise self.error
        message, self.waiting = self.waiting, None
        return message


class Watches:
    """The streams of one service in one process."""

    def __init__(self, runtime: ChangeReader) -> None:
        self._runtime = runtime
        self._watchers: set[_Watcher] = set()
        self._callers: Tally[str] = Tally()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def watching(self) -> int:
        """How many streams are open."""
        return len(self._watchers)

    def stop(self) -> None:
        """End all streams, and every new one, with UNAVAILABLE: the process stops, and others go on."""
        self._stopped = True
        for watcher in self._watchers:
            watcher.end(_stopping())

    async def watch(self, watched: Watched[Any, Reply], *, key: str) -> AsyncGenerator[Reply, None]:
        """Tell the state of something at once and each change after it, until it has ended or the time is over.

        States that come faster than they are looked for or read are left out: the newest counts. Close it
        (`contextlib.aclosing`) when it is not taken to its end.

        Raises:
            DomainError: What `watched.missing` makes of the key; there is no such thing.
            WatchesExhausted: The process or the caller watches too much already.
            ServerStopping: The process stops.
        """
        call = current_call()
        if self._stopped:
            raise _stopping()
        self._require_room(call.caller)
        until = time.monotonic() + _seconds(call)
        async with self._open(_Watcher(watched, key), call) as watcher:
            while await _ready(watcher, until):
                message = watcher.take()
                if message is not None:
                    yield cast("Reply", message)
                if watcher.ended and watcher.waiting is None:
                    return

    def _require_room(self, caller: str) -> None:
        in_all, of_one = self._runtime.watches_max, self._runtime.watches_per_caller_max
        if self.watching >= in_all:
            raise WatchesExhausted("This process has no room for more streams.", watches_max=str(in_all))
        if self._callers[caller] >= of_one:
            raise WatchesExhausted("The caller has too many streams open.", watches_per_caller_max=str(of_one))

    @property
    def _woken(self) -> asyncio.Event:
        return self._runtime.wakeups.event(CHANGES)

    @contextlib.asynccontextmanager
    async def _open(self, watcher: _Watcher, call: CallContext) -> AsyncIterator[_Watcher]:
        """Count a stream in, with no place among the calls in progress: most of its time it only waits."""
        self._watchers.add(watcher)
        self._callers[call.caller] += 1
        WATCHING.inc()
        if call.place is not None:
            call.place.step_aside(bounded=False)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._keep_looking(), name="watches")
        self._woken.set()  # Its first state comes by a look as well, together with those of others that begin now.
        try:
            yield watcher
        finally:
            if call.place is not None:
                call.place.step_back(bounded=False)
            WATCHING.dec()
            self._callers[call.caller] -= 1
            self._callers += Tally()  # Lets go of callers who watch nothing any more.
            self._watchers.discard(watcher)
            if not self._watchers and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _keep_looking(self) -> None:
        """Look until cancelled; what fails unexpectedly ends the streams, so that none waits for nothing."""
        while True:
            await wakeups.wait(self._woken, IDLE_S)
            watchers = [watcher for watcher in self._watchers if not watcher.ended and watcher.error is None]
            pause_s = LOOK_PAUSE_S
            try:
                await self._look(watchers)
            except UnavailableError as error:
                _log.warning("watches_wait", error=str(error))
                self._woken.set()
                pause_s = RETRY_PAUSE_S
            except Exception as error:  # noqa: BLE001 - whatever it is, callers must not wait for nothing
                _log.exception("watches_failed")
                for watcher in watchers:
                    watcher.end(error)
            await asyncio.sleep(pause_s)

    async def _look(self, watchers: Collection[_Watcher]) -> None:
        """Hand each stream the state that it has not told yet."""
        if not watchers:
            return
        by_kind: dict[Watched[Any, Any], list[_Watcher]] = {}
        for watcher in watchers:
            by_kind.setdefault(watcher.watched, []).append(watcher)

        async def read(tx: Tx) -> list[tuple[_Watcher, Any]]:
            found = []
            for watched, those in by_kind.items():
                rows = await watched.read(tx, {watcher.key for watcher in those})
                found += [(watcher, rows.get(watcher.key)) for watcher in those]
            return found

        LOOKS.inc()
        for watcher, row in await self._runtime.read(read):
            if row is None:
                watcher.end(watcher.watched.missing(watcher.key))
            else:
                watcher.offer(row)


def _seconds(call: CallContext) -> float:
    """Return how long a stream may last."""
    remaining_s = call.time_remaining()
    return WATCH_S_MAX if remaining_s is None else min(WATCH_S_MAX, remaining_s - DEADLINE_MARGIN_S)


def _stopping() -> ServerStopping:
    return ServerStopping("The process stops: ask again.")


async def _ready(watcher: _Watcher, until: float) -> bool:
    """Wait until there is something to send; say whether there is before the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - time.monotonic()):
            await watcher.ready.wait()
    return watcher.ready.is_set()
