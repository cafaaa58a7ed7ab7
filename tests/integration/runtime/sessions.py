"""What PostgreSQL has of a service's connections, as an administrator sees it."""

import asyncpg

from paykit.process.runtime import Runtime


async def end_connections(admin_url: str, runtime: Runtime) -> None:
    """End every connection to the test's database, as a restart of PostgreSQL would."""
    await _ask(admin_url, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1", runtime)


async def count_open_transactions(admin_url: str, runtime: Runtime) -> int:
    """Count connections that began something and do nothing."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND state LIKE 'idle in transaction%'"
    return await _ask(admin_url, sql, runtime)


async def _ask(admin_url: str, sql: str, runtime: Runtime) -> int:
    connection = await asyncpg.connect(admin_url)
    try:
        return int(await connection.fetchval(sql, runtime.database.url.partition("?")[0].rpartition("/")[2]))
    finally:
        await connection.close()
