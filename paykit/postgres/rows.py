"""What set-based statements share: arrays for `unnest`, their types, rows as dataclasses, the check of what changed."""

import dataclasses
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar, Union

from paykit.errors import InvariantError

Row = TypeVar("Row")

SQL_TYPES: Mapping[Any, str] = types.MappingProxyType(
    {
        str: "text",
        int: "bigint",
        bool: "boolean",
        bytes: "bytea",
        datetime: "timestamptz",
        date: "date",
        timedelta: "interval",
        Decimal: "numeric",
        tuple[int, ...]: "bigint[]",
    }
)
"""By the type of the attribute; a StrEnum is text."""


_COPY_BEGIN, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


@dataclass(frozen=True, slots=True)
class BinaryRows:
    """Rows as PostgreSQL's binary format of COPY has them, each with the number of its columns and their lengths.

    Who inserts many narrow rows makes them in a fraction of the time that the driver takes for tuples, whose values it
    encodes one by one. Source: PostgreSQL 18, COPY, "Binary Format".
    """

    rows: Sequence[bytes]


async def copy_rows(driver: Any, table: str, names: list[str], rows: Iterable[tuple[Any, ...]] | BinaryRows) -> None:
    """Insert rows by COPY, in the order given."""
    if isinstance(rows, BinaryRows):
        data = bytearray().join((_COPY_BEGIN, *rows.rows, _COPY_END))
        await driver.copy_to_table(table, source=data, columns=names, format="binary")
    else:
        await driver.copy_records_to_table(table, records=rows, columns=names)


def columns(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    """Return the attributes of these names, which may be dotted, one list per name, as `unnest` takes them."""
    return [list(map(attrgetter(name), rows)) for name in names]


def require_all_changed(table: str, changed: int, wanted: int) -> None:
    """Check a set-based update, which silently applies one of two rows with one key.

    Raises:
        InvariantError: A row is not there, or came twice.
    """
    if changed != wanted:
        raise InvariantError(f"{changed} of {wanted} rows of {table} changed")


def array_text(values: Iterable[object] | None) -> str | None:
    """Return an array of numbers, or of ids, in which nothing needs quoting."""
    return None if values is None else "{" + ",".join(map(str, values)) + "}"


def texts_text(texts: Sequence[str | None]) -> str:
    """Return an array of any texts as `$1::text::text[]` takes it: the driver encodes an array value by value."""
    together = "".join(filter(None, texts))
    if '"' in together or "\\" in together:
        texts = [text and text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    if None in texts:
        return "{" + ",".join(["NULL" if text is None else f'"{text}"' for text in texts]) + "}"
    return '{"' + '","'.join(typing.cast("Sequence[str]", texts)) + '"}' if texts else "{}"


def sql_type(hint: Any) -> str:
    """Return the type of the column of an attribute; empty where its type does not say it."""
    inner = plain_type(hint)
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return "text"
    return SQL_TYPES.get(inner, "")


def plain_type(hint: Any) -> Any:
    """Return the type of an attribute that may be None."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        (inner,) = (part for part in typing.get_args(hint) if part is not type(None))
        return inner
    return hint


def attribute(path: str, *, zero: bool) -> Callable[[Any], Any]:
    """Return what reads an attribute, which may be dotted; with `zero`, None for 0."""
    get = attrgetter(path)
    return (lambda row: get(row) or None) if zero else get


def none_as_zero(value: int | None) -> int:
    """Return the integer of a column in which 0 is left out."""
    return value or 0


def _fields(row: Any, without: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the names and types of a dataclass's fields."""
    if not dataclasses.is_dataclass(row):
        raise TypeError(f"{row.__name__} is no dataclass")
    hints = typing.get_type_hints(row)
    yield from ((field.name, hints[field.name]) for field in dataclasses.fields(row) if field.name not in without)


def attributes(row: Any, without: Collection[str] = ()) -> dict[str, tuple[str, Any]]:
    """Return by column the path of its attribute, as in `sums.fees_minor`, and its type."""
    found: dict[str, tuple[str, Any]] = {}
    for name, hint in _fields(row, without):
        if dataclasses.is_dataclass(hint):
            found |= {column: (f"{name}.{path}", inner) for column, (path, inner) in attributes(hint).items()}
        else:
            found[name] = (name, hint)
    return found


def reader(
    row: type[Row], without: Collection[str], names: Sequence[str], readers: Mapping[str, Callable[[Any], Any]]
) -> Callable[[Sequence[Any]], Row]:
    """Write and compile what makes a row of its columns, in their order: a third of the time of a generic walk."""
    scope: dict[str, Any] = {}

    def construction(dataclass: Any, without: Collection[str] = ()) -> str:
        scope[dataclass.__name__] = dataclass
        return f"{dataclass.__name__}({', '.join(argument(name, hint) for name, hint in _fields(dataclass, without))})"

    def argument(name: str, hint: Any) -> str:
        if dataclasses.is_dataclass(hint):
            return f"{name}={construction(hint)}"
        value = f"values[{names.index(name)}]"
        convert = scope[f"read_{name}"] = readers.get(name) or _attribute_reader(hint)
        return f"{name}=read_{name}({value})" if convert else f"{name}={value}"

    return typing.cast("Callable[[Sequence[Any]], Row]", eval(f"lambda values: {construction(row, without)}", scope))  # noqa: S307 - of names in the source


def _attribute_reader(hint: Any) -> Callable[[Any], Any] | None:
    """Return what makes an attribute of its column, and None of None; None where they are the same."""
    inner = plain_type(hint)
    if typing.get_origin(inner) is tuple:
        return lambda values: None if values is None else tuple(values)
    if not (isinstance(inner, type) and issubclass(inner, StrEnum)):
        return None
    members: dict[Any, Any] = {member.value: member for member in inner} | {None: None}
    return members.__getitem__
