"""A second set of a service's projections, in a schema of its own that exists only while they are rebuilt.

The runtime's tables stand beside them, so that events are parked, remembered and refused as in the live schema. All of
it is done by an administrator in the role of the schema's owner.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from paykit.base.errors import RebuildFailedError
from paykit.consume.store.parked_events import SWEEP_LOCK
from paykit.postgres.connecting import CONNECT_TIMEOUT_S, address_of

RUNTIME_TABLES = ("outbox", "inbox", "consumer_offset", "dead_letter", "parked_event", "skipped_event")
LOCK_WAIT_MS = 10_000
"""How long a statement here waits for the live service to let go of a row or a table."""
STANDSTILL_MS_MAX = 30_000
"""After this PostgreSQL ends a session that holds the live service up and does nothing."""
_ADVISORY_SPACE = 0x7061_7273

_TRY_LOCK = "SELECT pg_try_advisory_lock($1, hashtext($2))"

_SWEEP_LOCK = "SELECT pg_advisory_xact_lock($1, hashtext($2))"

_COLUMNS = """
SELECT a.attname AS name, a.attgenerated <> '' AS generated, a.attidentity <> '' AS identity,
    coalesce(a.attnum = ANY(i.indkey::smallint[]), false) AS key
FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

_USER_TRIGGERS = "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal)"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A row that differs.

    Attributes:
        key: The columns of the primary key, as in `merchant_id=mer_1`.
        live: The row as JSON; None where the live table does not have it.
        rebuilt: The same, of the rebuilt table.
    """

    table: str
    key: str
    live: str | None
    rebuilt: str | None


@dataclass(frozen=True, kw_only=True)
class Swapped:
    """What replacing a table's rows came to; rows that were right stay untouched."""

    written: int
    removed: int


@dataclass(frozen=True, kw_only=True)
class _Table:
    name: str
    live: str
    rebuilt: str
    columns: Sequence[Any]

    @property
    def keys(self) -> list[str]:
        return [_quoted(column["name"]) for column in self.columns if column["key"]]

    @property
    def stored(self) -> str:
        return ", ".join(_quoted(column["name"]) for column in self.columns if not column["generated"])

    def matched(self) -> str:
        return " AND ".join(f"live_row.{key} = rebuilt_row.{key}" for key in self.keys)


