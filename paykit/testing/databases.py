"""Databases for tests: one template per run, migrated once; a fresh copy for each test, in well under a second."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import sqlalchemy

from paykit.process import migrate

SERVICE_PASSWORD = "not-a-secret"  # noqa: S105 - of roles on servers that exist for one test run
DROP_TRIES_MAX = 20
DROP_PAUSE_S = 0.1
FILLED_BY_MIGRATIONS = ("alembic_version", "schema_support", "currency", "transaction_type", "outbox_format")

_SEQUENCES_ANEW = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = ANY($1) AND last_value IS NOT NULL
"""

_numbers = itertools.count(1)


async def make_template(admin_url: str, services: Sequence[str]) -> str:
    """Create and migrate a template database; give an administrator's URL of it."""
    name = f"template_{os.getpid()}_{next(_numbers)}"
    url = sqlalchemy.make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    await migrate.init(url, services, password=SERVICE_PASSWORD)
    await migrate.migrate(url, services)
    return url


@asynccontextmanager
async def database(template_url: str) -> AsyncIterator[str]:
    """Return a URL of a fresh copy of the template, without a user, so that each service connects as its own role."""
    template = sqlalchemy.make_url(template_url)
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await _administer(template, f'CREATE DATABASE "{name}" TEMPLATE "{template.database}" STRATEGY FILE_COPY')
    try:
        yield sqlalchemy.URL.create(
            "postgresql", host=template.host, port=template.port, database=name, query=template.query
        ).render_as_string(hide_password=False)
    finally:
        await _administer(template, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def empty(admin_url: str, *schemas: str) -> None:
    """Empty every table of these services: far quicker than a fresh database, where tests share one.

    Rows are deleted, without triggers: TRUNCATE gives each table and index a new file, which takes thirty times as long
    where a table holds a handful. What migrations fill stays.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        names = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY($1)"
        rows = await connection.fetch(f"{names} AND tablename <> ALL($2)", schemas, FILLED_BY_MIGRATIONS)
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(";".join(f"DELETE FROM {row[0]}" for row in rows))
        await connection.execute(_SEQUENCES_ANEW, schemas)
    finally:
        await connection.close()


def admin_url_of(template_url: str, database_url: str) -> str:
    """Return an administrator's URL of a database made by `database`."""
    name = sqlalchemy.make_url(database_url).database
    return sqlalchemy.make_url(template_url).set(database=name).render_as_string(hide_password=False)


async def _administer(server: sqlalchemy.URL, statement: str) -> None:
    url = server.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        for tries_left in reversed(range(DROP_TRIES_MAX)):
            try:
                await connection.execute(statement)
            except asyncpg.ObjectInUseError:  # Somebody else's copy of the template is in progress.
                if not tries_left:
                    raise
                await asyncio.sleep(DROP_PAUSE_S)
            else:
                return
    finally:
        await connection.close()
