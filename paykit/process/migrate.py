"""Makes and migrates the databases: one schema per service, owned by a role that the service itself does not have.

`paystream_<service>_owner` (no login) owns the schema and its tables; `paystream_<service>` (login) may read and write
rows and never change a table. Only an administrator's URL, used by `paystream db`, can act as the owner.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from paykit.base.config import ConfigurationError
from paykit.postgres import runtime_schema
from paykit.process import catalogue

_ENVIRONMENT = Path(__file__).parent / "migrations"
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
    """
    await _create_database(url)
    async with _connected(url) as connection:
        await connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        for service in services:
            for statement in _init_statements(service, password):
                await connection.exec_driver_sql(statement)


async def migrate(url: str, services: Sequence[str], *, directory: Path | None = None) -> None:
    """Bring each service's schema to its newest version; `directory` holds the migrations, if not the services' own.

    Raises:
        ConfigurationError: PostgreSQL does not accept the URL's user or password, or the user may not do this.
    """
    async with _connected(url) as connection:
        await connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        for service in services:
            bring = catalogue.load_service(service).on_migrate if directory is None else _bring_nothing
            await connection.run_sync(_upgrade, service, directory or catalogue.migrations_of(service), bring)


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


async def _create_database(url: str) -> None:
    name = sqlalchemy.make_url(url).database
    maintenance = sqlalchemy.make_url(url).set(database="postgres").render_as_string(hide_password=False)
    async with _connected(maintenance) as connection:
        # The services of a new cluster all ask for it at the same time.
        await connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
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


def _upgrade(connection: Connection, service: str, directory: Path, bring: Callable[[Connection], None]) -> None:
    """Run Alembic in one transaction, as the schema's owner, and bring the rows that come with the build."""
    connection.exec_driver_sql("BEGIN")
    try:
        connection.exec_driver_sql(f'SET LOCAL ROLE "paystream_{service}_owner"')
        connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
        config = Config()
        config.set_main_option("script_location", str(_ENVIRONMENT))
        config.set_main_option("version_locations", str(directory))
        config.set_main_option("path_separator", "newline")
        config.attributes["options"] = {
            "connection": connection,
            "version_table_schema": service,
            "transactional_ddl": False,  # The transaction is ours.
            "service": service,
        }
        command.upgrade(config, "head")
        runtime_schema.complete(connection)
        bring(connection)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
