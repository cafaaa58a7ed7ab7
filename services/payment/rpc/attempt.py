"""The methods of the PaymentOperationsService about calls to channels: which have no outcome, and what fits none."""

from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import messages, store


class AttemptMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def ListOverdueAttempts(
        self, request: pb.ListOverdueAttemptsRequest, _context: Any
    ) -> pb.ListOverdueAttemptsResponse:
        """Read a page of attempts whose outcome is overdue."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.attempts.overdue,
            wanted=messages.attempt.from_list_overdue(request),
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
            wanted=messages.attempt.from_list_unmatched(request),
            key=lambda kept: (kept.create_time, kept.evidence_id),
            show=messages.attempt.to_unmatched,
        )
        return pb.ListUnmatchedEvidenceResponse(evidence=page, next_page_token=token)
