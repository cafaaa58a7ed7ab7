"""The SimulatorService: how the simulated acquirer and bank behave, and what they do of their own accord."""

from typing import Any

from paykit.base.call import current_call
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.operations import Operation
from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import channel_pb2_grpc
from services.channel import commands, messages, store
from services.channel.domain import dispute
from services.channel.rpc.latency import Latency

_SET_BEHAVIOUR = Operation(
    name="SetBehaviour",
    command=commands.set_behaviours,
    reply=lambda behaviour: pb.SetBehaviourResponse(behaviour=messages.to_behaviour(behaviour)),
    reply_type=pb.SetBehaviourResponse,
)
_SET_OUTCOME = Operation(
    name="SetOutcome",
    command=commands.set_outcomes,
    reply=lambda turned: pb.SetOutcomeResponse(transaction=messages.to_transaction(turned)),
    reply_type=pb.SetOutcomeResponse,
)
_DECLINE_REFUNDS = Operation(
    name="DeclineRefunds",
    command=commands.decline_refunds,
    reply=lambda authorization: pb.DeclineRefundsResponse(
        authorization_reference=authorization.authorization_reference, count=authorization.refund_declines_left
    ),
    reply_type=pb.DeclineRefundsResponse,
)
_OPEN_DISPUTE = Operation(
    name="OpenDispute",
    command=commands.open_disputes,
    reply=lambda opened: pb.OpenDisputeResponse(dispute=messages.to_dispute(opened)),
    reply_type=pb.OpenDisputeResponse,
    creates=Creates(table=store.disputes, read=store.disputes.by_key),
)
_ADVANCE_DISPUTE = Operation(
    name="AdvanceDispute",
    command=commands.advance_disputes,
    reply=lambda advanced: pb.AdvanceDisputeResponse(dispute=messages.to_dispute(advanced)),
    reply_type=pb.AdvanceDisputeResponse,
)


class SimulatorServicer(channel_pb2_grpc.SimulatorServiceServicer):
    """Serves paystream.channel.v1.SimulatorService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime, latency: Latency) -> None:
        self._runtime = runtime
        self._latency = latency

    async def SetOutcome(self, request: pb.SetOutcomeRequest, _context: Any) -> pb.SetOutcomeResponse:
        """Say something of an attempt after it was decided, once per request_id."""
        return await self._runtime.call(_SET_OUTCOME, request, messages.from_set_outcome(request))

    async def DeclineRefunds(self, request: pb.DeclineRefundsRequest, _context: Any) -> pb.DeclineRefundsResponse:
        """Have the next refunds of a capture declined."""
        item = commands.DeclineRefunds(attempt_id=request.attempt_id, count=request.count)
        return await self._runtime.call(_DECLINE_REFUNDS, request, item)

    async def OpenDispute(self, request: pb.OpenDisputeRequest, _context: Any) -> pb.OpenDisputeResponse:
        """Have a payer dispute a capture, once per request_id."""
        return await self._runtime.call(_OPEN_DISPUTE, request, messages.from_open_dispute(request))

    async def AdvanceDispute(self, request: pb.AdvanceDisputeRequest, _context: Any) -> pb.AdvanceDisputeResponse:
        """Have the payer's bank go on with a dispute, once per request_id."""
        return await self._runtime.call(_ADVANCE_DISPUTE, request, messages.from_advance_dispute(request))

    async def GetDispute(self, request: pb.GetDisputeRequest, _context: Any) -> pb.GetDisputeResponse:
        """Read a dispute."""
        disputed = await self._runtime.read(lambda tx: store.disputes.get(tx, request.dispute_reference))
        if disputed is None:
            raise dispute.not_found(request.dispute_reference)
        return pb.GetDisputeResponse(dispute=messages.to_dispute(disputed))

    async def SetBehaviour(self, request: pb.SetBehaviourRequest, _context: Any) -> pb.SetBehaviourResponse:
        """Set or remove a behaviour."""
        given = messages.from_behaviour(request.behaviour) if request.HasField("behaviour") else None
        item = commands.SetBehaviour(merchant_id=request.merchant_id, behaviour=given, cause=current_call().cause)
        response = await self._runtime.call(_SET_BEHAVIOUR, request, item)
        self._latency.forget()
        return response

    async def GetBehaviour(self, request: pb.GetBehaviourRequest, _context: Any) -> pb.GetBehaviourResponse:
        """Return the behaviour that applies."""
        behaviours = await self._runtime.read(lambda tx: store.behaviours_of(tx, [request.merchant_id]))
        return pb.GetBehaviourResponse(behaviour=messages.to_behaviour(behaviours.of(request.merchant_id)))
