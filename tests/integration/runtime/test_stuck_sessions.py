"""A process that stands still in the middle of a COPY loses its session, for nothing else would give its locks back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from paykit.postgres import connecting, stuck_sessions
from paykit.process.runtime import Runtime

WAIT_S_MAX = 30.0
SHORT_S = 0.05


class StoodStill:
    """A COPY whose process sends nothing, until it is let go."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.goes_on = asyncio.Event()

    async def run(self) -> None:
        settings = connecting.connection_settings("probe") | {"statement_timeout": "100"}
        connection: Any = await asyncpg.connect(self._runtime.database.url, server_settings=settings)
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO counter VALUES ('mine', 1)")
                await connection.copy_to_table("seen", source=self._rows(), columns=["key"])
        finally:
            connection.terminate()

    async def _rows(self) -> AsyncIterator[bytes]:
        await self.goes_on.wait()
        yield b"late\n"


async def waiting_sessions(runtime: Runtime) -> list[datetime]:
    sql = (
        "SELECT query_start FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'ClientRead' AND usename = $1"
    )
    rows = await runtime.read(lambda tx: tx.fetch(f"{sql} AND datname = current_database()", "paystream_probe"))
    return [row["query_start"] for row in rows]


async def test_a_session_that_stands_in_a_copy_is_ended_and_its_locks_are_free(runtime: Runtime) -> None:
    stood_still = StoodStill(runtime)
    standing = asyncio.create_task(stood_still.run())
    async with asyncio.timeout(WAIT_S_MAX):
        while not await waiting_sessions(runtime):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(SHORT_S)
    await asyncio.sleep(0.3)  # Three times its statement_timeout, which does nothing.
    assert len(await waiting_sessions(runtime)) == 1
    assert await stuck_sessions.end_stuck_sessions(runtime.database, after_s=WAIT_S_MAX) == []
    assert len(await stuck_sessions.end_stuck_sessions(runtime.database, after_s=SHORT_S)) == 1
    async with asyncio.timeout(WAIT_S_MAX):
        await runtime.transaction(lambda tx: tx.run("INSERT INTO counter VALUES ('mine', 2)"))
    stood_still.goes_on.set()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        await standing
    rows = await runtime.read(lambda tx: tx.fetch("SELECT value FROM counter WHERE name = 'mine'"))
    assert [row["value"] for row in rows] == [2]


async def test_sessions_at_work_or_at_rest_are_left_alone(runtime: Runtime) -> None:
    at_work = asyncio.create_task(runtime.transaction(lambda tx: tx.fetch("SELECT pg_sleep(0.5)")))
    await asyncio.sleep(0.2)
    assert await stuck_sessions.end_stuck_sessions(runtime.database, after_s=0) == []
    await at_work
