"""A table whose columns are named once, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations
from pathlib import Path

import pytest
from asyncpg import Record

from paykit.base.errors import DefectError
from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paykit.postgres.table import ALIKE_ROWS_MIN, Table, where
from paykit.process.runtime import Runtime
from paykit.testing import runtimes
from tests import probe

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brick:
    brick_id: str
    owner: str
    number: int
    colour: Colour
    shade: Colour | None = None
    note: str | None = None
    create_time: datetime = NOON
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    owner: str | None = None
    colour: Colour | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None


bricks: Table[str, Brick] = Table(
    Brick, "brick", key="brick_id", changing=("colour", "shade", "note"), without=("marks",)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    owner: str
    number: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubledWall(Wall):
    doubled: int = 0


walls: Table[tuple[str, int], Wall] = Table(Wall, "wall", key=("owner", "number"), changing=("height",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    length: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    tile_id: str
    size: Size
    holes: tuple[int, ...] | None = None
    marks: frozenset[str] = frozenset()


tiles: Table[str, Tile] = Table(
    Tile,
    "tile",
    key="tile_id",
    changing=("size", "holes"),
    sql_types={"width": "numeric", "marks": "text", "edges": "text[]"},
    readers={"width": int, "marks": lambda text: frozenset(text.split())},
    writers={"marks": lambda tile: " ".join(sorted(tile.marks)), "edges": lambda tile: [f"e{tile.size.length}"] * 2},
)


def brick(brick_id: str, *, owner: str = "o1", number: int = 1, colour: Colour = Colour.RED, minutes: int = 0) -> Brick:
    moment = NOON + timedelta(minutes=minutes)
    return Brick(brick_id=brick_id, owner=owner, number=number, colour=colour, create_time=moment)


@pytest.fixture
async def runtime(probe_url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    service = replace(probe.SERVICE, locks=("brick", "wall", "tile"))
    async with runtimes.runtime(service, probe_url, cache_dir=tmp_path) as made:
        yield made


async def make_tables(tx: Tx) -> None:
    """For this transaction only: temporary tables stand before the schema's in the search path."""
    await tx.fetch(
        "CREATE TEMPORARY TABLE brick (brick_id text PRIMARY KEY, owner text NOT NULL, number bigint NOT NULL, "
        "colour text NOT NULL, shade text, note text, create_time timestamptz NOT NULL, UNIQUE (owner, number)) "
        "ON COMMIT DROP"
    )
    await tx.fetch(
        "CREATE TEMPORARY TABLE wall (owner text, number bigint, height bigint, PRIMARY KEY (owner, number)) "
        "ON COMMIT DROP"
    )
    await tx.fetch(
        "CREATE TEMPORARY TABLE tile (tile_id text PRIMARY KEY, length bigint, width numeric, holes bigint[], "
        "marks text, edges text[]) "
        "ON COMMIT DROP"
    )


