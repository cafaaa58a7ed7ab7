"""The plumbing of batch calls: each item is read, refused and answered by itself."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from paykit.errors import DomainError, FieldInvalid
from paykit.serve.operations import BATCH_ITEMS_MAX
from paykit.serve.status import to_status
from paykit.serve.validation.validator import validate_message
from paykit.work import fold

Q = TypeVar("Q", bound=Message)
I = TypeVar("I")  # noqa: E741 - item
Result = TypeVar("Result", bound=Message)


def in_batch(index: int) -> str:
    """Say where an item of a batch stands in its request."""
    return f"requests[{index}]"


def read_items(
    requests: Sequence[Q], read: Callable[[Q], I], *, path: Callable[[int], str] = in_batch
) -> list[I | DomainError]:
    """Read the items of a batch, each checked by its own rules; a refusal stands in the place of its item.

    Args:
        requests: The items as they came.
        read: Reads one that keeps its rules.
        path: Says where an item stands, for the names of fields.

    Raises:
        FieldInvalid: There is no item, or more than BATCH_ITEMS_MAX.
    """
    if not 1 <= len(requests) <= BATCH_ITEMS_MAX:
        raise FieldInvalid(f"requests must hold 1 to {BATCH_ITEMS_MAX:,} items.", field="requests")
    return fold([_checked(request, index, path) for index, request in enumerate(requests)], read)


def to_results(result_type: Callable[..., Result], results: Sequence[Result | DomainError]) -> list[Result]:
    """Return the items of a batch response: each its reply, or its refusal as the field `error`.

    Args:
        result_type: The class of an item of the response.
        results: One per item of the request, in order.
    """
    return [
        result_type(error=to_status(result, item_path=in_batch(index))) if isinstance(result, DomainError) else result
        for index, result in enumerate(results)
    ]


def _checked(request: Q, index: int, path: Callable[[int], str]) -> Q | DomainError:
    # The path is written out only for an item that is refused.
    refusal = validate_message(request)
    if refusal is None:
        return request
    return validate_message(request, path(index)) or refusal
