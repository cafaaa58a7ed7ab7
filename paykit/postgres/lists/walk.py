"""Pages of a table, walked along an index in the order of a time, with a bound on the rows looked at for one page.

A list has more filters than there are indexes, as each index costs every write. The index gives what a list is of and
its order; other filters are looked at row by row. A page ends after EXAMINED_ROWS_MAX rows, however few of them were
wanted, and says how far it came: the next goes on from there. So every combination of filters is served, none by a scan
of the table, and no page costs more than that.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from paykit.base.errors import DefectError
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where

EXAMINED_ROWS_MAX = 10_000
"""Rows of the index that are looked at for one page: some 10 ms where they are in memory."""

# The plan is made once, for a merchant of average size. Of so few rows PostgreSQL would read and sort all, and go on
# to do so with a merchant that has millions.
WALKING = "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)

_SUFFIXES = {"_min": ">=", "_max": "<=", "_before": "<"}


class ListFilter(Protocol):
    """What a list selects: a dataclass whose attributes are named after columns; None is no filter.

    `<column>` is equal, `<column>_min` and `<column>_max` are bounds that belong to the range, `<column>_before` is one
    that does not.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @property
    def oldest_first(self) -> bool:
        """Whether the list begins with the oldest instead of the newest."""
        ...


@dataclass(frozen=True, slots=True)
class Found(Generic[Row_co]):
    """What was found for a page.

    Attributes:
        rows: In the order of the list.
        walked_to: The time and the key of the last row that was looked at, where the bound ended the page; None where
            `rows` are as many as wanted, or there are no more.
    """

    rows: Sequence[Row_co]
    walked_to: TimeKey | None


