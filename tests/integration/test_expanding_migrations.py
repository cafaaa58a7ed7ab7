"""What a migration takes away from the build before it, found by PostgreSQL itself, and whether the migration says so.

The schema of the migration before is made, and the statements that the table layer makes of its columns are prepared on
the schema after it. What a statement cannot show without rows (a column that needs a value) is read from the catalogue.
"""

import dataclasses
import importlib.util
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from paykit.postgres import runtime_schema
from paykit.postgres.table import Table
from paykit.process import migrate
from paykit.process.catalogue import schema_names
from paykit.process.revisions import migrations_of, number_of, revisions_of
from paykit.testing import databases
from paytools.localstack import Endpoints

BEFORE_THE_RULE = {
    "accounting": 7,
    "analytics": 1,
    "channel": 7,
    "merchant": 7,
    "notification": 2,
    "order": 4,
    "payment": 15,
    "reconciliation": 8,
    "settlement": 4,
    "withdrawal": 7,
}
"""The last migration of each service that was written when services were stopped for them."""

TAKEN_AWAY = {
    "order_0003": ["capture is gone", "order.paid_minor is gone", "refund is gone"],
    "payment_0005": ["payment.captured_in_parts is gone"],
    "channel_0007": ["statement.channel_fee_minor is gone", "statement.line_count is gone"],
    "withdrawal_0003": ["merchant.time_zone is gone"],
}
"""Of those, some that are known to take columns and tables away, read in their text."""

RUNTIME = re.findall(r"CREATE TABLE (\w+)", runtime_schema._V1)
"""Tables of the runtime, which follow a build of their own accord once the newest migration of its service is done."""

