"""Migrations of one service's schema, carried out while services work on it.

A statement that changes a table waits until the transactions that use it have ended, and whoever comes after waits
behind it. So it waits for a second at most, gives way to those behind it, and is tried again. Each migration is a
transaction of its own, so that its locks are held no longer than it takes; a schema that is only being made has no
traffic, and is made in one.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
import structlog
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from paykit.base.config import ConfigurationError
from paykit.base.errors import UnavailableError
from paykit.postgres import faults, runtime_schema
from paykit.postgres.faults import Fault
from paykit.postgres.upgrades import schema_support

CONCURRENT_LOCK_TIMEOUT_MS = 600_000
"""How long an index that is built beside the writers waits for transactions older than itself; it holds nobody up."""
OLD_TRANSACTIONS_MAX = 3
"""Transactions that are named when a migration waits."""

_ENVIRONMENT = Path(__file__).parent / "migrations"

_OLD_TRANSACTIONS = """
SELECT string_agg(format('process %s of %s since %s', pid, usename, date_trunc('second', xact_start)), ', ')
FROM (SELECT * FROM pg_stat_activity
      WHERE xact_start IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()
      ORDER BY xact_start LIMIT :most) AS oldest
"""

_log = structlog.get_logger()

Work = Callable[[Connection], None]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How migrations wait for those who use the tables.

    Attributes:
        lock_timeout_ms: For each lock, and so how long writers may have to wait behind it: half of what they wait for a
            lock themselves before they give up.
        tries_max: Of each migration.
        pause_s: Between two tries, in which those who waited behind the migration get through.
    """

    lock_timeout_ms: int
    tries_max: int
    pause_s: float


