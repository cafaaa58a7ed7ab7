"""A clock of PostgreSQL that a test sets: functions of the same names, found before the server's own."""

from datetime import datetime

import asyncpg

from paykit.postgres.database import Tx

_SCHEMA = """
CREATE SCHEMA server_clock;
GRANT USAGE ON SCHEMA server_clock TO PUBLIC;
CREATE FUNCTION server_clock.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('server_clock.now')::timestamptz $$;
CREATE FUNCTION server_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT current_setting('server_clock.later')::timestamptz $$;
"""


async def install(admin_url: str) -> None:
    """Make it in a database."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(_SCHEMA)
    finally:
        await connection.close()


async def begin_at(tx: Tx, now: datetime, *, later: datetime | None = None) -> None:
    """Have a transaction begin at a moment of the server's clock, which shows `later` by the time it stores."""
    settings = {
        "search_path": "server_clock, probe, pg_catalog",
        "server_clock.now": now.isoformat(),
        "server_clock.later": (later or now).isoformat(),
    }
    for name, value in settings.items():
        await tx.fetch("SELECT set_config($1, $2, true)", name, value)