@dataclass(frozen=True, slots=True)
class Walk(Generic[Row]):
    """A way along the indexes of a table.

    Attributes:
        table: Its key is one column.
        scopes: The columns that an index has before the time and the key: the first of which the selection has all is
            walked, so what is narrow comes first. A scope without columns is the whole index.
        hashed: Those of the scopes whose columns stand in their index as hashes (`hash_of`), and the key not at all: a
            long text costs every write. Rows of one moment are sorted by the key as they are read.
        unique: Of columns that have one row at most. They go before the scopes, and there is no order to walk in.
        where: The condition of a partial index; empty for none.
        served_by: Of attributes that are no columns: a condition that an index serves, with the value as each `{}`.
        asked: Of attributes that are no columns: a condition that is asked of each row that is walked by.
        time: The column of the time that the index and the list are in the order of; it has a value in each row.
    """

    table: Table[str, Row]
    scopes: Sequence[Sequence[str]]
    hashed: Sequence[Sequence[str]] = ()
    unique: Sequence[Sequence[str]] = ()
    where: str = ""
    served_by: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    time: str = "create_time"

    async def page(self, tx: Tx, selection: ListFilter, *, after: TimeKey | None, limit: int) -> Found[Row]:
        """Read rows in the order of the list.

        Args:
            tx: The transaction, of one snapshot.
            selection: What is selected.
            after: The time and key after which the page begins.
            limit: Rows at most.
        """
        await tx.fetch(WALKING)
        sql, args = self.statement(selection, after=after, limit=limit)
        rows = [self.table.read(row) for row in await tx.fetch(sql, *args)]
        if len(rows) == limit or not self._looked_at(selection):
            return Found(rows, None)
        sql, args = self._bound(selection, after=after)
        last = await tx.fetch(sql, *args)
        return Found(rows, (last[0][0], last[0][1]) if last else None)

    def statement(self, selection: ListFilter, *, after: TimeKey | None, limit: int) -> tuple[str, list[Any]]:
        """Return the statement of a page and its arguments."""
        served, looked_at = self._served(selection, after), self._looked_at(selection)
        order, (walked, args) = self._order(selection), where(*served)
        source, filters = self.table.quoted, walked
        if looked_at:
            both, args = where(*served, *looked_at)
            filters = both.removeprefix(walked).removeprefix(" AND ")
            inner = f"SELECT * FROM {source} WHERE {self._all(walked)} {order} LIMIT {EXAMINED_ROWS_MAX}"
            source = f"({inner}) AS {source}"
        else:
            filters = self._all(walked)
        sql = f"SELECT {self.table.selected} FROM {source} WHERE {filters} {order} LIMIT ${len(args) + 1}"
        return sql, [*args, limit]

    def scope(self, selection: ListFilter) -> Sequence[str]:
        """Return the columns whose index is walked.

        Raises:
            DefectError: The selection has none of the scopes, which its contract does not allow.
        """
        for scope in (*self.unique, *self.scopes):
            if all(getattr(selection, column) is not None for column in scope):
                return scope
        raise DefectError(f"no index of {self.table.name} serves {selection}")

    def _bound(self, selection: ListFilter, *, after: TimeKey | None) -> tuple[str, list[Any]]:
        """Return the statement that reads where the walk ended, if it met its bound."""
        walked, args = where(*self._served(selection, after))
        key = f"{self.time}, {self.table.key}"
        sql = f"SELECT {key} FROM {self.table.quoted} WHERE {self._all(walked)} {self._order(selection)}"
        return f"{sql} OFFSET {EXAMINED_ROWS_MAX - 1} LIMIT 1", args

    def _served(self, selection: ListFilter, after: TimeKey | None) -> list[tuple[Any, ...]]:
        """Return what the index serves: its first columns, and the part of it that is left."""
        beyond, scope = ">" if selection.oldest_first else "<", self.scope(selection)
        equal = [(f"{column} = {{}}", getattr(selection, column)) for column in scope]
        if scope in self.hashed:
            equal += [(f"{hash_of(column)} = {hash_of('{}')}", getattr(selection, column)) for column in scope]
        return [
            *_conditions(self.served_by, selection),
            *equal,
            (f"{self.time} >= {{}}", getattr(selection, f"{self.time}_min", None)),
            (f"{self.time} < {{}}", getattr(selection, f"{self.time}_before", None)),
            (f"({self.time}, {self.table.key}) {beyond} ({{}}, {{}})", *(after or (None, None))),
        ]

    def _all(self, walked: str) -> str:
        """Return what is walked, with the condition of a partial index, which the planner has to see."""
        return f"{self.where} AND {walked}" if self.where else walked

    def _looked_at(self, selection: ListFilter) -> list[tuple[Any, ...]]:
        """Return what is asked of each row that is walked by."""
        served = {*self.scope(selection), f"{self.time}_min", f"{self.time}_before", "oldest_first"}
        served |= {*self.served_by, *self.asked}
        names = [each.name for each in dataclasses.fields(selection) if each.name not in served]
        values = [(name, getattr(selection, name)) for name in names]
        compared = [(_comparison(name, value), value) for name, value in values if value is not None]
        return [*compared, *_conditions(self.asked, selection)]

    def _order(self, selection: ListFilter) -> str:
        if self.scope(selection) in self.unique:
            return ""
        direction = "" if selection.oldest_first else " DESC"
        return f"ORDER BY {self.time}{direction}, {self.table.key}{direction}"


def hash_of(text: str) -> str:
    """Return the SQL of a text's hash of 64 bits, the same in every release of PostgreSQL, as it divides partitions."""
    return f"hashtextextended({text}, 0)"


def _conditions(templates: Mapping[str, str], selection: ListFilter) -> list[tuple[Any, ...]]:
    """Return the conditions of attributes that are set, as `where` takes them."""
    values = [(template, getattr(selection, name)) for name, template in templates.items()]
    return [(template, *[value] * template.count("{}")) for template, value in values if value is not None]


def _comparison(name: str, value: object) -> str:
    # A bound may be compared with a numeric, whose parameters the driver would take as Decimals.
    parameter = "{}::bigint" if type(value) is int else "{}"
    for suffix, operator in _SUFFIXES.items():
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix)} {operator} {parameter}"
    return f"{name} = {parameter}"
