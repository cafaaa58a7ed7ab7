"""What set-based statements share: arrays for `unnest`, and the check that a row was changed for each key."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from paykit.errors import InvariantError


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


def attribute(path: str, *, zero: bool) -> Callable[[Any], Any]:
    """Return what reads an attribute, which may be dotted; with `zero`, None for 0."""
    get = attrgetter(path)
    return (lambda row: get(row) or None) if zero else get


def none_as_zero(value: int | None) -> int:
    """Return the integer of a column in which 0 is left out."""
    return value or 0
