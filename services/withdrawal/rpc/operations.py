"""The WithdrawalOperationsService: messages to commands and back."""

from typing import Any

from paykit.base.call import current_call
from paykit.process.runtime import Runtime
from paykit.serve import auth
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from paystream.withdrawal.v1 import withdrawal_pb2_grpc
from services.withdrawal import commands, messages, store
from services.withdrawal.domain.withdrawal import NotHeldYet
from services.withdrawal.rpc.contradiction import WithdrawalContradictionMethods

_APPROVE = Operation(
    name="ApproveWithdrawal",
    command=commands.withdrawal.decide_withdrawals,
    reply=lambda withdrawal: pb.ApproveWithdrawalResponse(withdrawal=messages.to_withdrawal(withdrawal)),
    reply_type=pb.ApproveWithdrawalResponse,
    waits_for=(NotHeldYet,),
    wakes=commands.SUBMISSION_JOBS,
)
_REJECT = Operation(
    name="RejectWithdrawal",
    command=commands.withdrawal.decide_withdrawals,
    reply=lambda withdrawal: pb.RejectWithdrawalResponse(withdrawal=messages.to_withdrawal(withdrawal)),
    reply_type=pb.RejectWithdrawalResponse,
    waits_for=(NotHeldYet,),
)
_VERIFY = Operation(
    name="VerifyBankAccount",
    command=commands.bank_account.change_bank_accounts,
    reply=lambda account: pb.VerifyBankAccountResponse(bank_account=messages.to_account(account)),
    reply_type=pb.VerifyBankAccountResponse,
)


class WithdrawalOperationsServicer(
    WithdrawalContradictionMethods, withdrawal_pb2_grpc.WithdrawalOperationsServiceServicer
):
    """Serves paystream.withdrawal.v1.WithdrawalOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ApproveWithdrawal(
        self, request: pb.ApproveWithdrawalRequest, _context: Any
    ) -> pb.ApproveWithdrawalResponse:
        """Approve a withdrawal, once per request_id."""
        item = messages.from_decision(request, decider=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_APPROVE, request, item)

    async def RejectWithdrawal(self, request: pb.RejectWithdrawalRequest, _context: Any) -> pb.RejectWithdrawalResponse:
        """Reject a withdrawal, once per request_id."""
        item = messages.from_decision(request, decider=auth.named_caller(), cause=current_call().cause)
        return await self._runtime.call(_REJECT, request, item)

    async def ListUnmatchedEvidence(
        self, request: pb.ListUnmatchedEvidenceRequest, _context: Any
    ) -> pb.ListUnmatchedEvidenceResponse:
        """Read a page of what was told of no payout."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.unmatched_evidence.list,
            wanted=messages.from_list_unmatched(request),
            key=lambda kept: (kept.create_time, kept.evidence_id),
            show=messages.to_unmatched,
        )
        return pb.ListUnmatchedEvidenceResponse(evidence=page, next_page_token=token)

    async def VerifyBankAccount(
        self, request: pb.VerifyBankAccountRequest, _context: Any
    ) -> pb.VerifyBankAccountResponse:
        """Record the result of a check."""
        return await self._runtime.call(_VERIFY, request, messages.from_verify(request, cause=current_call().cause))

    async def ListWithdrawalsToDecide(
        self, request: pb.ListWithdrawalsToDecideRequest, _context: Any
    ) -> pb.ListWithdrawalsToDecideResponse:
        """Read a page of withdrawals that wait for a decision."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.withdrawals.list_to_decide,
            wanted=messages.from_list_waiting(request),
            key=lambda withdrawal: (withdrawal.create_time, withdrawal.withdrawal_id),
            show=messages.to_withdrawal,
        )
        return pb.ListWithdrawalsToDecideResponse(withdrawals=page, next_page_token=token)

    async def ListBlockedWithdrawals(
        self, request: pb.ListBlockedWithdrawalsRequest, _context: Any
    ) -> pb.ListBlockedWithdrawalsResponse:
        """Read a page of withdrawals that are kept from being sent."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.withdrawals.list_blocked,
            wanted=messages.from_list_waiting(request, blocked=True),
            key=lambda withdrawal: (withdrawal.create_time, withdrawal.withdrawal_id),
            show=messages.to_withdrawal,
        )
        return pb.ListBlockedWithdrawalsResponse(withdrawals=page, next_page_token=token)
