"""Lists of resources, newest first or by key: the page a caller asked for, and the token of the one after it.

A page is as long as was asked, or as its bytes allow, or as what may be looked at for it; a shorter one has a token
like any that is not the last. What is asked for by its ids comes in one reply, or not at all.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from paykit import paging
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found
from paykit.serve import reply_sizes

T = TypeVar("T")
W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)
M = TypeVar("M", bound=Message)
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K", str, int)
K_contra = TypeVar("K_contra", str, int, contravariant=True)


class SnapshotReader(Protocol):
    """A service's tables, as its runtime gives them to read."""

    @property
    def reply_bytes_max(self) -> int:
        """The largest reply that is sent."""
        ...

    async def read(self, query: Callable[[Tx], Awaitable[T]]) -> T:
        """Run queries on one consistent snapshot."""
        ...


class ListRequest(Protocol):
    """The request message of a list."""

    page_size: int
    page_token: str


class OrderedRequest(Protocol):
    """The request message of a list whose order is chosen."""

    order_by: str


def oldest_first(request: OrderedRequest) -> bool:
    """Read `order_by`, which its proto keeps to "create_time", "create_time desc" and none, which is the latter."""
    return request.order_by == "create_time"


def newest_first(request: OrderedRequest) -> bool:
    """Read `order_by` of a list of what waits, which begins with what has waited longest where none is given."""
    return request.order_by == "create_time desc"


class Query(Protocol[W_contra, T_co]):
    """A statement behind a list."""

    def __call__(
        self, tx: Tx, wanted: W_contra, /, *, after: TimeKey | None, limit: int
    ) -> Awaitable[Sequence[T_co] | Found[T_co]]:
        """Read resources in the order of the list, from after a key on."""


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
    show: Callable[[T], M],
) -> tuple[Sequence[M], str]:
    """Read a page, as messages, and the token of the next; the token is empty on the last page.

    Args:
        runtime: Of the service.
        request: Names size and place of the page.
        query: Is asked for one row more than the page has, to see whether there is another.
        wanted: What the list selects; a token is good for the same query and the same selection only.
        key: Gives the create_time and the id of a resource.
        show: Makes the message of a resource.

    Raises:
        FieldInvalid: The page size is negative.
        PageTokenInvalid: The token is malformed, or of another list or other filters.
        ReplyTooLarge: A single resource is larger than a reply may be.
    """
    scope, size = (type(request).__name__, wanted), paging.page_size(request.page_size)
    after = paging.decode_time_token(request.page_token, scope)
    found = await runtime.read(lambda tx: query(tx, wanted, after=after, limit=size + 1))
    rows, walked_to = (found.rows, found.walked_to) if isinstance(found, Found) else (found, None)
    page = cut(rows, size=size, show=show, bytes_max=runtime.reply_bytes_max)
    last = key(rows[len(page) - 1]) if len(page) < len(rows) else walked_to
    return page, paging.encode_time_token(last, scope) if last is not None else ""


async def page_by_key(
    runtime: SnapshotReader,
    request: ListRequest,
    query: QueryByKey[W, K, T],
    *,
    wanted: W,
    key: Callable[[T], K],
    kind: type[K],
    show: Callable[[T], M],
) -> tuple[Sequence[M], str]:
    """Read a page and the token of the next, as `newest_page`, of a list in the order of a key of this type."""
    scope = (type(request).__name__.removesuffix("Request"), wanted)
    size = paging.page_size(request.page_size)
    values = paging.decode_page_token(request.page_token, scope, kinds=(kind,))
    after = kind(values[0]) if values else None
    rows = await runtime.read(lambda tx: query(tx, wanted, after=after, limit=size + 1))
    page = cut(rows, size=size, show=show, bytes_max=runtime.reply_bytes_max)
    return page, paging.encode_page_token([key(rows[len(page) - 1])], scope) if len(page) < len(rows) else ""


def cut(rows: Sequence[T], *, size: int, show: Callable[[T], M], bytes_max: int) -> list[M]:
    """Make the messages of a page: of the first rows, at most `size` of them and as many as fit.

    Raises:
        ReplyTooLarge: A single row is larger than a reply may be.
    """
    return reply_sizes.fitting(map(show, rows[:size]), bytes_max)


async def batch_get(
    runtime: SnapshotReader,
    ids: Sequence[str],
    by_key: Callable[[Tx, Collection[str]], Awaitable[Mapping[str, T]]],
    *,
    show: Callable[[T], M],
    field: str,
) -> tuple[list[M], list[str]]:
    """Read resources at one moment; return their messages, and the ids that there is nothing of.

    Args:
        runtime: Of the service.
        ids: Of the resources, each once; both results have their order.
        by_key: Reads what there is.
        show: Makes the message of a resource.
        field: Of the request, as in `payment_ids`, for the refusal.

    Raises:
        BatchReplyTooLarge: They do not fit into one reply.
    """
    found = await runtime.read(lambda tx: by_key(tx, ids))
    shown = [show(found[each]) for each in ids if each in found]
    missing = [each for each in ids if each not in found]
    sizes = [message.ByteSize() for message in shown] + [len(each) for each in missing]
    framed = sum(sizes) + len(sizes) * reply_sizes.ITEM_FRAME_BYTES_MAX
    reply_sizes.require_answerable(framed, runtime.reply_bytes_max, field=field)
    return shown, missing
