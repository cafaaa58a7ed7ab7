"""The sessions of a service, and what a transaction needs of one: it lives, answers COMMIT, and comes back clean."""

import asyncio
import contextlib
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from paykit.base.errors import CommitUnknownError, DefectError
from paykit.postgres import connecting, faults
from paykit.postgres.faults import Fault


@dataclass(slots=True)
class Session:
    """One connection to PostgreSQL.

    Attributes:
        driver: The driver's connection.
        lock_timeout_ms: How long its statements wait for a lock, as long as no transaction says otherwise.
    """

    driver: Any
    lock_timeout_ms: int


class Sessions:
    """The sessions that lie ready; no more than so many are in use at once is for whoever takes them to see to.

    Args:
        connect: Opens a connection, whose lock timeout is `connecting.LOCK_TIMEOUT_MS`.
        sessions_max: Open at once.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], sessions_max: int) -> None:
        self._connect = connect
        self._sessions_max = sessions_max
        self._ready: list[Session] = []
        self._in_use = 0
        self._drivers: weakref.WeakSet[Any] = weakref.WeakSet()

    async def take(self, lock_timeout_ms: int) -> Session:
        """Return a session that waits for locks for so long, past all that ended while they lay ready.

        The one given back last comes first, for what it has prepared is the newest. One that waits for another time is
        told so only where no more may be opened, for that is a statement more each time.
        """
        self._in_use += 1
        try:
            session = self._pop(lock_timeout_ms) or await self._open()
            if session.lock_timeout_ms != lock_timeout_ms:
                await self._tell(session, lock_timeout_ms)
        except BaseException:
            self._in_use -= 1
            raise
        return session

    def give_back(self, session: Session) -> None:
        """Have a session lie ready that is outside of any transaction; one that was cut is forgotten."""
        self._in_use -= 1
        if not session.driver.is_closed():
            self._ready.append(session)

    async def close(self) -> None:
        """Close every connection; those that a silent server does not let go are cut, and those in use as well."""
        ready, self._ready = self._ready, []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(connecting.END_TIMEOUT_S):
                for session in ready:
                    await session.driver.close()
        for driver in list(self._drivers):
            driver.terminate()

    def _pop(self, lock_timeout_ms: int) -> Session | None:
        self._ready = [session for session in self._ready if not session.driver.is_closed()]
        for at in range(len(self._ready) - 1, -1, -1):
            if self._ready[at].lock_timeout_ms == lock_timeout_ms:
                return self._ready.pop(at)
        full = self._in_use + len(self._ready) > self._sessions_max
        return self._ready.pop() if self._ready and full else None

    async def _open(self) -> Session:
        driver = await self._connect()
        self._drivers.add(driver)
        return Session(driver, connecting.LOCK_TIMEOUT_MS)

    async def _tell(self, session: Session, lock_timeout_ms: int) -> None:
        try:
            await session.driver.execute(f"SET lock_timeout = {lock_timeout_ms}")
        except BaseException:
            session.driver.terminate()
            raise
        session.lock_timeout_ms = lock_timeout_ms


async def undo(driver: Any, error: BaseException, *, begun: bool) -> None:
    """Roll back what a transaction did that failed, or cut its connection: its state is unknown if that failed as well.

    A statement that was refused, and was a transaction by itself, has left nothing. One to a server that takes no
    writes any more is not reusable: another server does by now.
    """
    undone = not begun and isinstance(error, Exception) and faults.sort(error) is not Fault.UNAVAILABLE
    if not (undone or await connecting.end_transaction(driver)) or faults.is_read_only(error):
        driver.terminate()


async def commit(driver: Any) -> None:
    """Commit, and believe nothing but the answer to it.

    Raises:
        CommitUnknownError: The connection broke meanwhile.
        DefectError: A statement had failed before.
    """
    try:
        outcome = await driver.execute("COMMIT")
    except BaseException as error:
        driver.terminate()
        if faults.sort(error) is Fault.UNAVAILABLE:
            raise CommitUnknownError("the connection was lost during COMMIT", part="postgresql") from error
        raise
    # PostgreSQL rolls a transaction back in which a statement failed, and answers its COMMIT without an error.
    if outcome != "COMMIT":
        raise DefectError(f"COMMIT was answered by {outcome}: a statement had failed, and its error was swallowed")
