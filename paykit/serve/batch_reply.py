"""The reply to a batch while its items are carried out: whether what they come to can be sent at all."""

from collections.abc import Sequence
from typing import Any

from paykit.errors import DomainError
from paykit.serve import reply_sizes
from paykit.serve.operations import Call, Outcome, Settled
from paykit.serve.status import to_status

FAILED_ITEM_BYTES_MAX = 512
"""What the result of an item is that failed unexpectedly."""
ITEM_PATH_BYTES_MAX = 32
"""What a refusal gains when it says where its item stands, as in `requests[999]`."""


class BatchReply:
    """Adds up the bytes of a batch's results, those that are only retried counted as they are now.

    Args:
        bytes_max: Of the reply.
        refused: Items that were refused before any was carried out.
    """

    def __init__(self, bytes_max: int, refused: Sequence[DomainError]) -> None:
        self._bytes_max = bytes_max
        self._refused = sum(map(_bytes_of, refused))
        # With each call itself: it must live on, or another one could have its id.
        self._sizes: dict[int, tuple[Call[Any], int]] = {}

    def accept(self, calls: Sequence[Call[Any]], outcomes: Sequence[Outcome]) -> None:
        """Count outcomes that are about to be committed.

        Raises:
            BatchReplyTooLarge: With those before them they are too large for one reply.
        """
        counted = {id(call): (call, _bytes_of(outcome)) for call, outcome in zip(calls, outcomes, strict=True)}
        sizes = self._sizes | counted
        reply_sizes.require_answerable(self._refused + sum(size for _, size in sizes.values()), self._bytes_max)
        self._sizes = sizes


def _bytes_of(outcome: Outcome) -> int:
    if isinstance(outcome, Settled):
        size = outcome.reply.ByteSize() if outcome.size is None else outcome.size
    elif isinstance(outcome, DomainError):
        size = to_status(outcome).ByteSize() + ITEM_PATH_BYTES_MAX
    else:
        size = FAILED_ITEM_BYTES_MAX
    return size + reply_sizes.ITEM_FRAME_BYTES_MAX
