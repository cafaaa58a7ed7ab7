"""The ChannelCallbackService of withdrawal: what the bank tells of its own accord."""

from typing import Any

from paykit.base.call import current_call
from paykit.channels.attempts import RecordEvidence
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from paystream.withdrawal.v1 import withdrawal_pb2_grpc
from services.withdrawal import commands, messages

_REPORT = Operation(
    name="ReportBankResult",
    command=commands.evidence.record_evidence,
    reply=lambda attempt: pb.ReportBankResultResponse(attempt=messages.to_attempt(attempt)),
    reply_type=pb.ReportBankResultResponse,
)


class WithdrawalCallbackServicer(withdrawal_pb2_grpc.ChannelCallbackServiceServicer):
    """Serves paystream.withdrawal.v1.ChannelCallbackService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ReportBankResult(self, request: pb.ReportBankResultRequest, _context: Any) -> pb.ReportBankResultResponse:
        """Take the bank's callback."""
        item = RecordEvidence(evidence=messages.from_report(request), cause=current_call().cause)
        return await self._runtime.change(_REPORT, item)