async def test_rows_come_back_as_they_were_written(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        first = replace(brick("b1"), shade=Colour.BLUE, note="n")
        await bricks.insert(tx, [brick("b2", number=2), first])
        assert await bricks.by_key(tx, ["b1", "b2", "b9"]) == {"b1": first, "b2": brick("b2", number=2)}
        assert await bricks.get(tx, "b9") is None

    await runtime.transaction(work)


ODD_TEXTS = ("", "NULL", "null", 'say "no"', "back\\slash", "{a,b}", ",", " ", "\t\n", "née 漢字 🂡", '\\"', "$1", "'")


async def test_whatever_stands_in_a_text_comes_back(runtime: Runtime) -> None:
    rows = [replace(brick(f"b{at}", number=at), owner=text, note=text) for at, text in enumerate(ODD_TEXTS, 10)]
    rows.append(brick("b99", number=99))  # Has no note.

    async def work(tx: Tx) -> None:
        await make_tables(tx)
        assert len(await bricks.insert_absent(tx, rows, unique=("owner", "number"))) == len(rows)
        assert await bricks.by_key(tx, [row.brick_id for row in rows]) == {row.brick_id: row for row in rows}
        changed = [replace(row, note=row.note and f"{row.note}~{row.note}") for row in rows]
        await bricks.update(tx, changed)
        assert await bricks.by_key(tx, [row.brick_id for row in rows]) == {row.brick_id: row for row in changed}

    await runtime.transaction(work)


async def test_locked_rows_are_written_back_by_the_columns_that_change(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await bricks.insert(tx, [brick("b1"), brick("b2", number=2)])
        rows = await bricks.lock(tx, ["b2", "b1", "b2", "b9"])
        assert list(rows) == ["b1", "b2"]
        rows.put(replace(rows["b2"], colour=Colour.BLUE, note="x", number=77))
        rows.add(brick("b3", number=3))
        await tx.save(rows)
        assert await bricks.by_key(tx, ["b2"]) == {
            "b2": replace(brick("b2", number=2), colour=Colour.BLUE, note="x")  # Its number is not among what changes.
        }
        assert "b3" in await bricks.by_key(tx, ["b3"])

    await runtime.transaction(work)


async def test_an_update_of_a_row_that_is_not_there_or_came_twice_is_a_defect(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await bricks.insert(tx, [brick("b1")])
        with pytest.raises(InvariantError, match="0 of 1 rows of brick"):
            await bricks.update(tx, [brick("b9")])
        with pytest.raises(InvariantError, match="1 of 2 rows of brick"):
            await bricks.update(tx, [brick("b1"), brick("b1")])

    await runtime.transaction(work)


async def test_of_rows_with_one_unique_key_the_first_goes_in_and_the_others_stay_out(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await bricks.insert(tx, [brick("b0", number=5)])
        given = [brick("b3", number=2), brick("b2", number=1), brick("b1", number=1), brick("b4", number=5)]
        assert await bricks.insert_absent(tx, given, unique=("owner", "number")) == ["b2", "b3"]
        assert await bricks.insert_absent(tx, [brick("b2", number=9)]) == []
        assert await bricks.insert_absent(tx, []) == []

    await runtime.transaction(work)


async def test_a_unique_key_may_be_one_of_some_rows_only(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await tx.fetch("CREATE UNIQUE INDEX ON brick (note) WHERE colour = 'RED'")
        await bricks.insert(tx, [replace(brick("b1"), note="n"), replace(brick("b2", number=2), note="m")])
        given = [
            replace(brick("b3", number=3), note="n"),
            replace(brick("b4", number=4, colour=Colour.BLUE), note="n"),
            replace(brick("b5", number=5), note="k"),
        ]
        assert await bricks.insert_absent(tx, given, unique=("note",), where="colour = 'RED'") == ["b5", "b4"]

    await runtime.transaction(work)


async def test_what_rows_inserted_together_share_is_sent_once_and_must_be_alike(runtime: Runtime) -> None:
    of_one_moment: Table[str, Brick] = Table(
        Brick, "brick", key="brick_id", without=("marks",), shared=("create_time", "shade")
    )

    async def work(tx: Tx) -> None:
        await make_tables(tx)
        pair = [replace(brick(f"b{n}", number=n), shade=Colour.BLUE) for n in (1, 2)]
        assert await of_one_moment.insert_absent(tx, pair) == ["b1", "b2"]
        assert await of_one_moment.by_key(tx, ["b1", "b2"]) == {row.brick_id: row for row in pair}
        with pytest.raises(DefectError, match="rows of brick inserted together differ in one of create_time, shade"):
            await of_one_moment.insert_absent(tx, [brick("b3", number=3), brick("b4", number=4, minutes=1)])

    await runtime.transaction(work)


def _differing(brick: Brick, number: int) -> Brick:
    """Return a brick that is like no other of another number in any column."""
    return replace(
        brick,
        owner=f"o{number}",
        colour=[*Colour][number % 2],
        shade=[*Colour][number // 2 % 2],
        note=f'"{number}\\',
        create_time=NOON + timedelta(seconds=number),
    )


def _varied(names: frozenset[str], none: frozenset[str], count: int) -> list[Brick]:
    """Return bricks that differ in these columns, have nothing in those, and are alike in all others."""
    alike = replace(brick("b"), shade=Colour.BLUE, note="{n}")
    rows = []
    for number in range(count):
        own = _differing(alike, number)
        differing = {name: getattr(own, name) for name in names} | dict.fromkeys(none)
        rows.append(replace(alike, brick_id=f"b{number:03}", number=number, **differing))
    return rows


async def test_many_rows_come_back_whatever_they_have_alike(runtime: Runtime) -> None:
    columns = ("owner", "colour", "shade", "note", "create_time")
    sets = [frozenset(some) for size in range(6) for some in combinations(columns, size)]
    cases = [(names, none) for names in sets for none in sets if none <= {"shade", "note"} - names]

    async def work(tx: Tx) -> None:
        await make_tables(tx)
        for names, none in cases:
            for count in (ALIKE_ROWS_MIN - 1, ALIKE_ROWS_MIN):
                rows = _varied(names, none, count)
                assert await bricks.insert_absent(tx, rows) == [row.brick_id for row in rows]
                found = await bricks.by_key(tx, [row.brick_id for row in rows])
                assert found == {row.brick_id: row for row in rows}, (names, none, count)
                await tx.run("DELETE FROM brick")

    assert len(cases) == 8 * 9
    await runtime.transaction(work)


async def test_what_many_rows_have_alike_is_sent_once(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[object, ...]] = []
    fetch = Tx.fetch

    async def noted(tx: Tx, sql: str, *args: object) -> list[Record]:
        sent.append(args)
        return await fetch(tx, sql, *args)

    async def work(tx: Tx) -> None:
        await make_tables(tx)
        monkeypatch.setattr(Tx, "fetch", noted)
        count = ALIKE_ROWS_MIN
        await bricks.insert_absent(tx, _varied(frozenset({"note"}), frozenset({"shade"}), count))
        await walls.insert_absent(tx, [Wall(owner="o", number=n, height=7) for n in range(count)])
        await tiles.insert_absent(tx, [Tile(tile_id=f"t{n}", size=Size(length=1, width=2)) for n in range(count)])

    await runtime.transaction(work)
    once = [[each for each in args if not isinstance(each, list) and str(each)[:1] != "{"] for args in sent]
    # Nothing of a key, and no array of arrays; what none has is not sent at all.
    assert once == [["o1", "RED", NOON], [7], [1, 2, ""]]
    assert [len(args) - len(own) for args, own in zip(sent, once, strict=True)] == [3, 2, 2]


async def test_a_page_is_of_the_newest_and_the_next_begins_after_it(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        numbered = [brick(f"b{n}", number=n, minutes=n // 2) for n in range(6)]
        await bricks.insert(tx, [*numbered, brick("x", owner="o2"), brick("y", number=9, colour=Colour.BLUE)])
        equal, red = ("owner", "colour"), Selection(owner="o1", colour=Colour.RED)
        first = await bricks.page(tx, red, equal=equal, after=None, limit=4)
        assert [row.brick_id for row in first] == ["b5", "b4", "b3", "b2"]
        after = (first[-1].create_time, "b2")
        second = await bricks.page(tx, red, equal=equal, after=after, limit=4)
        assert [row.brick_id for row in second] == ["b1", "b0"]
        times = replace(
            red, create_time_min=NOON + timedelta(minutes=1), create_time_before=NOON + timedelta(minutes=2)
        )
        assert [row.brick_id for row in await bricks.page(tx, times, equal=equal, after=None, limit=9)] == ["b3", "b2"]
        assert len(await bricks.page(tx, Selection(), equal=equal, after=None, limit=100)) == 8
        odd = ("number % {} = 1", 2)
        page = await bricks.page(tx, red, equal=equal, after=(NOON, "z"), limit=9, condition=odd)
        assert [row.brick_id for row in page] == ["b1"]

    await runtime.transaction(work)


def test_conditions_are_joined_and_those_that_are_not_set_left_out() -> None:
    bounds = (("owner = {}", "o1"), ("colour = {}", None), ("(number, brick_id) < ({}, {})", 7, "b7"))
    assert where(*bounds) == ("owner = $1 AND (number, brick_id) < ($2, $3)", ["o1", 7, "b7"])
    assert where(("owner = {}", None)) == ("true", [])


async def test_a_key_of_several_columns_is_a_tuple(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await walls.insert(tx, [Wall(owner="o1", number=n, height=n) for n in (1, 2)])
        rows = await walls.lock(tx, [("o1", 2), ("o2", 2)])
        rows.put(replace(rows["o1", 2], height=9))
        await tx.save(rows)
        assert await walls.by_key(tx, [("o1", 1), ("o1", 2)]) == {
            ("o1", 1): Wall(owner="o1", number=1, height=1),
            ("o1", 2): Wall(owner="o1", number=2, height=9),
        }

    await runtime.transaction(work)


async def test_a_field_that_is_a_dataclass_stands_for_its_fields_and_arrays_may_differ_in_length(
    runtime: Runtime,
) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        small, large = Size(length=1, width=2), Size(length=3, width=10**30)
        await tiles.insert(tx, [Tile(tile_id="t1", size=small), Tile(tile_id="t2", size=small, holes=(1,))])
        assert await tiles.insert_absent(tx, [Tile(tile_id="t3", size=small, holes=())]) == ["t3"]
        rows = await tiles.lock(tx, ["t1", "t2", "t3"])
        assert [row.holes for row in rows.values()] == [None, (1,), ()]
        changed = [
            Tile(tile_id="t1", size=large, holes=(4, 5, 6)),
            Tile(tile_id="t2", size=small),
            Tile(tile_id="t3", size=large, holes=(7,)),
        ]
        for tile in changed:
            rows.put(tile)
        await tx.save(rows)
        assert await tiles.by_key(tx, ["t1", "t2", "t3"]) == {tile.tile_id: tile for tile in changed}

    await runtime.transaction(work)


async def test_a_column_that_is_no_attribute_is_made_of_the_row(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        marked = Tile(tile_id="t1", size=Size(length=1, width=2), marks=frozenset({"b", "a"}))
        await tiles.insert(tx, [marked])
        assert await tiles.insert_absent(tx, [replace(marked, tile_id="t2"), marked]) == ["t2"]
        assert await tiles.by_key(tx, ["t1", "t2"]) == {"t1": marked, "t2": replace(marked, tile_id="t2")}
        rows = await tx.fetch("SELECT marks, edges FROM tile")
        assert [tuple(row) for row in rows] == [("a b", ["e1", "e1"])] * 2

    await runtime.transaction(work)


async def test_what_another_row_guards_is_read_without_a_lock_and_written_once(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await bricks.insert(tx, [brick("b1"), brick("b2", number=2)])
        await walls.lock(tx, [("o1", 1)])
        rows = await bricks.guarded(tx, {"b1", "b9"})  # A lock on a brick would come after the wall's.
        assert list(rows) == ["b1"]
        rows.put(replace(rows["b1"], note="x"))
        rows.put(replace(rows["b1"], colour=Colour.BLUE))
        await tx.save(rows)
        assert await bricks.by_key(tx, ["b1"]) == {"b1": replace(brick("b1"), colour=Colour.BLUE, note="x")}
        assert list(await bricks.guarded(tx, [])) == []

    await runtime.transaction(work)


async def test_a_computed_column_is_read_and_never_written(runtime: Runtime) -> None:
    doubled: Table[tuple[str, int], DoubledWall] = Table(
        DoubledWall, "wall", key=("owner", "number"), changing=("height",), computed={"doubled": "height * 2"}
    )

    async def work(tx: Tx) -> None:
        await make_tables(tx)
        wall = DoubledWall(owner="o1", number=1, height=3, doubled=99)
        await doubled.insert(tx, [wall])
        rows = await doubled.lock(tx, [("o1", 1)])
        assert rows["o1", 1] == replace(wall, doubled=6)
        rows.put(replace(rows["o1", 1], height=5))
        await tx.save(rows)
        assert await doubled.get(tx, ("o1", 1)) == replace(wall, height=5, doubled=10)

    await runtime.transaction(work)


async def test_zeros_are_left_out_of_the_row_however_it_is_written_and_read_of_old_rows_too(runtime: Runtime) -> None:
    flat: Table[tuple[str, int], Wall] = Table(
        Wall, "wall", key=("owner", "number"), changing=("height",), zeros=("height",)
    )

    async def heights(tx: Tx) -> list[int | None]:
        return [row[0] for row in await tx.fetch("SELECT height FROM wall ORDER BY number")]

    async def work(tx: Tx) -> None:
        await make_tables(tx)
        rows = [Wall(owner="o1", number=number, height=height) for number, height in ((1, 0), (2, 7), (3, 0), (4, 8))]
        await flat.insert(tx, rows[:2])
        assert await flat.insert_absent(tx, rows[2:]) == [("o1", 3), ("o1", 4)]
        assert await heights(tx) == [None, 7, None, 8]
        await tx.run("UPDATE wall SET height = 0 WHERE number = 3")
        found = await flat.by_key(tx, [("o1", number) for number in range(1, 5)])
        assert [found["o1", number] for number in range(1, 5)] == rows
        locked = await flat.lock(tx, [("o1", 1), ("o1", 4)])
        locked.put(replace(locked["o1", 1], height=2))
        locked.put(replace(locked["o1", 4], height=0))
        await tx.save(locked)
        assert await heights(tx) == [2, 7, 0, None]

    await runtime.transaction(work)


async def test_a_lock_out_of_rank_is_a_defect_and_a_step_of_its_own_begins_anew(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        await bricks.lock(tx, ["b1"])
        await walls.lock(tx, [("o1", 1)])
        await walls.lock(tx, [("o1", 0)])
        with pytest.raises(DefectError, match="brick locked after wall, against the declared lock order"):
            await bricks.lock(tx, ["b1"])
        with pytest.raises(DefectError, match="counter has no place in the service's declared lock order"):
            await tx.lock("counter", "SELECT 1 FOR UPDATE")
        tx.restart_lock_order()
        await bricks.lock(tx, ["b1"])

    await runtime.transaction(work)


async def fail_within_a_savepoint(tx: Tx) -> None:
    async with tx.savepoint():
        rows = await walls.lock(tx, [])
        rows.add(Wall(owner="o1", number=1, height=1))
        raise ZeroDivisionError


async def test_a_savepoint_that_is_taken_back_takes_its_locks_and_its_units_of_work_back(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        with pytest.raises(ZeroDivisionError):
            await fail_within_a_savepoint(tx)
        await bricks.lock(tx, ["b1"])

    await runtime.transaction(work)


async def test_a_transaction_that_forgot_to_save_does_not_commit(runtime: Runtime) -> None:
    async def work(tx: Tx) -> None:
        await make_tables(tx)
        bricks.rows(tx).add(brick("b1"))

    with pytest.raises(DefectError, match="without saving"):
        await runtime.transaction(work)
