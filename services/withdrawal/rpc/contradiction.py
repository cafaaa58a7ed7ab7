"""The methods of the WithdrawalOperationsService about contradictions."""

from typing import Any

from paykit.base.call import current_call
from paykit.contradictions import contradiction_messages as messages
from paykit.contradictions import listing
from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.operations import Operation
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import commands, store

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
    wakes=commands.SUBMISSION_JOBS,
)
_REJECT = Operation(
    name="RejectResolution",
    command=commands.contradiction.decide_resolutions,
    reply=lambda row: pb.RejectResolutionResponse(contradiction=messages.to_contradiction(row)),
    reply_type=pb.RejectResolutionResponse,
)


class WithdrawalContradictionMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def ListContradictions(
        self, request: pb.ListContradictionsRequest, _context: Any
    ) -> pb.ListContradictionsResponse:
        """Read a page of contradictions."""
        page, token = await listing.page(self._runtime, store.contradictions, request)
        return pb.ListContradictionsResponse(contradictions=page, next_page_token=token)

    async def GetContradiction(self, request: pb.GetContradictionRequest, _context: Any) -> pb.GetContradictionResponse:
        """Read a contradiction."""
        found = await listing.contradiction(self._runtime, store.contradictions, request.contradiction_id)
        return pb.GetContradictionResponse(contradiction=found)

    async def ProposeResolution(
        self, request: pb.ProposeResolutionRequest, _context: Any
    ) -> pb.ProposeResolutionResponse:
        """Take a proposal, once per request_id."""
        item = messages.from_proposal(request, proposer=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_PROPOSE, request, item)

    async def ApproveResolution(
        self, request: pb.ApproveResolutionRequest, _context: Any
    ) -> pb.ApproveResolutionResponse:
        """End a contradiction as proposed, once per request_id."""
        item = messages.from_approval(request, decider=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_APPROVE, request, item)

    async def RejectResolution(self, request: pb.RejectResolutionRequest, _context: Any) -> pb.RejectResolutionResponse:
        """Refuse a proposal, once per request_id."""
        item = messages.from_rejection(request, decider=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_REJECT, request, item)
