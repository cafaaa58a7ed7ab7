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
    """The sessions that lie ready; how many are in use at once is for whoever takes them to bound.

    Args:
        connect: Opens a connection, whose lock timeout is `connecting.LOCK_TIMEOUT_MS`.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._ready: list[Session] = []
        self._drivers: weakref.WeakSet[Any] = weakref.WeakSet()

    async def take(self, lock_timeout_ms: int) -> Session:
        """Return a session that waits for locks for so long, past all that ended while they lay ready.

        The one given back last comes first: what it has prepared is the newest. One that waits as long as it should
        goes before others, for those have to be told so first.
        """
        session = self._pop(lock_timeout_ms)
        if session is None:
            driver = await self._connect()
            self._drivers.add(driver)
            session = Session(driver, connecting.LOCK_TIMEOUT_MS)
        if session.lock_timeout_ms != lock_timeout_ms:
            try:
                await session.driver.execute(f"SET lock_timeout = {lock_timeout_ms}")
            except BaseException:
                session.driver.terminate()
                raise
            session.lock_timeout_ms = lock_timeout_ms
        return session

    def give_back(self, session: Session) -> None:
        """Have a session lie ready that is outside of any transaction; one that was cut is forgotten."""
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
        return self._ready.pop() if self._ready else None


async def undo(driver: Any, *, reusable: bool) -> None:
    """Roll back what a transaction did, or cut its connection: its state after a failed rollback is unknown.

    One to a server that takes no writes any more is not reusable either: another server does by now.
    """
    if not await connecting.end_transaction(driver) or not reusable:
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
