"""The methods of the PaymentService about calls to channels: what channels tell of them, and which have no outcome."""

from dataclasses import replace
from functools import cache
from typing import Any

from paykit.base.call import current_call
from paykit.channels.attempts import OUTCOME_WITHIN_S, RecordEvidence
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, messages, store
from services.payment.domain.attempt import PaymentAttempt

_REPORT = Operation(
    name="ReportChannelResult",
    command=commands.evidence.record_evidence,
    reply=lambda attempt: pb.ReportChannelResultResponse(attempt=messages.attempt.to_attempt(attempt)),
    reply_type=pb.ReportChannelResultResponse,
    wakes=commands.SUBMISSION_JOBS,  # A contradiction queues a refund.
)


class AttemptMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def ReportChannelResult(
        self, request: pb.ReportChannelResultRequest, _context: Any
    ) -> pb.ReportChannelResultResponse:
        """Take a channel's callback."""
        item = RecordEvidence(evidence=messages.attempt.from_report(request), cause=current_call().cause)
        return await self._runtime.change(_report(self._runtime.settings.authorization_ttl_s), item)

    async def ListOverdueAttempts(
        self, request: pb.ListOverdueAttemptsRequest, _context: Any
    ) -> pb.ListOverdueAttemptsResponse:
        """Read a page of attempts whose outcome is overdue."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.attempts.overdue,
            wanted=OUTCOME_WITHIN_S,
            key=lambda overdue: (overdue.start_time, overdue.attempt.attempt_id),
            show=messages.attempt.to_overdue,
        )
        return pb.ListOverdueAttemptsResponse(attempts=page, next_page_token=token)

    async def ListUnmatchedEvidence(
        self, request: pb.ListUnmatchedEvidenceRequest, _context: Any
    ) -> pb.ListUnmatchedEvidenceResponse:
        """Read a page of what was told of no attempt."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.unmatched_evidence.list,
            wanted=None,
            key=lambda kept: (kept.create_time, kept.evidence_id),
            show=messages.attempt.to_unmatched,
        )
        return pb.ListUnmatchedEvidenceResponse(evidence=page, next_page_token=token)


@cache
def _report(authorization_ttl_s: int) -> Operation[RecordEvidence, PaymentAttempt, pb.ReportChannelResultResponse]:
    return replace(_REPORT, command=commands.evidence.recording(authorization_ttl_s))
