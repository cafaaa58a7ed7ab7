"""The methods of the WithdrawalOperationsService about contradictions."""

from paykit.contradictions import contradiction_messages as messages
from paykit.contradictions.contradiction_rpc import ContradictionCalls, ContradictionMethods
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


class WithdrawalContradictionMethods(
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
