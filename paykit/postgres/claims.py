"""Which rows the transaction of a job may take, and which it took: what lets one bad row be told from the others."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

RowKey = Any
"""The key of a row, a tuple where it has several columns."""


class TooMuchAtOnceError(Exception):
    """A transaction took more than it should: it is run again with less, and no row is to blame."""


@dataclass(slots=True, kw_only=True)
class Claims:
    """The rows of one transaction.

    Attributes:
        without: Keys of rows to pass by.
        only: The only ones to take; all if empty.
        taken: Keys of the rows that were taken, in this order.
        waiting: Of `only`, keys of rows that are there, and not to be taken yet.
    """

    without: Collection[RowKey] = ()
    only: Collection[RowKey] = ()
    taken: list[RowKey] = field(default_factory=list)
    waiting: list[RowKey] = field(default_factory=list)

    def take(self, keys: Iterable[RowKey]) -> None:
        """Note rows as taken: each can be done, or fail, by itself."""
        self.taken += keys

    def wait(self, keys: Iterable[RowKey]) -> None:
        """Note rows as there, though they were not taken: they are looked at later, and not forgotten."""
        self.waiting += keys

    def begin(self) -> None:
        """Note nothing yet: what was noted is of a run before, which met a conflict."""
        self.taken.clear()
        self.waiting.clear()

    def bounds(self, columns: Sequence[str], *, types: Sequence[str] = (), first: int) -> tuple[str, list[Any]]:
        """Return what a statement's WHERE begins with, to take the rows that it may, and its arguments.

        Args:
            columns: Of the key, as SQL.
            types: Theirs; text if empty.
            first: The number of the first parameter that is free.
        """
        text, arguments = "", list[Any]()
        for keys, word in ((self.without, "NOT IN"), (self.only, "IN")):
            if keys:
                at = first + len(arguments)
                arrays = ", ".join(f"${at + i}::{types[i] if types else 'text'}[]" for i in range(len(columns)))
                text += f"({', '.join(columns)}) {word} (SELECT * FROM unnest({arrays})) AND "
                arguments += [list(keys)] if len(columns) == 1 else [list(part) for part in zip(*keys, strict=True)]
        return text, arguments
