"""A table whose columns are named once, by the dataclass that its rows are read into.

    class Refunds(Table[str, Refund]):
        ...                                    # hot special SQL, written out

    refunds = Refunds(Refund, "refund", key="refund_id", changing=("state", "channel_reference", "update_time"))

Every statement is one round trip, whatever the number of rows.
"""

import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

from paykit.base.errors import DefectError
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.fused.writes import Write
from paykit.postgres.rows import (
    array_text,
    attribute,
    attributes,
    none_as_zero,
    reader,
    require_all_changed,
    sql_type,
    texts_text,
)
from paykit.work import Rows

K = TypeVar("K")
Row = TypeVar("Row")

ALIKE_ROWS_MIN = 64
"""From so many rows on, a column that all have alike is sent once: each set of such columns is a statement of its own,
which only many rows make up for."""
INSERTS_MAX = 64
"""Statements of one table that are kept."""


class Table(Generic[K, Row]):
    """A table of one service.

    Args:
        row: The dataclass of a row; its fields are the columns, and a field that is a dataclass stands for its fields.
        name: Of the table.
        key: The primary key; of several columns, keys are tuples.
        changing: The columns that `update` writes.
        given: The columns that inserts write, where the others begin with the database's defaults; None for all.
        shared: Of these, the ones that rows inserted in one statement have alike: they are sent once.
        without: Fields of the dataclass that are no columns and have defaults.
        computed: Fields that are read by an SQL expression and never written.
        zeros: Columns of integers in which 0 is written as NULL, which takes no room, and read of it.
        sql_types: Where the type of the attribute does not say it.
        readers: Make an attribute of a column's value, where the type of the attribute does not say how.
        writers: Make a column's value of a row, where it is not an attribute; if there is none of its name, it is only
            written.
    """

    def __init__(
        self,
        row: type[Row],
        name: str,
        *,
        key: str | tuple[str, ...],
        changing: Sequence[str] = (),
        given: Sequence[str] | None = None,
        shared: Sequence[str] = (),
        without: Collection[str] = (),
        computed: Mapping[str, str] | None = None,
        zeros: Collection[str] = (),
        sql_types: Mapping[str, str] | None = None,
        readers: Mapping[str, Callable[[Any], Any]] | None = None,
        writers: Mapping[str, Callable[[Row], Any]] | None = None,
    ) -> None:
        own = attributes(row, without)
        self.name, self.columns = name, tuple(own)
        self._paths = {column: path for column, (path, _) in own.items()}
        self._key = (key,) if isinstance(key, str) else key
        self.key = ", ".join(self._key)
        self._changing = self._columns_of(changing)
        self._writers, self._zeros = dict(writers or {}), frozenset(zeros)
        expressions = dict(computed or {})
        given_columns = (*self.columns, *self._writers) if given is None else (*self._columns_of(given), *self._writers)
        self._given = tuple(dict.fromkeys(column for column in given_columns if column not in expressions))
        self._shared = tuple(shared)
        self._sql_types = {column: sql_type(hint) for column, (_, hint) in own.items()} | dict(sql_types or {})
        self.read = reader(row, without, self.columns, dict.fromkeys(zeros, none_as_zero) | dict(readers or {}))
        self._key_of, self._values_given = attrgetter(*self._key), self._row_writer()
        self.quoted = f'"{name}"'
        self.selected = ", ".join(
            f"{expressions[column]} AS {column}" if column in expressions else f"{self.quoted}.{column}"
            for column in self.columns
        )
        self._update = self._update_statement() if changing else ""
        self._insert_of = lru_cache(INSERTS_MAX)(self._insert_statement)
        self._fits_one_statement = all(map(self._sql_types.get, self._given))

    def key_of(self, row: Row, /) -> K:
        """Return the key of a row."""
        return typing.cast("K", self._key_of(row))

    async def get(self, tx: Tx, key: K) -> Row | None:
        """Read one row."""
        return (await self.by_key(tx, [key])).get(key)

    async def by_key(self, tx: Tx, keys: Collection[K]) -> dict[K, Row]:
        """Read rows; those that are not there are left out."""
        if not keys:
            return {}
        rows = await self.select(tx, self._of_keys(), *self._key_arrays(set(keys)))
        return {self.key_of(row): row for row in rows}

    async def select(self, tx: Tx, condition: str, *args: Any) -> list[Row]:
        """Read the rows of a condition, which may go on with an order and a limit."""
        rows = await tx.look(f"SELECT {self.selected} FROM {self.quoted} WHERE {condition}", *args)
        return list(map(self.read, rows))

    async def page(
        self,
        tx: Tx,
        selection: Any,
        *,
        equal: Sequence[str],
        after: TimeKey | None,
        limit: int,
        condition: Sequence[Any] = (),
    ) -> list[Row]:
        """Read rows newest first, by create_time and key.

        Args:
            tx: The transaction.
            selection: Has an attribute for each of `equal`, None for all, and create_time_min and create_time_before
                (exclusive) or None.
            equal: The columns that must equal the attribute of their name.
            after: The create_time and key of the row after which the page begins.
            limit: Rows at most.
            condition: What else must hold, as `where` takes it.
        """
        key = self._key[0]
        conditions, args = where(
            *([condition] if condition else ()),
            *((f"{column} = {{}}", getattr(selection, column)) for column in equal),
            ("create_time >= {}", selection.create_time_min),
            ("create_time < {}", selection.create_time_before),
            (f"(create_time, {key}) < ({{}}, {{}})", *(after or (None, None))),
        )
        order = f"ORDER BY create_time DESC, {key} DESC LIMIT ${len(args) + 1}"
        return await self.select(tx, f"{conditions} {order}", *args, limit)

    async def lock(self, tx: Tx, keys: Iterable[K]) -> Rows[K, Row]:
        """Lock rows in the order of their keys; those that are not there are left out.

        Raises:
            RowsLockedError: As `lock_where`.
        """
        wanted = set(keys)
        return await self._lock(tx, self._of_keys(), *self._key_arrays(wanted), wanted=len(wanted))

    async def lock_where(self, tx: Tx, condition: str, *args: Any) -> Rows[K, Row]:
        """Lock the rows of a condition in the order of their keys.

        Raises:
            RowsLockedError: Another transaction holds some, and the transaction's lane does not wait for rows.
        """
        return await self._lock(tx, condition, *args)

    async def _lock(self, tx: Tx, condition: str, *args: Any, wanted: int | None = None) -> Rows[K, Row]:
        """Lock the rows of a condition; `wanted` is how many there are at most, where that is known."""
        order = ", ".join(f"{self.quoted}.{column}" for column in self._key)
        locking = f"FOR UPDATE OF {self.quoted} {'' if tx.lane.waits_for_rows else 'SKIP LOCKED'}"
        sql = f"SELECT {self.selected} FROM {self.quoted} WHERE {condition} ORDER BY {order} {locking}"
        rows = self.rows(tx, [self.read(row) for row in await tx.lock(self.name, sql, *args)])
        if not tx.lane.waits_for_rows and len(rows) != wanted:
            await self._require_locked(tx, rows, condition, *args)
        return rows

    async def _require_locked(self, tx: Tx, rows: Rows[K, Row], condition: str, *args: Any) -> None:
        """Tell which rows of a condition were passed by, if there are any."""
        key = ", ".join(f"{self.quoted}.{column}" for column in self._key)
        there = [tuple(row) for row in await tx.fetch(f"SELECT {key} FROM {self.quoted} WHERE {condition}", *args)]
        ours = {(held,) if len(self._key) == 1 else held for held in rows}
        tx.refuse_locked(self.name, [key for key in there if key not in ours])

    async def claim_where(self, tx: Tx, condition: str, *args: Any) -> Rows[K, Row]:
        """Lock the rows of a condition, with an order and a limit, as far as nobody has them and `tx.claims` allows.

        An OR in the condition stands in parentheses.
        """
        types = [self._sql_types[name] for name in self._key]
        bounds, keys = tx.claims.bounds(
            [f"{self.quoted}.{name}" for name in self._key], types=types, first=len(args) + 1
        )
        sql = (
            f"SELECT {self.selected} FROM {self.quoted} WHERE {bounds}{condition} "
            f"FOR UPDATE OF {self.quoted} SKIP LOCKED"
        )
        claimed = self.rows(tx, [self.read(row) for row in await tx.lock(self.name, sql, *args, *keys)])
        tx.claims.take(claimed)
        return claimed

    async def guarded(self, tx: Tx, keys: Collection[K]) -> Rows[K, Row]:
        """Read rows that change only under the lock of another row, which the transaction has; nothing is locked."""
        return self.rows(tx, (await self.by_key(tx, keys)).values())

    def rows(self, tx: Tx, rows: Iterable[Row] = ()) -> Rows[K, Row]:
        """Begin a unit of work with rows that are locked, or none; the transaction holds them."""
        by_key = {self.key_of(row): row for row in rows}
        tx.hold(*by_key)
        return tx.track(Rows(self, by_key, on_new=tx.hold))

    async def insert(self, tx: Tx, rows: Sequence[Row]) -> None:
        """Insert rows, in the order of their keys."""
        ordered = sorted(rows, key=self._key_of)
        if ordered and tx.at_end and self._fits_one_statement:
            tx.at_end.leave(self._write(ordered))
        elif ordered:
            await tx.copy(self.name, self._given, [self._values_given(row) for row in ordered])

    async def insert_absent(
        self, tx: Tx, rows: Collection[Row], *, unique: tuple[str, ...] | None = None, where: str = ""
    ) -> list[K]:
        """Insert rows but those whose unique columns are taken, and return the keys of what went in.

        Of several rows with the same unique columns, the first goes in; `where` is the predicate of their index, if it
        has one. They go in the order of these columns, so that two batches with the same ones wait for each other in
        one order and cannot deadlock.

        Raises:
            DefectError: They differ in what they share.
        """
        if not rows:
            return []
        unique = unique or self._key
        ordered = sorted(rows, key=attrgetter(*(self._paths[column] for column in unique)))
        conflict = f"ON CONFLICT ({', '.join(unique)}) {where and f'WHERE {where}'} DO NOTHING RETURNING {self.key}"
        write = self._write(ordered)
        inserted = await tx.fetch(f"{write.sql} {conflict}", *write.args)
        return [typing.cast("K", row[0] if len(self._key) == 1 else tuple(row)) for row in inserted]

    async def update(self, tx: Tx, rows: Collection[Row]) -> None:
        """Write locked rows back, each at most once.

        Raises:
            InvariantError: A row is not there, or came twice.
        """
        if rows:
            args = [self._argument(name, self._values(rows, name)) for name in (*self._key, *self._changing)]
            changed = await tx.run(self._update, *args)
            require_all_changed(self.name, changed, len(rows))

    def parameters(self, names: Sequence[str], *, first: int = 1) -> str:
        """Return the parameters of columns as `unnest` takes them, from $first on."""
        types = [self._sql_types[name] for name in names]
        return ", ".join(
            f"${at}::{'text' if sql_type.endswith('[]') else sql_type}[]" for at, sql_type in enumerate(types, first)
        )

    def _columns_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return columns by their names, or by that of the dataclass in the row that they stand in."""
        paths = self._paths.items()
        return tuple(column for name in names for column, path in paths if name in {column, path.partition(".")[0]})

    def _sent(self, names: Sequence[str]) -> str:
        """Return the parameters of columns as `_argument` makes them, from $1 on: texts stand in one text."""
        return ", ".join(
            f"${at}::text::text[]" if sql_type == "text" or sql_type.endswith("[]") else f"${at}::{sql_type}[]"
            for at, sql_type in enumerate(map(self._sql_types.__getitem__, names), 1)
        )

    def _argument(self, name: str, values: Sequence[Any]) -> Any:
        """Return a column's values as `_sent` names it: arrays as text, for an array of arrays has one length."""
        sql_type = self._sql_types[name]
        if sql_type.endswith("[]"):
            return texts_text([*map(array_text, values)])
        return texts_text(values) if sql_type == "text" else values

    def _values(self, rows: Collection[Row], name: str) -> list[Any]:
        get = self._writers.get(name) or attribute(self._paths[name], zero=name in self._zeros)
        return list(map(get, rows))

    def _write(self, rows: Sequence[Row]) -> Write:
        """Return the insert of rows, in which what many have alike is sent once, and what none has is left out.

        An array of a thousand times the same, or of nothing, costs as much as any. No nullable column has another
        default than NULL, as a test sees to.

        Raises:
            DefectError: The rows differ in what they share.
        """
        columns = [(name, self._values(rows, name)) for name in self._given]
        alike = {name: values[0] for name, values in columns if values.count(values[0]) == len(rows)}
        if not alike.keys() >= set(self._shared):
            raise DefectError(f"rows of {self.name} inserted together differ in one of {', '.join(self._shared)}")
        once = [name for name in alike if name in self._shared or self._sent_once(name, alike[name], len(rows))]
        own = [(name, values) for name, values in columns if name not in once and alike.get(name, values) is not None]
        sql = self._insert_of(tuple([name for name, _ in own]), tuple(once))
        return Write(sql, (*[self._argument(*column) for column in own], *map(alike.__getitem__, once)))

    def _sent_once(self, name: str, value: Any, rows: int) -> bool:
        """Return whether a column that so many rows have alike is sent once; no key is, as there must be an array."""
        many = rows >= ALIKE_ROWS_MIN and value is not None
        return many and name not in self._key and not self._sql_types[name].endswith("[]")

    def _row_writer(self) -> Callable[[Row], tuple[Any, ...]]:
        """Write and compile what makes the values that inserts write of a row, in the order of their columns."""
        scope: dict[str, Any] = {f"write_{column}": write for column, write in self._writers.items()}
        zero = dict.fromkeys(self._zeros, " or None")
        values = [
            f"write_{column}(row)" if column in self._writers else f"row.{self._paths[column]}{zero.get(column, '')}"
            for column in self._given
        ]
        return typing.cast("Callable[[Row], tuple[Any, ...]]", eval(f"lambda row: ({', '.join(values)},)", scope))  # noqa: S307 - of names in the source

    def _new(self, column: str) -> str:
        """Return a column of what `unnest` gave."""
        sql_type = self._sql_types[column]
        return f"new.{column}::{sql_type}" if sql_type.endswith("[]") else f"new.{column}"

    def _insert_statement(self, own: tuple[str, ...], once: tuple[str, ...]) -> str:
        alike = [f"${at}::{self._sql_types[column]}" for at, column in enumerate(once, len(own) + 1)]
        return (
            f"INSERT INTO {self.quoted} ({', '.join((*own, *once))}) "
            f"SELECT {', '.join((*map(self._new, own), *alike))} "
            f"FROM unnest({self._sent(own)}) AS new ({', '.join(own)})"
        )

    def _update_statement(self) -> str:
        written = (*self._key, *self._changing)
        return (
            f"UPDATE {self.quoted} SET {', '.join(f'{column} = {self._new(column)}' for column in self._changing)} "
            f"FROM unnest({self._sent(written)}) AS new ({', '.join(written)}) "
            f"WHERE {' AND '.join(f'{self.quoted}.{column} = new.{column}' for column in self._key)}"
        )

    def _of_keys(self) -> str:
        if len(self._key) == 1:
            return f"{self.quoted}.{self._key[0]} = ANY({self.parameters(self._key)})"
        key = ", ".join(f"{self.quoted}.{column}" for column in self._key)
        return f"({key}) IN (SELECT * FROM unnest({self.parameters(self._key)}))"

    def _key_arrays(self, keys: Collection[Any]) -> list[list[Any]]:
        ordered = sorted(keys)
        return [ordered] if len(self._key) == 1 else [[key[i] for key in ordered] for i in range(len(self._key))]


def where(*bounds: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Join the conditions that are set, and return them with their arguments.

    Args:
        bounds: Each a condition with {} for its parameters, and their values; of no effect when the first is None.
    """
    conditions: list[str] = []
    args: list[Any] = []
    for condition, *values in bounds:
        if values[0] is not None:
            conditions.append(condition.format(*(f"${len(args) + at}" for at in range(1, len(values) + 1))))
            args += values
    return " AND ".join(conditions) or "true", args
