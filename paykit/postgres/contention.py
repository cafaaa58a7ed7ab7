"""Rows that another transaction holds: which they are, and which items wait for them."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from paykit.work import Rows

NAMES_DEPTH_MAX = 4
"""Dataclasses and sequences within each other in which an item's names are looked for."""

LockedKey = tuple[Any, ...]
"""The columns of the key of a row."""


class RowsLockedError(Exception):
    """Rows are there, and another transaction holds them; nothing waited for them.

    Attributes:
        table: The rows'.
        keys: Of the rows.
    """

    def __init__(self, table: str, keys: Collection[LockedKey], units: Sequence[object] = ()) -> None:
        """Keep what tells whose work is held up; `units` are what the transaction had locked before."""
        super().__init__(f"{len(keys)} rows of {table} are held by another transaction")
        self.table = table
        self.keys = frozenset(keys)
        self._rows = [unit for unit in units if isinstance(unit, Rows)]

    def awaited_by(self, item: object) -> LockedKey | None:
        """Return the row that an item waits for: one whose key it names, itself or by a row that it names.

        A row is named also by what leads to it: of a payment's refund, the payment that was locked names its merchant.
        """
        names = set(names_in(item))
        for rows in self._rows:
            for name in [name for name in names if name in rows]:
                names.update(names_in(rows[name]))
        return next((key for key in self.keys if names.issuperset(key)), None)


def names_in(value: object, depth: int = NAMES_DEPTH_MAX) -> Iterator[str]:
    """Yield the texts that stand in a dataclass, or in a sequence of some; ids are among them."""
    if isinstance(value, str):
        yield value
    elif not depth:
        return
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from names_in(getattr(value, field.name), depth - 1)
    elif isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from names_in(part, depth - 1)
