"""Migrations while services work on the tables: who waits for whom, and what is left of one that did not end."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from paykit.base.config import ConfigurationError
from paykit.base.errors import UnavailableError
from paykit.postgres.upgrades.schema_changes import MigrationDefectError
from paykit.process import migrate
from paykit.process.upgrading import Patience
from paykit.testing import databases
from tests import probe
from tests.line.waiting import until

EAGER = Patience(lock_timeout_ms=200, tries_max=1_000, pause_s=0.05)
ONCE = Patience(lock_timeout_ms=50, tries_max=2, pause_s=0.0)
WRITER_LOCK_TIMEOUT_MS = 20_000
"""Far more than a migration may make a writer wait; reached only where it does not give way."""
TRIES_SEEN = 3

_WAITING = """
SELECT count(*) FROM pg_locks
WHERE relation = 'probe.counter'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted
"""
_INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('probe.counter_value')"

Add = Callable[..., None]
Connect = Callable[[], Awaitable[Any]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(
        shutil.copytree(probe.MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    )


@pytest.fixture
def add(directory: Path) -> Add:
    """Write the next migration, of statements in Python."""

    def add(body: str, attributes: str = "") -> None:
        number = len(list(directory.glob("*.py"))) + 1
        (directory / f"probe_{number:04}_next.py").write_text(
            "from alembic import op\n"
            "from paykit.postgres.upgrades import schema_changes\n"
            f"revision = 'probe_{number:04}'\ndown_revision = 'probe_{number - 1:04}'\n{attributes}\n"
            f"def upgrade():\n    {body}\n"
        )

    return add


@pytest.fixture
def url(probe_template: str, probe_url: str) -> str:
    return databases.admin_url_of(probe_template, probe_url)


@pytest.fixture
async def connect(url: str) -> AsyncIterator[Connect]:
    opened: list[Any] = []

    async def connect() -> Any:
        opened.append(await asyncpg.connect(url, server_settings={"search_path": "probe"}))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.terminate()


async def revision(connection: Any) -> str:
    return str(await connection.fetchval("SELECT version_num FROM alembic_version"))


async def test_writers_go_on_while_a_migration_waits_for_a_long_transaction_and_it_ends_after_that(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    add("op.execute('ALTER TABLE counter ADD COLUMN note text')", "expands = True")
    reader, writer, watcher = await connect(), await connect(), await connect()
    await reader.execute("BEGIN")
    await reader.fetch("SELECT * FROM counter")
    await writer.execute(f"SET lock_timeout = {WRITER_LOCK_TIMEOUT_MS}")
    migrating = asyncio.ensure_future(migrate.migrate(url, ["probe"], directory=directory, patience=EAGER))
    tries, written, waited = 0, 0, False
    while tries < TRIES_SEEN:
        waits = bool(await watcher.fetchval(_WAITING))
        tries, waited = tries + (waited and not waits), waits
        # Behind the waiting migration; were it to wait until the reader ends, this would fail.
        await writer.execute("INSERT INTO counter (name, value) VALUES ($1, 0)", str(written))
        written += 1
    assert not migrating.done()
    await reader.execute("COMMIT")
    await migrating
    assert await watcher.fetchval("SELECT count(*) FROM counter WHERE note IS NULL") == written
    assert await revision(watcher) == "probe_0002"


async def test_a_migration_that_finds_its_table_in_use_is_given_up_and_leaves_the_ones_before_it(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    add("op.execute('ALTER TABLE seen ADD COLUMN note text')")
    add("op.execute('ALTER TABLE counter ADD COLUMN note text')")
    reader = await connect()
    await reader.execute("BEGIN")
    await reader.fetch("SELECT * FROM counter")
    with pytest.raises(UnavailableError, match=r"probe: probe_0003 found its tables in use 2 times.* process \d+ of"):
        await migrate.migrate(url, ["probe"], directory=directory, patience=ONCE)
    assert await revision(reader) == "probe_0002"
    await reader.execute("COMMIT")
    await migrate.migrate(url, ["probe"], directory=directory, patience=ONCE)
    assert await revision(reader) == "probe_0003"


async def test_an_index_is_built_while_rows_are_written_and_anew_after_it_was_interrupted(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    add("schema_changes.create_index('counter_value', 'counter (value)')", "concurrent = expands = True")
    holder, writer = await connect(), await connect()
    await holder.execute("BEGIN")
    await holder.execute("INSERT INTO counter (name, value) VALUES ('held', 1)")
    first = asyncio.ensure_future(migrate.migrate(url, ["probe"], directory=directory))

    async def begun() -> bool:
        return await writer.fetchval(_INDEX) is False

    await until(begun)
    await writer.execute("INSERT INTO counter (name, value) VALUES ('written', 2)")
    await writer.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%'")
    with pytest.raises(UnavailableError):
        await first
    assert await writer.fetchval(_INDEX) is False
    assert await revision(writer) == "probe_0001"
    await holder.execute("COMMIT")
    await migrate.migrate(url, ["probe"], directory=directory)
    assert await writer.fetchval(_INDEX) is True
    assert await revision(writer) == "probe_0002"


async def test_an_index_that_values_do_not_allow_is_built_once_they_do(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    add("schema_changes.create_index('counter_value', 'counter (value)', unique=True)", "concurrent = True")
    connection = await connect()
    await connection.execute("INSERT INTO counter (name, value) VALUES ('a', 1), ('b', 1)")
    with pytest.raises(Exception, match="could not create unique index"):
        await migrate.migrate(url, ["probe"], directory=directory)
    await connection.execute("DELETE FROM counter WHERE name = 'b'")
    await migrate.migrate(url, ["probe"], directory=directory)
    assert await connection.fetchval(_INDEX) is True


async def test_an_index_is_dropped_without_a_transaction_and_only_so(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    connection = await connect()
    await connection.execute("CREATE INDEX counter_value ON counter (value)")
    add("schema_changes.drop_index('counter_value')")
    with pytest.raises(MigrationDefectError, match="says `concurrent = True`"):
        await migrate.migrate(url, ["probe"], directory=directory)
    refused = directory / "probe_0002_next.py"
    refused.write_text(refused.read_text() + "concurrent = True\n")
    await migrate.migrate(url, ["probe"], directory=directory)
    assert await connection.fetchval("SELECT to_regclass('probe.counter_value')") is None


async def test_a_rule_holds_for_new_rows_at_once_and_for_old_ones_a_migration_later(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    connection = await connect()
    await connection.execute("INSERT INTO counter (name, value) VALUES ('old', 7)")
    add("schema_changes.add_constraint('counter', 'counter_even', 'CHECK (value % 2 = 0)')")
    await migrate.migrate(url, ["probe"], directory=directory)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("INSERT INTO counter (name, value) VALUES ('new', 9)")
    add("schema_changes.validate_constraint('counter', 'counter_even')", "expands = True")
    with pytest.raises(Exception, match="counter_even"):
        await migrate.migrate(url, ["probe"], directory=directory)
    assert await revision(connection) == "probe_0002"
    await connection.execute("UPDATE counter SET value = 8")
    await migrate.migrate(url, ["probe"], directory=directory)
    assert await connection.fetchval("SELECT convalidated FROM pg_constraint WHERE conname = 'counter_even'") is True


async def test_a_rule_is_not_checked_on_old_rows_while_writers_are_locked_out(
    url: str, directory: Path, add: Add
) -> None:
    add(
        "schema_changes.add_constraint('counter', 'counter_even', 'CHECK (value % 2 = 0)')\n"
        "    schema_changes.validate_constraint('counter', 'counter_even')"
    )
    with pytest.raises(MigrationDefectError, match="validate it in the next one"):
        await migrate.migrate(url, ["probe"], directory=directory)


async def test_a_schema_that_is_only_being_made_is_made_by_the_same_migrations_at_once(
    probe_template: str, directory: Path, add: Add
) -> None:
    add("schema_changes.create_index('counter_value', 'counter (value)')", "concurrent = expands = True")
    add(
        "schema_changes.add_constraint('counter', 'counter_even', 'CHECK (value % 2 = 0)')\n"
        "    schema_changes.validate_constraint('counter', 'counter_even')"
    )
    new = await databases.make_template(probe_template, [])
    await migrate.init(new, ["probe"])
    await migrate.migrate(new, ["probe"], directory=directory)
    connection = await asyncpg.connect(new)
    assert await connection.fetchval(_INDEX) is True
    assert await connection.fetchval("SELECT oldest_build FROM probe.schema_support") == "probe_0003"
    await connection.close()


async def test_what_only_expands_leaves_the_oldest_build_as_it_was(
    url: str, directory: Path, add: Add, connect: Connect
) -> None:
    connection = await connect()
    oldest = []
    for attributes in ("", "expands = True", "expands = True", "contracts = 'counter.note, unused since'"):
        add("op.execute('SELECT 1')", attributes)
        await migrate.migrate(url, ["probe"], directory=directory)
        oldest.append(await connection.fetchval("SELECT oldest_build FROM schema_support"))
    assert oldest == ["probe_0002", "probe_0002", "probe_0002", "probe_0005"]


async def test_a_migration_stops_where_it_is_told_to(url: str, directory: Path, add: Add, connect: Connect) -> None:
    add("op.execute('SELECT 1')")
    add("op.execute('SELECT 1')")
    await migrate.migrate(url, ["probe"], directory=directory, target="probe_0002")
    assert await revision(await connect()) == "probe_0002"
    with pytest.raises(ConfigurationError, match="probe has no migration probe_0009; its newest is probe_0003"):
        await migrate.migrate(url, ["probe"], directory=directory, target="probe_0009")


async def test_an_older_build_does_not_migrate_a_newer_schema(url: str, directory: Path, add: Add) -> None:
    add("op.execute('SELECT 1')")
    await migrate.migrate(url, ["probe"], directory=directory)
    with pytest.raises(ConfigurationError) as caught:
        await migrate.migrate(url, ["probe"], directory=probe.MIGRATIONS)
    assert str(caught.value) == (
        "the schema of probe is at probe_0002, which this build does not know: its newest is probe_0001"
    )
