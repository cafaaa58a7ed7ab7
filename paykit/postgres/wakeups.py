"""Wakes the relay and the jobs as soon as there is work: by an event in this process, by NOTIFY in others.

NOTIFY runs in transactions of its own, at most one per NOTIFY_PAUSE_S: inside business transactions it would serialise
their commits. While there is work without end, whoever is to do it is awake anyway, and is told less often. A lost
notification only costs the wait for the next poll.
"""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any

import structlog

from paykit.postgres import connecting, faults
from paykit.postgres.faults import Fault

NOTIFY_PAUSE_S = 0.01
"""The least time between two notifications of one process."""
NOTIFY_PAUSE_S_MAX = 0.04
"""The most of it, once signals of work came during each of several pauses."""
RECONNECT_PAUSE_S = 1.0
PING_S = 10.0
"""How often a connection with nothing to tell asks whether the server is still there."""
PING_TIMEOUT_S = 5.0
OUTBOX = "outbox"
"""The signal of rows for the relay."""
OUTCOMES = "outcomes"
"""The signal of events that conclude what calls may wait for."""
CHANGES = "changes"
"""The signal of changes of what streams may watch; every other signal is a job's name."""
_WAITED_FOR = frozenset({OUTCOMES, CHANGES})
"""Signals that somebody waits behind: they are never told less often."""

_log = structlog.get_logger()


class Wakeups:
    """The signals of one service."""

    def __init__(self, *, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._channel = f"paystream_{schema}"
        self._schema = schema
        self._events: dict[str, asyncio.Event] = {}
        self._remote: set[str] = set()
        self._remote_pending = asyncio.Event()
        self._connection: Any = None

    def event(self, signal: str) -> asyncio.Event:
        """Return the event that this signal sets; asking for it makes this process a listener."""
        return self._events.setdefault(signal, asyncio.Event())

    def signal(self, signal: str) -> None:
        """Wake whoever waits for this signal, in this process and in the others of the service."""
        if signal in self._events:
            self._events[signal].set()
        self._remote.add(signal)
        self._remote_pending.set()

    def wake_all(self) -> None:
        """Wake whoever waits for any signal in this process."""
        for event in self._events.values():
            event.set()

    async def run(self) -> None:
        """Carry signals to and from the other processes until cancelled."""
        while True:
            try:
                await self._carry()
            except Exception as error:
                if faults.sort(error) is not Fault.UNAVAILABLE:
                    raise
                _log.warning("wakeups_interrupted", service=self._schema, error=str(error))
            finally:
                await self._drop_connection()
            await asyncio.sleep(RECONNECT_PAUSE_S)

    async def _carry(self) -> None:
        self._connection = await connecting.connect(self._dsn, self._schema)
        # A process that sends no signals would not notice that it hears none either.
        self._connection.add_termination_listener(lambda _: self._remote_pending.set())
        await self._connection.add_listener(self._channel, self._on_notification)
        self.wake_all()  # Something may have been signalled while nobody listened.
        pause_s = NOTIFY_PAUSE_S
        while True:
            await wait(self._remote_pending, PING_S)
            signals, self._remote = self._remote, set()
            # Without a signal it tells nobody, and is the question whether the server still answers.
            await self._connection.execute(
                "SELECT pg_notify($1, s) FROM unnest($2::text[]) s", self._channel, [*signals], timeout=PING_TIMEOUT_S
            )
            await asyncio.sleep(pause_s)
            pause_s = next_pause_s(pause_s, pending=self._remote)

    def _on_notification(self, connection: Any, pid: int, _channel: str, signal: str) -> None:
        if pid != connection.get_server_pid() and signal in self._events:
            self._events[signal].set()

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def next_pause_s(pause_s: float, *, pending: Collection[str]) -> float:
    """Return the pause after the next notification.

    Args:
        pause_s: That after the last one.
        pending: The signals that came during it.
    """
    if not pending or not _WAITED_FOR.isdisjoint(pending):
        return NOTIFY_PAUSE_S
    return min(2 * pause_s, NOTIFY_PAUSE_S_MAX)


async def wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until the event is set or the time is over, and clear it."""
    # Not wait_for: on Python 3.11 it can swallow a cancellation that comes together with the event.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()
