"""Contradictions read for callers: one, and a page of many across merchants."""

from collections.abc import Sequence

from paykit.contradictions import contradiction as domain
from paykit.contradictions import contradiction_messages as messages
from paykit.contradictions.contradiction_table import ContradictionTable
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paystream.common.v1 import contradiction_pb2 as pb


async def contradiction(runtime: Runtime, table: ContradictionTable, contradiction_id: str) -> pb.Contradiction:
    """Read one.

    Raises:
        ContradictionNotFound: There is none of this id.
    """
    found = await runtime.read(lambda tx: table.get(tx, contradiction_id))
    if found is None:
        raise domain.not_found(contradiction_id)
    return messages.to_contradiction(found)


async def page(
    runtime: Runtime, table: ContradictionTable, request: messages.ListContradictionsRequest
) -> tuple[Sequence[pb.Contradiction], str]:
    """Read a page, newest first, and the token of the next; empty after the last.

    Raises:
        PageTokenInvalid: The token is malformed, or of another list or other filters.
    """
    return await newest_page(
        runtime,
        request,
        table.list,
        wanted=messages.from_list(request),
        key=lambda row: (row.create_time, row.contradiction_id),
        show=messages.to_contradiction,
    )