UNDER_TRAFFIC = Patience(lock_timeout_ms=1_000, tries_max=120, pause_s=2.0)
"""Six minutes for each migration."""


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What is to be done to one schema.

    Attributes:
        service: Whose it is.
        directory: Of its migrations.
        bring: Brings the rows that come with the build, once the schema is the newest.
        target: The revision to stop at; None for the newest.
        patience: With those who use the tables.
    """

    service: str
    directory: Path
    bring: Work
    target: str | None = None
    patience: Patience = UNDER_TRAFFIC


async def carry_out(connection: AsyncConnection, upgrade: Upgrade) -> None:
    """Run the migrations that a schema lacks, one after the other; `connection` commits by itself.

    Raises:
        ConfigurationError: The schema is of a newer build, or there is no such revision.
        UnavailableError: A table was in use in every try; the migrations before it stay done.
    """
    await _patiently(connection, upgrade, schema_support.TABLE, _transaction(upgrade, _make_support))
    chain = _chain(upgrade.directory)
    before = await connection.run_sync(_revision, upgrade.service)
    pending = _pending(upgrade, chain, before)
    if before is None and pending:
        at_once = _transaction(upgrade, _migrating(upgrade, pending, traffic=False))
        await _patiently(connection, upgrade, pending[-1].revision, at_once)
    else:
        for script in pending:
            migrating = _migrating(upgrade, [script], traffic=True)
            wrapped = _statement_by_statement if _says(script, "concurrent") else _transaction
            await _patiently(connection, upgrade, script.revision, wrapped(upgrade, migrating))
    if not pending or pending[-1] is chain[-1]:
        await _patiently(connection, upgrade, "its rows", _transaction(upgrade, _completing(upgrade)))


async def _patiently(connection: AsyncConnection, upgrade: Upgrade, what: str, work: Work) -> None:
    """Do it, again and again while others use what it has to lock."""
    tries_max = upgrade.patience.tries_max
    for tries in range(1, tries_max + 1):
        try:
            await connection.run_sync(work)
        except DBAPIError as error:
            in_the_way = await _in_the_way(connection, error)
            if tries == tries_max:
                waited = f"{upgrade.service}: {what} found its tables in use {tries_max} times, and can be run again"
                raise UnavailableError(f"{waited}. In the way may be: {in_the_way}", part="postgres") from error
            _log.warning("migration_waits", service=upgrade.service, migration=what, tries=tries, in_the_way=in_the_way)
            await asyncio.sleep(upgrade.patience.pause_s)
        else:
            return


async def _in_the_way(connection: AsyncConnection, error: DBAPIError) -> str:
    """Name who may hold what a migration could not have; raise what has another cause."""
    match faults.sort(error):
        case Fault.LOCKED | Fault.CONFLICT:
            return await connection.run_sync(_old_transactions)
        case Fault.UNAVAILABLE:
            raise UnavailableError(f"PostgreSQL went away: {error.orig}", part="postgres") from error
        case Fault.UNEXPECTED:
            raise error


def _transaction(upgrade: Upgrade, work: Work) -> Work:
    """Wrap work as one transaction of the schema's owner that waits for each lock as long as writers may have to."""

    def run(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")
        try:
            connection.exec_driver_sql(f'SET LOCAL ROLE "paystream_{upgrade.service}_owner"')
            connection.exec_driver_sql(f'SET LOCAL search_path = "{upgrade.service}"')
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {upgrade.patience.lock_timeout_ms}")
            work(connection)
        except BaseException:
            with contextlib.suppress(SQLAlchemyError):  # Where the connection is gone, what led here is what to tell.
                connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")

    return run


def _statement_by_statement(upgrade: Upgrade, work: Work) -> Work:
    """Wrap work whose statements cannot stand in a transaction, as those that work beside writers."""

    def run(connection: Connection) -> None:
        try:
            connection.exec_driver_sql(f'SET ROLE "paystream_{upgrade.service}_owner"')
            connection.exec_driver_sql(f'SET search_path = "{upgrade.service}"')
            connection.exec_driver_sql(f"SET lock_timeout = {CONCURRENT_LOCK_TIMEOUT_MS}")
            work(connection)
        finally:
            with contextlib.suppress(SQLAlchemyError):  # Likewise.
                for name in ("ROLE", "search_path", "lock_timeout"):
                    connection.exec_driver_sql(f"RESET {name}")

    return run


def _migrating(upgrade: Upgrade, scripts: Sequence[Script], *, traffic: bool) -> Work:
    """Run these migrations, and record the oldest build that stands them."""

    def run(connection: Connection) -> None:
        contracting = [script.revision for script in scripts if not _says(script, "expands")]
        if contracting:
            schema_support.put_oldest_build(connection, contracting[-1])
        config = _config(upgrade.directory)
        config.attributes["options"] = {
            "connection": connection,
            "version_table_schema": upgrade.service,
            "transactional_ddl": False,  # The transaction is ours.
            "service": upgrade.service,
            "traffic": traffic,
            "concurrent": any(_says(script, "concurrent") for script in scripts),
        }
        command.upgrade(config, scripts[-1].revision)

    return run


def _completing(upgrade: Upgrade) -> Work:
    def run(connection: Connection) -> None:
        runtime_schema.complete(connection)
        schema_support.put_runtime_version(connection)
        upgrade.bring(connection)

    return run


def _make_support(connection: Connection) -> None:
    connection.exec_driver_sql(schema_support.CREATE)


def _revision(connection: Connection, service: str) -> str | None:
    there = connection.execute(sqlalchemy.text("SELECT to_regclass(:table)"), {"table": f'"{service}".alembic_version'})
    if there.scalar() is None:
        return None
    revision = connection.exec_driver_sql(f'SELECT version_num FROM "{service}".alembic_version').scalar()
    return None if revision is None else str(revision)


def _old_transactions(connection: Connection) -> str:
    named = connection.execute(sqlalchemy.text(_OLD_TRANSACTIONS), {"most": OLD_TRANSACTIONS_MAX}).scalar()
    return str(named or "nobody any more")


def _chain(directory: Path) -> list[Script]:
    """Return the migrations, the first one first."""
    return [*ScriptDirectory.from_config(_config(directory)).walk_revisions()][::-1]


def _pending(upgrade: Upgrade, chain: Sequence[Script], before: str | None) -> list[Script]:
    """Return the migrations that the schema lacks up to the target, in their order."""
    names = [script.revision for script in chain]
    if before is not None and before not in names:
        raise ConfigurationError(
            f"the schema of {upgrade.service} is at {before}, which this build does not know: its newest is {names[-1]}"
        )
    if upgrade.target is not None and upgrade.target not in names:
        raise ConfigurationError(f"{upgrade.service} has no migration {upgrade.target}; its newest is {names[-1]}")
    begin = 0 if before is None else names.index(before) + 1
    end = len(names) if upgrade.target is None else names.index(upgrade.target) + 1
    return list(chain[begin:end])


def _says(script: Script, attribute: str) -> bool:
    return bool(getattr(script.module, attribute, False))


def _config(directory: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(directory))
    config.set_main_option("path_separator", "newline")
    return config
