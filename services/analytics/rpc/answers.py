"""What answers about figures have in common."""

from typing import Any

from paykit.postgres.database import Tx
from paykit.serve.timestamps import to_timestamp
from paystream.analytics.v1 import analytics_pb2 as pb
from services.analytics import messages, store
from services.analytics.domain import question as asked
from services.analytics.domain.periods import Range
from services.analytics.domain.question import Question


async def rows(tx: Tx, question: Question, span: Range) -> list[pb.MetricRow]:
    """Read what is asked for.

    Raises:
        DomainError: RESULT_TOO_LARGE, of more than ROWS_MAX rows.
    """
    found = messages.to_rows(await store.sums(tx, question, span), question.group_by)
    if len(found) > asked.ROWS_MAX:
        raise asked.too_large()
    return found


def bounds(span: Range) -> dict[str, Any]:
    """Return the fields that say of which range an answer is."""
    return {"start_time": to_timestamp(span.start_time), "end_time": to_timestamp(span.end_time)}
