"""How PostgreSQL reads the pages of a list: by an index, in its order, with neither a scan nor a sort of a table."""

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import EXAMINED_ROWS_MAX, WALKING, ListFilter, Walk
from paykit.process.runtime import Runtime
from paykit.testing.runtimes import START

AFTER: TimeKey = (START, "x")
"""Where a page begins, in the middle of what is there."""
INDEXED = {"Index Scan", "Index Only Scan"}
READS_WHOLE = {"Seq Scan", "Bitmap Heap Scan", "Sort", "Incremental Sort"}
SORTS_MOMENTS = {"Incremental Sort"}
"""Of an index without the key, rows of one moment are sorted, and none of later ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How the rows of a list's own table are read, and what is done with them; the orders in which they come sorted."""

    index: str
    condition: str
    steps: frozenset[str]
    presorted: frozenset[str]


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def main_nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the steps that rows of the list come through, without those of conditions' own subqueries."""
    yield plan
    for below in plan.get("Plans", ()):
        if below["Parent Relationship"] not in {"InitPlan", "SubPlan"}:
            yield from main_nodes(below)


async def planned(tx: Tx, walk: Walk[Any], selection: ListFilter, *, after: TimeKey | None = AFTER) -> Planned:
    """Ask how a page would be read, by the plan that all values share, as services have it."""
    sql, args = walk.statement(selection, after=after, limit=51)
    await tx.fetch(f"PREPARE listing AS {sql}")  # Services have one plan for all values, and so has this.
    [row] = await tx.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE listing ({', '.join(['null'] * len(args))})")
    await tx.fetch("DEALLOCATE listing")
    steps = list(main_nodes(json.loads(row[0])[0]["Plan"]))
    read = [step for step in steps if step.get("Relation Name") == walk.table.name]
    assert len(read) == 1, steps
    return Planned(
        index=read[0].get("Index Name", ""),
        condition=read[0].get("Index Cond", ""),
        steps=frozenset(step["Node Type"] for step in steps),
        presorted=frozenset(key.rpartition(".")[2] for step in steps for key in step.get("Presorted Key", ())),
    )


def selections(base: ListFilter, scope: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield filters over a scope: none, each, each two and all of them, in both orders."""
    others = [name for name in values if name not in scope]
    chosen = [(), *itertools.combinations(others, 1), *itertools.combinations(others, 2), tuple(others)]
    for names, oldest_first in itertools.product(chosen, (False, True)):
        filters = dict(scope) | {name: values[name] for name in names} | {"oldest_first": oldest_first}
        yield dataclasses.replace(base, **filters)


async def assert_served(
    runtime: Runtime,
    walk: Walk[Any],
    base: ListFilter,
    *,
    indexes: Mapping[tuple[str, ...], str],
    values: Mapping[str, Any],
    without: frozenset[str] = frozenset(),
    only_with: str = "",
) -> None:
    """Assert that each scope with each combination of filters walks the index named for it.

    Args:
        runtime: Of the service; the table has rows and statistics.
        walk: Of the list.
        base: Selects all.
        indexes: By scope the index that is to serve it: all scopes of the walk, those with one row at most first.
        values: A value for each filter there is.
        without: Filters that this list does not have.
        only_with: The filter without which the scope that has no columns is not walked; empty where it always is.
    """
    scopes = [*walk.unique, *walk.scopes]
    assert list(indexes) == [tuple(scope) for scope in scopes]
    named = {field.name for field in dataclasses.fields(base)}
    assert named == {*values, *without, "oldest_first"}, "each filter has a value"

    async def look(tx: Tx) -> int:
        await tx.fetch(WALKING)
        seen = 0
        for columns, index in indexes.items():
            scope = {column: values[column] for column in columns}
            # With what is narrower beside it, another scope is walked.
            for selection in selections(base, scope, values):
                asked_for = columns or not only_with or getattr(selection, only_with) is not None
                if walk.scope(selection) != columns or not asked_for:
                    continue
                plan = await planned(tx, walk, selection)
                assert plan.index == index, (selection, plan)
                assert all(column in plan.condition for column in columns), (selection, plan)
                hashed = columns in walk.hashed
                assert not plan.steps & (READS_WHOLE - SORTS_MOMENTS if hashed else READS_WHOLE), (selection, plan)
                assert plan.presorted == ({walk.time} if hashed else set()), (selection, plan)
                assert plan.steps & INDEXED, plan
                seen += 1
        return seen

    assert await runtime.read(look) >= 10 * len(indexes)


async def multiply(admin_url: str, table: str, key: str, count: int, **changes: str) -> None:
    """Fill a table with copies of its one row, and bring its statistics up to date.

    Args:
        admin_url: Of the owner of the schema.
        table: As in `payment.refund`.
        key: Its primary key; of copies, its first four characters and their number, from 1 on.
        count: Copies.
        changes: SQL by column for what is another in each, where `n` is the number of the copy.
    """
    values = {
        key: f"left((one.old).{key}, 4) || lpad(to_hex(n), 32, '0')",
        "request_key": "null",
        "request_hash": "null",
    }
    pairs = ", ".join(f"'{column}', {value}" for column, value in (values | changes).items())
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("SET session_replication_role = replica")  # Copies need no triggers and no parents.
        sql = "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
        own = await connection.fetch(f"{sql} AND NOT attisdropped AND attgenerated = ''", table)
        columns = [row[0] for row in own]
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(f'(made.new).{each}' for each in columns)} "
            f"FROM (SELECT each AS old FROM {table} AS each LIMIT 1) AS one, generate_series(1, {count}) n, "
            f"LATERAL (SELECT jsonb_populate_record(one.old, jsonb_build_object({pairs})) AS new OFFSET 0) AS made"
        )
        await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()


async def fill(admin_url: str, table: str, count: int, **columns: str) -> None:
    """Fill a table with rows, and bring its statistics up to date.

    Args:
        admin_url: Of the owner of the schema.
        table: As in `payment.refund`.
        count: Rows.
        columns: SQL by column, where `n` is the number of the row, from 1 on; others have their defaults.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("SET session_replication_role = replica")  # Rows need no triggers and no parents.
        names, values = ", ".join(columns), ", ".join(columns.values())
        await connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {count}) n")
        await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()


async def walked_to_the_end(
    runtime: Runtime, walk: Walk[Any], selection: ListFilter, *, limit: int
) -> tuple[list[Any], int]:
    """Read a list page by page as a caller would; return the keys of what was found, and how many pages it took."""
    found: list[Any] = []
    after: TimeKey | None = None
    for pages in itertools.count(1):
        place = after
        page = await runtime.read(lambda tx: walk.page(tx, selection, after=place, limit=limit))  # noqa: B023
        found += page.rows
        if len(page.rows) == limit:
            last = page.rows[-1]
            after = (getattr(last, walk.time), walk.table.key_of(last))
        elif page.walked_to is None:
            return [walk.table.key_of(row) for row in found], pages
        else:
            after = page.walked_to
        assert pages <= 100
    raise AssertionError(EXAMINED_ROWS_MAX)
