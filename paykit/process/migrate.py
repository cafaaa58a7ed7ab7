"""Makes and migrates the databases: one schema per service, owned by a role that the service itself does not have.

`paystream_<service>_owner` (no login) owns the schema and its tables; `paystream_<service>` (login) may read and write
rows and never change a table. Only an administrator's URL, used by `paystream db`, can act as the owner.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import sqlalchemy
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from paykit.base.config import ConfigurationError
from paykit.base.errors import UnavailableError
from paykit.process import catalogue, upgrading
from paykit.process.revisions import migrations_of
from paykit.process.upgrading import UNDER_TRAFFIC, Patience, Upgrade

ALONE_PAUSE_S = 0.1
ALONE_TRIES_MAX = 36_000
"""An hour: indexes of large tables take their time."""
_MIGRATION_LOCK = 0x7061_796D
"""Advisory lock that keeps two migrations of one database apart."""


async def init(url: str, services: Sequence[str], *, password: str | None = None) -> None:
    """Create the database if it is missing, and each service's roles and schema; what exists is left as it is.

    Args:
        url: An administrator's URL, naming the database to create.
        services: Names.
        password: Of the services' roles; None where the server asks for none.

    Raises:
        ConfigurationError: PostgreSQL does not accept the URL's user or password, or the user may not do this.
        UnavailableError: Another migration of the database did not end in time.
    """
    await _create_database(url)
    async with _connected(url) as connection:
        await _be_alone(connection)
        for service in services:
            for statement in _init_statements(service, password):
                await connection.exec_driver_sql(statement)


async def migrate(
    url: str,
    services: Sequence[str],
    *,
    directory: Path | None = None,
    target: str | None = None,
    patience: Patience = UNDER_TRAFFIC,
) -> None:
    """Bring each service's schema to its newest version, while services may work on it.

    Args:
        url: An administrator's URL.
        services: Names.
        directory: Of the migrations, if not the services' own.
        target: The revision to stop at, of the one service that is named.
        patience: With those who use the tables.

    Raises:
        ConfigurationError: PostgreSQL does not accept the URL's user or password, the user may not do this, or a schema
            is of a newer build.
        UnavailableError: A table was in use for too long, or another migration of the database did not end in time.
    """
    async with _connected(url) as connection:
        await _be_alone(connection)
        for service in services:
            bring = catalogue.load_service(service).on_migrate if directory is None else _bring_nothing
            upgrade = Upgrade(
                service=service,
                directory=directory or migrations_of(service),
                bring=bring,
                target=target,
                patience=patience,
            )
            await upgrading.carry_out(connection, upgrade)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        sqlalchemy.make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sqlalchemy.NullPool,
    )
    try:
        async with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig else None
        if isinstance(cause, (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError)):
            raise ConfigurationError(f"PAYSTREAM_DATABASE_ADMIN_URL: PostgreSQL refuses: {cause}") from error
        raise


async def _be_alone(connection: AsyncConnection) -> None:
    """Wait for other migrations of the database, by asking: waiting in a statement would hold up index builds."""
    asking = sqlalchemy.text("SELECT pg_try_advisory_lock(:lock)")
    for _ in range(ALONE_TRIES_MAX):
        taken = await connection.execute(asking, {"lock": _MIGRATION_LOCK})
        if taken.scalar():
            return
        await asyncio.sleep(ALONE_PAUSE_S)
    raise UnavailableError("another migration of this database has not ended", part="postgres")


async def _create_database(url: str) -> None:
    name = sqlalchemy.make_url(url).database
    maintenance = sqlalchemy.make_url(url).set(database="postgres").render_as_string(hide_password=False)
    async with _connected(maintenance) as connection:
        # The services of a new cluster all ask for it at the same time.
        await _be_alone(connection)
        exists = await connection.execute(
            sqlalchemy.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
        )
        if exists.first() is None:
            await connection.exec_driver_sql(f'CREATE DATABASE "{name}"')


def _init_statements(service: str, password: str | None) -> list[str]:
    owner, role = f"paystream_{service}_owner", f"paystream_{service}"
    default = f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{service}"'
    secret = "" if password is None else " PASSWORD '" + password.replace("'", "''") + "'"
    return [
        _create_role(owner, "NOLOGIN"),
        _create_role(role, "LOGIN"),
        f'ALTER ROLE "{role}" LOGIN{secret}',
        f'CREATE SCHEMA IF NOT EXISTS "{service}" AUTHORIZATION "{owner}"',
        f'GRANT USAGE ON SCHEMA "{service}" TO "{role}"',
        f'{default} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}"',
        f'{default} GRANT USAGE ON SEQUENCES TO "{role}"',
    ]


def _create_role(name: str, option: str) -> str:
    """Roles belong to the whole server, so another database's init may have made them, even at this moment."""
    return (
        f'DO $$ BEGIN CREATE ROLE "{name}" {option}; '
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )


def _bring_nothing(_connection: Connection) -> None:
    """Leave the rows of a schema alone."""
