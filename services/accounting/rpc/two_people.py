"""The methods of the AccountingOperationsService that take two people: proposed journals, and periods."""

from typing import Any

from paykit.base.call import current_call
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.accounting.v1 import accounting_pb2 as pb
from services.accounting import domain, messages, store
from services.accounting.commands import periods, proposals
from services.accounting.domain.proposal import JournalDecision, JournalProposal

_PROPOSE = Operation(
    name="ProposeJournal",
    command=proposals.propose_journals,
    reply=lambda proposal: pb.ProposeJournalResponse(proposal=messages.to_proposal(proposal)),
    reply_type=pb.ProposeJournalResponse,
    creates=Creates(table=store.journal_proposals, read=store.journal_proposals.by_key),
)
_APPROVE = Operation(
    name="ApproveJournal",
    command=proposals.decide_journals,
    reply=lambda proposal: pb.ApproveJournalResponse(proposal=messages.to_proposal(proposal)),
    reply_type=pb.ApproveJournalResponse,
)
_REJECT = Operation(
    name="RejectJournal",
    command=proposals.decide_journals,
    reply=lambda proposal: pb.RejectJournalResponse(proposal=messages.to_proposal(proposal)),
    reply_type=pb.RejectJournalResponse,
)
_CLOSE = Operation(
    name="ClosePeriod",
    command=periods.close_periods,
    reply=lambda period: pb.ClosePeriodResponse(period=messages.to_period(period)),
    reply_type=pb.ClosePeriodResponse,
)


class TwoPeopleMethods:
    """The part of the AccountingOperationsServicer about proposals and periods; the contract stands in the proto."""

    _runtime: Runtime

    async def ProposeJournal(self, request: pb.ProposeJournalRequest, _context: Any) -> pb.ProposeJournalResponse:
        """Keep a journal or reversal for another person, once per request_id."""
        item = messages.from_propose(request, proposer=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_PROPOSE, request, item)

    async def ApproveJournal(self, request: pb.ApproveJournalRequest, _context: Any) -> pb.ApproveJournalResponse:
        """Book what another person proposed, once per request_id."""
        return await self._runtime.call(_APPROVE, request, _decision(request, JournalDecision.APPROVE))

    async def RejectJournal(self, request: pb.RejectJournalRequest, _context: Any) -> pb.RejectJournalResponse:
        """Refuse what another person proposed, once per request_id."""
        return await self._runtime.call(_REJECT, request, _decision(request, JournalDecision.REJECT))

    async def GetJournalProposal(
        self, request: pb.GetJournalProposalRequest, _context: Any
    ) -> pb.GetJournalProposalResponse:
        """Read a proposed journal."""
        proposal = await self._runtime.read(lambda tx: _proposal(tx, request.proposal_id))
        return pb.GetJournalProposalResponse(proposal=messages.to_proposal(proposal))

    async def ListJournalProposals(
        self, request: pb.ListJournalProposalsRequest, _context: Any
    ) -> pb.ListJournalProposalsResponse:
        """Read a page of proposed journals."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.journal_proposals.list,
            wanted=messages.from_list_proposals(request),
            key=lambda proposal: (proposal.create_time, proposal.proposal_id),
            show=messages.to_proposal,
        )
        return pb.ListJournalProposalsResponse(proposals=page, next_page_token=token)

    async def ClosePeriod(self, request: pb.ClosePeriodRequest, _context: Any) -> pb.ClosePeriodResponse:
        """Propose to close a period, or close it as the second person."""
        item = messages.from_close(request, person=auth.named_caller())
        return await self._runtime.call(_CLOSE, request, item)

    async def ListPeriods(self, request: pb.ListPeriodsRequest, _context: Any) -> pb.ListPeriodsResponse:
        """Read a page of periods."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.periods.list,
            wanted=messages.from_list_periods(request),
            key=lambda period: (period.end_at, period.period_id),
            show=messages.to_period,
        )
        return pb.ListPeriodsResponse(periods=page, next_page_token=token)


def _decision(
    request: pb.ApproveJournalRequest | pb.RejectJournalRequest, decision: JournalDecision
) -> proposals.DecideJournal:
    return proposals.DecideJournal(
        proposal_id=request.proposal_id,
        decision=decision,
        decider=auth.named_caller(),
        reason=request.reason or None,
        cause=current_call().cause,
    )


async def _proposal(tx: Tx, proposal_id: str) -> JournalProposal:
    proposal = await store.journal_proposals.get(tx, proposal_id)
    if proposal is None:
        raise domain.proposal.not_found(proposal_id)
    return proposal