class Shadow:
    """The schema `<service>_rebuild`; made by `opened`.

    Attributes:
        service: The name of the service, which is the live schema's as well.
        schema: The shadow's name.
    """

    def __init__(self, connection: Any, admin_url: str, *, service: str, tables: Sequence[str]) -> None:
        self._connection = connection
        self._admin_url = admin_url
        self.service = service
        self._names = tables
        self.schema = f"{service}_rebuild"

    async def create(self) -> None:
        """Make the schema, empty; what an earlier rebuild left behind is dropped."""
        role = f"paystream_{self.service}"
        await self.drop()
        async with self._connection.transaction():
            await self._connection.execute(f'CREATE SCHEMA "{self.schema}" AUTHORIZATION "{role}_owner"')
            await self._connection.execute(f'SET LOCAL ROLE "{role}_owner"')
            for name in (*self._names, *RUNTIME_TABLES):
                # Unlogged: a crash loses it, and it is made anew anyhow.
                await self._connection.execute(
                    f'CREATE UNLOGGED TABLE "{self.schema}"."{name}" (LIKE "{self.service}"."{name}" INCLUDING ALL)'
                )
            await self._connection.execute(f'GRANT USAGE ON SCHEMA "{self.schema}" TO "{role}"')
            await self._connection.execute(
                f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{self.schema}" TO "{role}"'
            )

    async def drop(self) -> None:
        """Drop the schema with all in it."""
        await self._connection.execute(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE')

    @asynccontextmanager
    async def standstill(self) -> AsyncIterator[Any]:
        """Keep the live service from applying any event; the connection that holds it up, as the owner.

        Its consumers wait for their offsets, its sweep of parked events for the advisory lock, and whoever replays a
        dead letter for the table; what each was doing has been committed when this begins.

        Raises:
            RebuildFailedError: A lock was not given in LOCK_WAIT_MS.
        """
        try:
            async with self._connection.transaction():
                await self._hold_up()
                yield self._connection
        except asyncpg.LockNotAvailableError as error:
            raise RebuildFailedError(f"{self.service} holds its tables for too long: {error}") from error

    async def _hold_up(self) -> None:
        await self._connection.execute(
            f'SET LOCAL ROLE "paystream_{self.service}_owner"; SET LOCAL search_path = "{self.service}"; '
            f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {STANDSTILL_MS_MAX}"
        )
        await self._connection.execute("SELECT FROM consumer_offset ORDER BY topic, partition FOR UPDATE")
        await self._connection.execute(_SWEEP_LOCK, SWEEP_LOCK, self.service)
        await self._connection.execute("LOCK TABLE dead_letter IN EXCLUSIVE MODE")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """A connection that sees both schemas as they are now for as long as the block lasts."""
        async with (
            _connected(self._admin_url) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(
                f'SET LOCAL ROLE "paystream_{self.service}_owner"; SET LOCAL search_path = "{self.service}"'
            )
            await connection.execute("SELECT 1")  # The first query takes the snapshot.
            yield connection

    async def first_difference(self, connection: Any) -> Difference | None:
        """Compare every table, in the order of declaration and of keys."""
        for table in await self._tables(connection):
            rows = await connection.fetch(_difference(table))
            if rows:
                return Difference(
                    table=table.name, key=rows[0]["key"], live=rows[0]["live"], rebuilt=rows[0]["rebuilt"]
                )
        return None

    async def count(self, connection: Any) -> dict[str, int]:
        """Count the rebuilt rows of each table."""
        tables = await self._tables(connection)
        return {table.name: await connection.fetchval(f"SELECT count(*) FROM {table.rebuilt}") for table in tables}

    async def swap(self, connection: Any) -> dict[str, Swapped]:
        """Make the live rows equal to the rebuilt ones, in the transaction of the connection."""
        tables = await self._tables(connection)
        guarded = [table for table in tables if await connection.fetchval(_USER_TRIGGERS, table.live)]
        # Guards judge how a row may change step by step; here a wrong row becomes the right one at once.
        for table in guarded:
            await connection.execute(f"ALTER TABLE {table.live} DISABLE TRIGGER USER")
        # In the order that keys between the tables ask for: what refers to others goes first and comes last.
        removed = {table.name: _rows(await connection.execute(_removal(table))) for table in reversed(tables)}
        written = {table.name: _rows(await connection.execute(_writing(table))) for table in tables}
        for table in guarded:
            await connection.execute(f"ALTER TABLE {table.live} ENABLE TRIGGER USER")
        return {name: Swapped(written=written[name], removed=removed[name]) for name in written}

    async def _tables(self, connection: Any) -> list[_Table]:
        return [await self._table(connection, name) for name in self._names]

    async def _table(self, connection: Any, name: str) -> _Table:
        live = f'"{self.service}"."{name}"'
        columns = await connection.fetch(_COLUMNS, live)
        table = _Table(name=name, live=live, rebuilt=f'"{self.schema}"."{name}"', columns=columns)
        if not table.keys:
            raise RebuildFailedError(f"the projection {name} has no primary key to compare its rows by")
        return table


@asynccontextmanager
async def opened(admin_url: str, *, service: str, tables: Sequence[str]) -> AsyncIterator[Shadow]:
    """Make the shadow of a service's projections, and drop it at the end, however that comes.

    Raises:
        RebuildFailedError: There is one already, or a table cannot be compared.
    """
    async with _connected(admin_url) as connection:
        if not await connection.fetchval(_TRY_LOCK, _ADVISORY_SPACE, service):
            raise RebuildFailedError(f"the projections of {service} are being rebuilt already")
        shadow = Shadow(connection, admin_url, service=service, tables=tables)
        try:
            await shadow.create()
            yield shadow
        finally:
            # A session that was lost cannot drop it; the next rebuild does.
            with contextlib.suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
                await asyncio.shield(shadow.drop())


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(
        **address_of(url), timeout=CONNECT_TIMEOUT_S, server_settings={"timezone": "UTC"}
    )
    try:
        yield connection
    finally:
        await connection.close()


def _difference(table: _Table) -> str:
    """Compare as text, which every type has and which hides nothing."""
    first = table.keys[0]
    shown = ", ".join(f"'{key}=' || coalesce(live_row.{key}, rebuilt_row.{key})" for key in table.keys)
    order = ", ".join(f"coalesce(live_row.{key}, rebuilt_row.{key})" for key in table.keys)
    return f"""
SELECT replace(concat_ws(' ', {shown}), '"', '') AS key,
    CASE WHEN live_row.{first} IS NOT NULL THEN row_to_json(live_row)::text END AS live,
    CASE WHEN rebuilt_row.{first} IS NOT NULL THEN row_to_json(rebuilt_row)::text END AS rebuilt
FROM {table.live} AS live_row FULL JOIN {table.rebuilt} AS rebuilt_row ON {table.matched()}
WHERE live_row.{first} IS NULL OR rebuilt_row.{first} IS NULL OR live_row::text <> rebuilt_row::text
ORDER BY {order} LIMIT 1
"""


def _removal(table: _Table) -> str:
    return f"""
DELETE FROM {table.live} AS live_row
WHERE NOT EXISTS (SELECT FROM {table.rebuilt} AS rebuilt_row WHERE {table.matched()})
"""


def _writing(table: _Table) -> str:
    ordinary = [c for c in table.columns if not (c["key"] or c["generated"] or c["identity"])]
    changes = ", ".join(f"{_quoted(c['name'])} = excluded.{_quoted(c['name'])}" for c in ordinary)
    return f"""
INSERT INTO {table.live} ({table.stored}) OVERRIDING SYSTEM VALUE
SELECT {table.stored} FROM {table.rebuilt} AS rebuilt_row WHERE NOT EXISTS (
    SELECT FROM {table.live} AS live_row WHERE {table.matched()} AND live_row::text = rebuilt_row::text)
ON CONFLICT ({", ".join(table.keys)}) DO {f"UPDATE SET {changes}" if changes else "NOTHING"}
"""


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
