"""The unit of work: rows that a transaction holds, as each step leaves them for the next, and refusals item by item.

A command locks, folds and saves:

    payments = await store.payments.lock(tx, [item.payment_id for item in items])
    results = fold(items, lambda item: _refund(payments.require(item.payment_id, payment_not_found), item))
    await tx.save(payments, refunds)

Domains raise what they refuse; `fold` makes it the item's result, so that the other items go on. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from paykit.errors import DomainError

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
Row = TypeVar("Row")
Row_contra = TypeVar("Row_contra", contravariant=True)


class RowStore(Protocol[K_co, Row_contra]):
    """Where rows are written, a table as a rule."""

    def key_of(self, row: Row_contra, /) -> K_co:
        """Return the key of a row."""
        ...

    async def insert(self, tx: Any, rows: Sequence[Row_contra], /) -> None:
        """Insert rows just made."""
        ...

    async def update(self, tx: Any, rows: Sequence[Row_contra], /) -> None:
        """Write back rows that are locked."""
        ...


class Rows(Generic[K, Row]):
    """Rows of one table, by key: locked ones and new ones. Each is written once, whatever happened to it.

    Args:
        store: Writes them.
        rows: What is there already, locked.
        on_new: Told the keys of new rows, which the transaction holds from then on.
    """

    def __init__(
        self, store: RowStore[K, Row], rows: Mapping[K, Row] | None = None, *, on_new: Callable[[K], None] | None = None
    ) -> None:
        self._store = store
        self._rows = dict(rows or {})
        self._on_new = on_new
        self._new: set[K] = set()
        self._changed: set[K] = set()

    def __getitem__(self, key: K) -> Row:
        return self._rows[key]

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: K | None) -> Row | None:
        """Return a row, or None."""
        return None if key is None else self._rows.get(key)

    def values(self) -> Iterable[Row]:
        """Return the rows as they are now."""
        return self._rows.values()

    def require(self, key: K, refusal: Callable[[K], DomainError]) -> Row:
        """Return a row.

        Raises:
            DomainError: What `refusal` makes of the key; there is no such row.
        """
        row = self._rows.get(key)
        if row is None:
            raise refusal(key)
        return row

    def put(self, row: Row) -> Row:
        """Take a row as a step left it, and return it."""
        key = self._store.key_of(row)
        self._rows[key] = row
        self._changed.add(key)
        return row

    def add(self, row: Row) -> Row:
        """Take a new row, and return it."""
        key = self._store.key_of(row)
        self._rows[key] = row
        self._new.add(key)
        if self._on_new is not None:
            self._on_new(key)
        return row

    @property
    def unsaved(self) -> bool:
        """Whether there is something to write."""
        return bool(self._new or self._changed)

    async def save(self, tx: Any) -> None:
        """Write what is new and what changed, each in the order of its keys."""
        new, changed = self._new, self._changed - self._new
        self._new, self._changed = set(), set()
        await self._store.insert(tx, self._ordered(new))
        await self._store.update(tx, self._ordered(changed))

    def _ordered(self, keys: Iterable[Any]) -> list[Row]:
        return [self._rows[key] for key in sorted(keys)]


def fold(items: Sequence[I | DomainError], decide: Callable[[I], R]) -> list[R | DomainError]:
    """Decide items one after another; what is refused has its refusal as result, and so has what was refused before.

    A decision that refuses must not have changed rows or emitted events: it first decides, then puts and emits.
    """
    results: list[R | DomainError] = []
    for item in items:
        if isinstance(item, DomainError):
            results.append(item)
            continue
        try:
            results.append(decide(item))
        except DomainError as refusal:
            results.append(refusal)
    return results


def kept(results: Sequence[R | DomainError]) -> list[R]:
    """Return the results that are no refusals, in order."""
    return [result for result in results if not isinstance(result, DomainError)]