_COLUMNS = """
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type, a.attnotnull AS required,
    a.atthasdef OR a.attidentity <> '' AS given, a.attgenerated <> '' AS generated,
    coalesce(a.attnum = ANY(k.conkey), false) AS key
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> ALL($2::text[])
ORDER BY c.relname, a.attnum
"""
_UNIQUE = """
SELECT c.relname AS table, regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') AS key
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE i.indisunique AND c.relnamespace = $1::regnamespace AND NOT c.relispartition AND c.relname <> ALL($2::text[])
"""
_TYPES: Mapping[str, Any] = {
    "text": str,
    "bigint": int,
    "integer": int,
    "smallint": int,
    "boolean": bool,
    "bytea": bytes,
    "timestamp with time zone": datetime,
    "date": date,
    "numeric": Decimal,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of each table by name, and what its rows are unique by."""

    tables: Mapping[str, Mapping[str, Any]]
    unique: frozenset[tuple[str, str]]

    @classmethod
    async def of(cls, connection: Any, service: str) -> "Schema":
        tables: dict[str, dict[str, Any]] = {}
        for row in await connection.fetch(_COLUMNS, f'"{service}"', RUNTIME):
            tables.setdefault(row["table"], {})[row["column"]] = row
        unique = await connection.fetch(_UNIQUE, f'"{service}"', RUNTIME)
        return cls(tables=tables, unique=frozenset((row["table"], row["key"]) for row in unique))


def taken_away(before: Schema, after: Schema) -> Iterator[str]:
    """Say what code that was written for the schema before misses on the one after."""
    for table, columns in before.tables.items():
        if table not in after.tables:
            yield f"{table} is gone"
            continue
        for name, column in columns.items():
            yield from _changed(f"{table}.{name}", column, after.tables[table].get(name))
        for name, column in after.tables[table].items():
            if name not in columns and column["required"] and not column["given"]:
                yield f"{table}.{name} is new and needs a value"
    for table, key in before.unique - after.unique:
        if table in after.tables:
            yield f"{table} is not unique by {key} any more"


def _changed(place: str, before: Any, after: Any) -> Iterator[str]:
    if after is None:
        yield f"{place} is gone"
        return
    if after["type"] != before["type"]:
        yield f"{place} was {before['type']} and is {after['type']}"
    if after["required"] and not before["required"]:
        yield f"{place} must not be null any more"
    if before["given"] and not after["given"] and after["required"]:
        yield f"{place} lost its default"


def statements(schema: Schema) -> Iterator[str]:
    """Yield what the table layer reads, inserts and updates rows by, as it would of a dataclass with these columns."""
    for name, columns in schema.tables.items():
        key = tuple(column for column, row in columns.items() if row["key"])
        if not key:
            continue
        row_type = dataclasses.make_dataclass(
            "Row", [(column, _TYPES.get(row["type"], str)) for column, row in columns.items()]
        )
        table: Table[Any, Any] = Table(
            row_type,
            name,
            key=key,
            changing=[column for column, row in columns.items() if column not in key and not row["generated"]],
            sql_types={column: row["type"] for column, row in columns.items()},
        )
        yield f"SELECT {table.selected} FROM {table.quoted} FOR UPDATE"
        written = [column for column, row in columns.items() if not ((row["key"] and row["given"]) or row["generated"])]
        places = ", ".join(f"${at}" for at in range(1, len(written) + 1))
        unless_there = f"ON CONFLICT ({table.key}) DO NOTHING"
        yield f"INSERT INTO {table.quoted} ({', '.join(written)}) VALUES ({places}) {unless_there}"
        if table._update:
            yield table._update


async def refused(connection: Any, schema: Schema) -> list[str]:
    """Return the statements that PostgreSQL does not prepare, each with its reason."""
    reasons = []
    for statement in statements(schema):
        try:
            # What is prepared outside of a transaction keeps its locks until the next statement.
            async with connection.transaction():
                await connection.prepare(statement)
        except asyncpg.PostgresError as error:
            reasons.append(f"{statement}: {error}")
    return reasons


@asynccontextmanager
async def empty_schema(stack: Endpoints, service: str) -> AsyncIterator[tuple[str, Any]]:
    """A database with the service's schema and nothing in it: its administrator's URL, and a connection."""
    url = await databases.make_template(stack.postgres, [])
    await migrate.init(url, [service])
    connection = await asyncpg.connect(url, server_settings={"search_path": service}, statement_cache_size=0)
    try:
        yield url, connection
    finally:
        await connection.close()


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def migration(service: str, revision: str) -> ModuleType:
    [path] = migrations_of(service).glob(f"{revision}_*.py")
    return module_of(path)


@pytest.mark.parametrize("service", schema_names())
async def test_what_a_migration_takes_away_from_the_build_before_it_is_said(stack: Endpoints, service: str) -> None:
    async with empty_schema(stack, service) as (url, connection):
        first, *others = revisions_of(service)
        await migrate.migrate(url, [service], target=first)
        before = await Schema.of(connection, service)
        assert await refused(connection, before) == []
        for revision in others:
            await migrate.migrate(url, [service], target=revision)
            after = await Schema.of(connection, service)
            missed = [*taken_away(before, after), *await refused(connection, before)]
            said = migration(service, revision)
            if getattr(said, "expands", False):
                assert missed == [], f"{revision} says that it expands"
            elif number_of(revision) > BEFORE_THE_RULE.get(service, 0) and missed:
                assert getattr(said, "contracts", ""), f"{revision} has to say in `contracts` when: {missed}"
            assert set(TAKEN_AWAY.get(revision, ())) <= set(missed)
            before = after


BASE = "CREATE TABLE thing (thing_id text PRIMARY KEY, size bigint NOT NULL DEFAULT 1, word text, UNIQUE (word))"


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ("ALTER TABLE thing ADD COLUMN more text", []),
        ("ALTER TABLE thing ADD COLUMN more bigint NOT NULL DEFAULT 0", []),
        ("ALTER TABLE thing ADD CONSTRAINT small CHECK (size < 100) NOT VALID", []),
        ("CREATE TABLE other (other_id text PRIMARY KEY)", []),
        ("ALTER TABLE thing DROP COLUMN size", ["thing.size is gone"]),
        ("ALTER TABLE thing RENAME COLUMN size TO extent", ["thing.size is gone"]),
        ("ALTER TABLE thing RENAME TO item", ["thing is gone"]),
        ("ALTER TABLE thing ADD COLUMN more bigint NOT NULL", ["thing.more is new and needs a value"]),
        ("ALTER TABLE thing ALTER COLUMN word SET NOT NULL", ["thing.word must not be null any more"]),
        ("ALTER TABLE thing ALTER COLUMN size DROP DEFAULT", ["thing.size lost its default"]),
        ("ALTER TABLE thing ALTER COLUMN word TYPE bytea USING NULL", ["thing.word was text and is bytea"]),
        ("ALTER TABLE thing DROP CONSTRAINT thing_word_key", ["thing is not unique by btree (word) any more"]),
    ],
)
async def test_what_old_code_misses_is_found(probe_template: str, change: str, missed: list[str]) -> None:
    async with databases.database(probe_template) as url:
        connection = await asyncpg.connect(
            databases.admin_url_of(probe_template, url),
            server_settings={"search_path": "probe"},
            statement_cache_size=0,
        )
        await connection.execute(BASE)
        before = await Schema.of(connection, "probe")
        await connection.execute(change)
        assert list(taken_away(before, await Schema.of(connection, "probe"))) == missed
        unprepared = await refused(connection, before)
        assert bool(unprepared) is any("is gone" in line or "is bytea" in line for line in missed)
        await connection.close()
