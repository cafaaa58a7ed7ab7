"""A signal in one process wakes another, also after PostgreSQL dropped the connection that carried it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from paykit.postgres.wakeups import OUTBOX, Wakeups, wait
from paykit.process.runtime import Runtime

WAIT_S = 60.0


@asynccontextmanager
async def carried(*wakeups: Wakeups) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in wakeups]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def end_listening(url: str, runtime: Runtime) -> None:
    connection = await asyncpg.connect(url)
    try:
        # Its last statement is LISTEN, or the question whether the server is still there.
        listens = "query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_notify%'"
        sql = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND ({listens})"
        database = runtime.database.url.partition("?")[0].rpartition("/")[2]
        async with asyncio.timeout(WAIT_S):
            while not await connection.fetch(sql, database):  # noqa: ASYNC110 - another process sets it
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def test_a_signal_reaches_its_own_process_and_the_others(runtime: Runtime) -> None:
    ours, theirs = (Wakeups(dsn=runtime.database.url, schema="probe") for _ in range(2))
    events = [ours.event(OUTBOX), theirs.event(OUTBOX)]
    async with carried(ours, theirs), asyncio.timeout(WAIT_S):
        for event in events:
            await event.wait()  # Set when the connection stands.
            event.clear()
        ours.signal(OUTBOX)
        for event in events:
            await event.wait()


async def test_a_process_that_only_listens_hears_again_after_its_connection_was_lost(
    runtime: Runtime, probe_template: str
) -> None:
    listening = Wakeups(dsn=runtime.database.url, schema="probe")
    event = listening.event(OUTBOX)
    async with carried(listening), asyncio.timeout(WAIT_S):
        await event.wait()
        event.clear()
        await end_listening(probe_template, runtime)
        await event.wait()  # It has connected again, and looks for what it may have missed.


async def test_waiting_ends_with_the_signal_or_with_the_time() -> None:
    event = asyncio.Event()
    await wait(event, 0.01)
    event.set()
    async with asyncio.timeout(WAIT_S):
        await wait(event, 2 * WAIT_S)
    assert not event.is_set()
