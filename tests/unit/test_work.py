"""The unit of work: rows folded in memory, each written once, and refusals that concern their own item."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from paykit.errors import DomainError, Kind
from paykit.work import Rows, fold, kept


class Unlucky(DomainError):
    kind = Kind.FAILED_PRECONDITION
    reason = "UNLUCKY"


@dataclass(frozen=True)
class Jar:
    jar_id: str
    beans: int = 0


@dataclass
class Shelf:
    """Keeps what was written, statement by statement."""

    written: list[tuple[str, list[Jar]]] = field(default_factory=list)

    def key_of(self, row: Jar, /) -> str:
        return row.jar_id

    async def insert(self, _tx: Any, rows: Sequence[Jar], /) -> None:
        self.written.append(("insert", list(rows)))

    async def update(self, _tx: Any, rows: Sequence[Jar], /) -> None:
        self.written.append(("update", list(rows)))


def jars(shelf: Shelf) -> Rows[str, Jar]:
    return Rows(shelf, {"b": Jar("b"), "a": Jar("a"), "c": Jar("c")})


async def test_rows_are_written_once_in_the_order_of_their_keys_and_untouched_ones_not_at_all() -> None:
    shelf = Shelf()
    rows = jars(shelf)
    rows.put(Jar("b", 1))
    rows.put(replace(rows["b"], beans=5))
    rows.put(Jar("a", 2))
    rows.add(Jar("z", 1))
    rows.add(Jar("d"))
    rows.put(Jar("d", 7))
    assert rows.unsaved
    await rows.save(None)
    assert shelf.written == [("insert", [Jar("d", 7), Jar("z", 1)]), ("update", [Jar("a", 2), Jar("b", 5)])]
    assert not rows.unsaved


async def test_what_changes_after_a_save_is_written_by_the_next() -> None:
    shelf = Shelf()
    rows = jars(shelf)
    rows.add(Jar("d"))
    await rows.save(None)
    rows.put(Jar("d", 3))
    await rows.save(None)
    assert shelf.written[2:] == [("insert", []), ("update", [Jar("d", 3)])]


def test_new_rows_are_told_as_they_come() -> None:
    told: list[str] = []
    rows = Rows(Shelf(), {"a": Jar("a")}, on_new=told.append)
    rows.put(Jar("a", 1))
    rows.add(Jar("b"))
    assert told == ["b"]


def test_a_row_that_is_required_and_missing_is_refused_by_its_key() -> None:
    rows = jars(Shelf())
    assert rows.require("a", lambda key: Unlucky(f"no {key}")) == Jar("a")
    with pytest.raises(Unlucky, match="no x"):
        rows.require("x", lambda key: Unlucky(f"no {key}"))


def test_a_refusal_is_the_result_of_its_item_and_the_others_go_on() -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise Unlucky(f"{number} is odd")
        return number // 2

    refused = Unlucky("earlier")
    items: list[int | DomainError] = [4, 3, refused, 10]
    results = fold(items, halve)
    assert results[0] == 2
    assert str(results[1]) == "3 is odd"
    assert results[2] is refused
    assert results[3] == 5
    assert kept(results) == [2, 5]


def test_what_is_no_refusal_ends_the_fold() -> None:
    with pytest.raises(ZeroDivisionError):
        fold([1, 0], lambda number: 1 // number)
