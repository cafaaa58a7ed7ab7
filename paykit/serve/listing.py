"""Lists of resources, newest first or by key: the page a caller asked for, and the token of the one after it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from paykit import paging
from paykit.paging import TimeKey
from paykit.postgres.database import Tx

T = TypeVar("T")
W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K", str, int)
K_contra = TypeVar("K_contra", str, int, contravariant=True)


class SnapshotReader(Protocol):
    """A service's tables, as its runtime gives them to read."""

    async def read(self, query: Callable[[Tx], Awaitable[T]]) -> T:
        """Run queries on one consistent snapshot."""
        ...


class ListRequest(Protocol):
    """The request message of a list."""

    page_size: int
    page_token: str


class Query(Protocol[W_contra, T_co]):
    """A statement behind a list."""

    def __call__(self, tx: Tx, wanted: W_contra, /, *, after: TimeKey | None, limit: int) -> Awaitable[Sequence[T_co]]:
        """Read resources, newest first, from after a key on."""


class QueryByKey(Protocol[W_contra, K_contra, T_co]):
    """A statement behind a list in the order of a key."""

    def __call__(self, tx: Tx, wanted: W_contra, /, *, after: K_contra | None, limit: int) -> Awaitable[Sequence[T_co]]:
        """Read resources from after a key on."""


async def newest_page(
    runtime: SnapshotReader,
    request: ListRequest,
    query: Query[W, T],
    *,
    wanted: W,
    key: Callable[[T], TimeKey],
) -> tuple[Sequence[T], str]:
    """Read a page and the token of the next; the token is empty on the last page.

    Args:
        runtime: Of the service.
        request: Names size and place of the page.
        query: Is asked for one row more than the page has, to see whether there is another.
        wanted: What the list selects; a token is good for the same query and the same selection only.
        key: Gives the create_time and the id of a resource.

    Raises:
        FieldInvalid: The page size is negative.
        PageTokenInvalid: The token is malformed, or of another list or other filters.
    """
    scope, size = (type(request).__name__, wanted), paging.page_size(request.page_size)
    after = paging.decode_time_token(request.page_token, scope)
    rows = await runtime.read(lambda tx: query(tx, wanted, after=after, limit=size + 1))
    page = rows[:size]
    return page, paging.encode_time_token(key(page[-1]), scope) if len(rows) > size else ""


async def page_by_key(
    runtime: SnapshotReader,
    request: ListRequest,
    query: QueryByKey[W, K, T],
    *,
    wanted: W,
    key: Callable[[T], K],
    kind: type[K],
) -> tuple[Sequence[T], str]:
    """Read a page and the token of the next, as `newest_page`, of a list in the order of a key of this type."""
    scope = (type(request).__name__.removesuffix("Request"), wanted)
    size = paging.page_size(request.page_size)
    values = paging.decode_page_token(request.page_token, scope, kinds=(kind,))
    after = kind(values[0]) if values else None
    rows = await runtime.read(lambda tx: query(tx, wanted, after=after, limit=size + 1))
    page = rows[:size]
    return page, paging.encode_page_token([key(page[-1])], scope) if len(rows) > size else ""
