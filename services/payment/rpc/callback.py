"""The ChannelCallbackService of payment: what channels tell of their own accord."""

from dataclasses import replace
from functools import cache
from typing import Any

import structlog

from paykit.base.call import current_call
from paykit.channels.attempts import RecordEvidence
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment import commands, messages
from services.payment.commands.dispute import ReportDispute
from services.payment.domain.attempt import PaymentAttempt

_REPORT_RESULT = Operation(
    name="ReportChannelResult",
    command=commands.evidence.record_evidence,
    reply=lambda attempt: pb.ReportChannelResultResponse(attempt=messages.attempt.to_attempt(attempt)),
    reply_type=pb.ReportChannelResultResponse,
    wakes=commands.SUBMISSION_JOBS,  # A contradiction queues a refund.
)
_REPORT_DISPUTE = Operation(
    name="ReportDispute",
    command=commands.dispute.report_disputes,
    reply=lambda dispute: pb.ReportDisputeResponse(dispute=messages.dispute.to_dispute(dispute)),
    reply_type=pb.ReportDisputeResponse,
    wakes=commands.SUBMISSION_JOBS,
)

_log = structlog.get_logger()


class PaymentCallbackServicer(payment_pb2_grpc.ChannelCallbackServiceServicer):
    """Serves paystream.payment.v1.ChannelCallbackService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ReportChannelResult(
        self, request: pb.ReportChannelResultRequest, _context: Any
    ) -> pb.ReportChannelResultResponse:
        """Take a channel's callback."""
        item = RecordEvidence(evidence=messages.attempt.from_report(request), cause=current_call().cause)
        settings = self._runtime.settings
        return await self._runtime.change(_report(settings.authorization_ttl_s, settings.action_ttl_s), item)

    async def ReportDispute(self, request: pb.ReportDisputeRequest, _context: Any) -> pb.ReportDisputeResponse:
        """Take a channel's word on a dispute."""
        reported = messages.dispute.from_report(request)
        item = ReportDispute(reported=reported, cause=current_call().cause)
        response = await self._runtime.change(_REPORT_DISPUTE, item)
        if response.dispute.contradicted:
            _log.warning("dispute_contradicted", dispute_id=response.dispute.dispute_id, told=reported.outcome)
        return response


@cache
def _report(
    authorization_ttl_s: int, action_ttl_s: int
) -> Operation[RecordEvidence, PaymentAttempt, pb.ReportChannelResultResponse]:
    return replace(_REPORT_RESULT, command=commands.evidence.recording(authorization_ttl_s, action_ttl_s))
