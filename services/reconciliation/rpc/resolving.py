"""The methods of the ReconciliationOperationsService about how discrepancies end, and about what has not cleared."""

from functools import partial
from typing import Any

from paykit.base.call import current_call
from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.reconciliation import domain, messages, store
from services.reconciliation.commands import resolving

_RESOLVE = Operation(
    name="ResolveDiscrepancy",
    command=resolving.resolve_discrepancies,
    reply=messages.resolving.to_resolution,
    reply_type=pb.ResolveDiscrepancyResponse,
)
_APPROVE = Operation(
    name="ApproveCorrection",
    command=resolving.decide_corrections,
    reply=lambda correction: pb.ApproveCorrectionResponse(correction=messages.resolving.to_correction(correction)),
    reply_type=pb.ApproveCorrectionResponse,
)
_REJECT = Operation(
    name="RejectCorrection",
    command=resolving.decide_corrections,
    reply=lambda correction: pb.RejectCorrectionResponse(correction=messages.resolving.to_correction(correction)),
    reply_type=pb.RejectCorrectionResponse,
)


class ResolvingMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def ResolveDiscrepancy(
        self, request: pb.ResolveDiscrepancyRequest, _context: Any
    ) -> pb.ResolveDiscrepancyResponse:
        """End a discrepancy, or propose how, once per request_id."""
        item = messages.resolving.from_resolve(request, person=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_RESOLVE, request, item)

    async def ApproveCorrection(
        self, request: pb.ApproveCorrectionRequest, _context: Any
    ) -> pb.ApproveCorrectionResponse:
        """Take what another person proposed, once per request_id."""
        item = messages.resolving.from_decision(request, approved=True, decider=auth.named_caller())
        return await self._runtime.call(_APPROVE, request, item)

    async def RejectCorrection(self, request: pb.RejectCorrectionRequest, _context: Any) -> pb.RejectCorrectionResponse:
        """Refuse what another person proposed, once per request_id."""
        item = messages.resolving.from_decision(request, approved=False, decider=auth.named_caller())
        return await self._runtime.call(_REJECT, request, item)

    async def ListCorrections(self, request: pb.ListCorrectionsRequest, _context: Any) -> pb.ListCorrectionsResponse:
        """Read a page of corrections."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.corrections.list,
            wanted=messages.resolving.from_list(request),
            key=lambda correction: (correction.create_time, correction.correction_id),
            show=messages.resolving.to_correction,
        )
        return pb.ListCorrectionsResponse(corrections=page, next_page_token=token)

    async def ListUncleared(self, request: pb.ListUnclearedRequest, _context: Any) -> pb.ListUnclearedResponse:
        """Read a page of what has not cleared, the oldest first."""
        now = self._runtime.clock.now()
        days = domain.uncleared.clearing_days(self._runtime.settings.clearing_days)
        page, token = await newest_page(
            self._runtime,
            request,
            partial(store.uncleared.list_, now=now),
            wanted=messages.resolving.from_uncleared(request, days=days),
            key=lambda amount: (amount.since, amount.place),
            show=lambda amount: messages.resolving.to_uncleared(amount, now=now),
        )
        return pb.ListUnclearedResponse(amounts=page, next_page_token=token)
