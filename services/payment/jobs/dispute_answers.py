"""What merchants answer to disputes, told to the simulated acquirer by paystream.channel.v1."""

from enum import StrEnum
from typing import Any

import grpc
import structlog

from paystream.channel.v1 import channel_pb2 as pb
from services.payment.store import Response

ANSWER_TIMEOUT_S = 5.0

# The channel understood and will never take it: telling it again changes nothing.
_REFUSALS = frozenset(
    {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}
)

_log = structlog.get_logger()


class Answer(StrEnum):
    """What came of telling."""

    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    NO_ANSWER = "NO_ANSWER"


async def tell(stub: Any, response: Response) -> Answer:
    """Tell the channel one answer; it may be told any number of times."""
    dispute = response.dispute
    request = pb.RespondToDisputeRequest(
        dispute_reference=dispute.dispute_reference,
        contested=not dispute.accepted,
        evidence=dispute.evidence or "",
    )
    metadata = (("x-correlation-id", response.correlation_id),)
    try:
        await stub.RespondToDispute(request, timeout=ANSWER_TIMEOUT_S, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        answer = Answer.REFUSED if error.code() in _REFUSALS else Answer.NO_ANSWER
        _log.warning(
            "dispute_answer_not_taken",
            dispute_id=dispute.dispute_id,
            code=error.code().name,
            given_up=answer is Answer.REFUSED,
        )
        return answer
    return Answer.TAKEN
