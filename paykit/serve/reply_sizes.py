"""How many bytes a reply may have: what of a list fits into one page, and whether a batch can be answered at all.

A page that would be larger is shorter, with a token for the rest. A batch that would be answered by more is refused
before it commits. What is too large nevertheless meets `ReplyTooLarge` at the edge. Pure.
"""

from collections.abc import Iterable
from typing import TypeVar

from google.protobuf.message import Message

from paykit.base.errors import ReplyTooLarge
from paykit.errors import DomainError, Kind

M = TypeVar("M", bound=Message)

ITEM_FRAME_BYTES_MAX = 8
"""What an item of a reply costs beside its own bytes: the number of its field, and its length."""
REST_BYTES_MAX = 4_096
"""What a reply holds beside its items: a page token, an account, sums."""
CHUNK_BYTES_MAX = 256 * 1024
"""Of a document that is streamed in chunks."""


class BatchReplyTooLarge(DomainError):
    """The answer to the batch would be larger than a reply may be; nothing was carried out. Send fewer items."""

    kind = Kind.INVALID_ARGUMENT
    reason = "BATCH_REPLY_TOO_LARGE"


def fitting(items: Iterable[M], bytes_max: int) -> list[M]:
    """Return the items, from the first on, that a reply of this many bytes can hold; at least one, if there is one.

    Raises:
        ReplyTooLarge: Not even the first fits.
    """
    fitting_items: list[M] = []
    size = REST_BYTES_MAX
    for item in items:
        size += item.ByteSize() + ITEM_FRAME_BYTES_MAX
        if size > bytes_max:
            if not fitting_items:
                raise reply_too_large(size, bytes_max)
            break
        fitting_items.append(item)
    return fitting_items


def chunk_bytes(bytes_max: int) -> int:
    """Return how many bytes of a document one reply of this many bytes carries, at most CHUNK_BYTES_MAX."""
    return min(CHUNK_BYTES_MAX, bytes_max - REST_BYTES_MAX)


def require_answerable(items_bytes: int, bytes_max: int, *, field: str = "requests") -> None:
    """Check that the results of a batch, of so many bytes with their frames, fit into its reply.

    The refusal names the field that the batch stands in.

    Raises:
        BatchReplyTooLarge: They do not.
    """
    size = items_bytes + REST_BYTES_MAX
    if size > bytes_max:
        raise BatchReplyTooLarge(
            f"The results would be {size:,} bytes, and a reply may be {bytes_max:,}: send fewer items in one batch.",
            field=field,
            **_sizes(size, bytes_max),
        )


def reply_too_large(size: int, bytes_max: int) -> ReplyTooLarge:
    """Return the refusal to send a reply."""
    return ReplyTooLarge(
        f"The reply would be {size:,} bytes, and may be {bytes_max:,} (PAYSTREAM_GRPC_REPLY_BYTES_MAX).",
        **_sizes(size, bytes_max),
    )


def _sizes(size: int, bytes_max: int) -> dict[str, str]:
    return {"reply_bytes": str(size), "reply_bytes_max": str(bytes_max)}
