"""Stopping a process in the middle of a transaction, to the point."""

import asyncio

import asyncpg

from tests.line.books import Books
from tests.line.processes import ServiceProcess
from tests.line.waiting import WAIT_S_MAX, until

SETTLE_S = 0.5
"""For the statement that waited, once the gate is open."""

_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
_STANDING = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'idle in transaction'"


async def suspend_in_a_transaction(process: ServiceProcess, kept: Books, *, table: str, admin_url: str) -> int:
    """Stop a process whose transaction has begun to write to a table, and give the pid of its session.

    The process must be the only one that writes there.
    """
    gate = await asyncpg.connect(admin_url.replace("+asyncpg", ""))
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                session = await _suspend_at_the_gate(process, kept, gate, table)
                if await stands(kept, session):
                    return session
                process.resume()  # It gave up waiting just before it was stopped.
    finally:
        await gate.close()


async def stands(kept: Books, session: int) -> bool:
    """Say whether a session is still in the transaction that its stopped process left."""
    return await kept.number(_STANDING, session) == 1


async def _suspend_at_the_gate(process: ServiceProcess, kept: Books, gate: asyncpg.Connection, table: str) -> int:
    async with gate.transaction():
        await gate.execute(f"LOCK TABLE {table} IN SHARE MODE")
        waiting = await until(lambda: kept.rows(_WAITING))
        process.suspend()
    session = int(waiting[0]["pid"])

    async def passed() -> bool:
        return session not in {row["pid"] for row in await kept.rows(_WAITING)}

    await until(passed)
    await asyncio.sleep(SETTLE_S)
    return session
