"""The methods of the PaymentOperationsService about contradictions."""

from typing import Any

from paykit.base.call import current_call
from paykit.contradictions import contradiction_messages as messages
from paykit.contradictions.contradiction_rpc import ContradictionCalls, ContradictionMethods
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, store
from services.payment.commands.later.late_capture import RetryRefund
from services.payment.messages.refund import to_refund

_PROPOSE = Operation(
    name="ProposeResolution",
    command=commands.contradiction.propose_resolutions,
    reply=lambda row: pb.ProposeResolutionResponse(contradiction=messages.to_contradiction(row)),
    reply_type=pb.ProposeResolutionResponse,
)
_APPROVE = Operation(
    name="ApproveResolution",
    command=commands.contradiction.decide_resolutions,
    reply=lambda row: pb.ApproveResolutionResponse(contradiction=messages.to_contradiction(row)),
    reply_type=pb.ApproveResolutionResponse,
    wakes=commands.SUBMISSION_JOBS,  # What is accepted for an order that is closed is refunded.
)
_REJECT = Operation(
    name="RejectResolution",
    command=commands.contradiction.decide_resolutions,
    reply=lambda row: pb.RejectResolutionResponse(contradiction=messages.to_contradiction(row)),
    reply_type=pb.RejectResolutionResponse,
)

_RETRY = Operation(
    name="RetryRefund",
    command=commands.late_capture.retry_refunds,
    reply=lambda refund: pb.RetryRefundResponse(refund=to_refund(refund)),
    reply_type=pb.RetryRefundResponse,
    wakes=commands.SUBMISSION_JOBS,
)


class PaymentContradictionMethods(
    ContradictionMethods[
        pb.ListContradictionsResponse,
        pb.GetContradictionResponse,
        pb.ProposeResolutionResponse,
        pb.ApproveResolutionResponse,
        pb.RejectResolutionResponse,
    ]
):
    """A part of the servicer; the contract stands in the proto."""

    _contradictions = ContradictionCalls(
        table=store.contradictions,
        listed=lambda page, token: pb.ListContradictionsResponse(contradictions=page, next_page_token=token),
        got=lambda found: pb.GetContradictionResponse(contradiction=found),
        propose=_PROPOSE,
        approve=_APPROVE,
        reject=_REJECT,
    )

    async def RetryRefund(self, request: pb.RetryRefundRequest, _context: Any) -> pb.RetryRefundResponse:
        """Give back money that came late, once per request_id."""
        item = RetryRefund(contradiction_id=request.contradiction_id, cause=current_call().cause)
        return await self._runtime.call(_RETRY, request, item)
