"""The connection of a transaction that writes at its end, and begins only if something has to hold still before.

What a command leaves for the end, its claims and its events are one statement, which is a transaction by itself where
none was begun: reading takes a snapshot for each statement anyway. A statement that locks, writes or is not known
begins one first, and has what was left before it written before it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from paykit.base.errors import CommitUnknownError, UnavailableError
from paykit.postgres import faults
from paykit.postgres.faults import Fault
from paykit.postgres.fused.writes import Write, together


class FusedDriver:
    """Takes the place of the driver's connection.

    Attributes:
        begun: Whether a transaction is open, which is to be committed.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._left: list[Write] = []
        self._answers: Write | None = None
        self._calls = 0
        self.begun = False

    def leave(self, write: Write) -> None:
        """Have an insert carried out at the end, or before the next statement that could see it."""
        self._left.append(write)

    def answer(self, claims: Write, calls: int) -> None:
        """Have the claims of so many calls inserted at the end, before all that is left for it: a row or more each."""
        self._answers, self._calls = claims, calls

    async def look(self, sql: str, *args: Any) -> Any:
        """Read, in no transaction where none is open."""
        if self._left:
            await self._settle()
        return await self._driver.fetch(sql, *args)

    async def fetch(self, sql: str, *args: Any) -> Any:
        """Do as the driver."""
        await self._settle()
        return await self._driver.fetch(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """Read one value, in no transaction where none is open, that nothing left to be written changes."""
        return await self._driver.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> Any:
        """Do as the driver."""
        await self._settle()
        return await self._driver.execute(sql, *args)

    async def cursor(self, sql: str, *args: Any) -> Any:
        """Do as the driver."""
        await self._settle()
        return await self._driver.cursor(sql, *args)

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[tuple[Any, ...]], columns: Sequence[str]
    ) -> Any:
        """Do as the driver."""
        await self._settle()
        return await self._driver.copy_records_to_table(table, records=records, columns=columns)

    async def copy_to_table(self, table: str, *, source: bytearray, columns: Sequence[str], format: str) -> Any:  # noqa: A002 - the driver's word
        """Do as the driver."""
        await self._settle()
        return await self._driver.copy_to_table(table, source=source, columns=columns, format=format)

    async def finish(self, events: Sequence[Write]) -> None:
        """Write the claims of calls, what was left, and events.

        Raises:
            CommitUnknownError: The connection broke while what was to be written was a transaction by itself.
            UnavailableError: The transaction has become too old for its claims.
        """
        writes = [*([self._answers] if self._answers else []), *self._left, *events]
        self._left = []
        if not writes:
            return
        sql, args = together(writes)
        try:
            status: str = await self._driver.execute(sql, *args)
        except Exception as error:
            if not self.begun and faults.sort(error) is Fault.UNAVAILABLE:
                raise CommitUnknownError("the connection was lost during a write", part="postgresql") from error
            raise
        if int(status.rpartition(" ")[2]) < self._calls:
            raise UnavailableError("the transaction of the calls took too long", part="postgresql")

    async def _settle(self) -> None:
        if not self.begun:
            self.begun = True  # Before: a BEGIN that was cancelled may have begun all the same.
            await self._driver.execute("BEGIN")
        if self._left:
            left, self._left = self._left, []
            sql, args = together(left)
            await self._driver.execute(sql, *args)
