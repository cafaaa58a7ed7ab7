"""The WithdrawalService: messages to commands and back."""

from dataclasses import replace
from typing import Any

from paykit.base.call import current_call
from paykit.ids import new_id
from paykit.merchants import projection, standing
from paykit.merchants.standing import NOT_TOLD_YET, MerchantUnknown
from paykit.money import require_known_currency
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import waiting
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paykit.serve.outcomes.awaiting import Awaited, Outcomes, shown
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from paystream.withdrawal.v1 import withdrawal_pb2_grpc
from services.withdrawal import commands, domain, messages, store
from services.withdrawal.domain.allowance import ROLLING_DAY, Allowance
from services.withdrawal.domain.withdrawal import NotHeldYet, Withdrawal
from services.withdrawal.domain.withdrawal_state import CONCLUDED
from services.withdrawal.rpc.bank_account import BankAccountMethods

_CREATE = Operation(
    name="CreateWithdrawal",
    command=commands.withdrawal.create_withdrawals,
    reply=lambda withdrawal: pb.CreateWithdrawalResponse(withdrawal=messages.to_withdrawal(withdrawal)),
    reply_type=pb.CreateWithdrawalResponse,
    creates=Creates(table=store.withdrawals, read=store.withdrawals.by_key),
    at_once=True,
    waits_for=NOT_TOLD_YET,
)
_CANCEL = Operation(
    name="CancelWithdrawal",
    command=commands.withdrawal.cancel_withdrawals,
    reply=lambda withdrawal: pb.CancelWithdrawalResponse(withdrawal=messages.to_withdrawal(withdrawal)),
    reply_type=pb.CancelWithdrawalResponse,
    waits_for=(NotHeldYet,),
)


class WithdrawalServicer(BankAccountMethods, withdrawal_pb2_grpc.WithdrawalServiceServicer):
    """Serves paystream.withdrawal.v1.WithdrawalService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._outcomes = Outcomes(runtime)

    async def GetWithdrawableBalance(
        self, request: pb.GetWithdrawableBalanceRequest, _context: Any
    ) -> pb.GetWithdrawableBalanceResponse:
        """Read what can be withdrawn."""
        require_known_currency(request.currency_code)
        allowance = await waiting.until_known(
            (MerchantUnknown,),
            lambda: self._runtime.read(lambda tx: _allowance(tx, request.merchant_id, request.currency_code)),
        )
        return messages.to_balance(allowance, currency_code=request.currency_code, settings=self._runtime.settings)

    async def CreateWithdrawal(self, request: pb.CreateWithdrawalRequest, _context: Any) -> pb.CreateWithdrawalResponse:
        """Accept a withdrawal, once per request_id."""
        call = current_call()
        item = messages.from_create_withdrawal(request, self._runtime.settings, requester=call.caller, cause=call.cause)
        if not request.HasField("wait_for"):
            return await self._runtime.call(_CREATE, request, item)
        withdrawal_id = new_id("wdr", of=request.merchant_id)
        return await self._outcomes.after(
            lambda: self._runtime.call(_CREATE, request, replace(item, withdrawal_id=withdrawal_id)),
            request,
            _CREATED,
            key=withdrawal_id,
            key_of=lambda reply: reply.withdrawal.withdrawal_id,
        )

    async def CancelWithdrawal(self, request: pb.CancelWithdrawalRequest, _context: Any) -> pb.CancelWithdrawalResponse:
        """Call a withdrawal off, once per request_id."""
        item = messages.from_cancel(request, cause=current_call().cause)
        return await self._runtime.call(_CANCEL, request, item)

    async def GetWithdrawal(self, request: pb.GetWithdrawalRequest, _context: Any) -> pb.GetWithdrawalResponse:
        """Read a withdrawal with its calls to the bank."""
        return await self._outcomes.get(
            request, _WITHDRAWAL, key=request.withdrawal_id, missing=domain.withdrawal.not_found
        )

    async def ListWithdrawals(self, request: pb.ListWithdrawalsRequest, _context: Any) -> pb.ListWithdrawalsResponse:
        """Read a page of withdrawals."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.withdrawals.list,
            wanted=messages.from_list_withdrawals(request),
            key=lambda withdrawal: (withdrawal.create_time, withdrawal.withdrawal_id),
            show=messages.to_withdrawal,
        )
        return pb.ListWithdrawalsResponse(withdrawals=page, next_page_token=token)


async def _allowance(tx: Tx, merchant_id: str, currency_code: str) -> Allowance:
    if not await projection.statuses(tx, [merchant_id]):
        raise standing.unknown(merchant_id)
    key = (merchant_id, currency_code)
    return (await store.read_allowances(tx, [key], since=tx.now - ROLLING_DAY))[key]


async def _with_attempts(tx: Tx, withdrawal: Withdrawal) -> pb.GetWithdrawalResponse:
    attempts = await store.attempts.of(tx, withdrawal.withdrawal_id, limit=store.ATTEMPTS_SHOWN_MAX)
    return pb.GetWithdrawalResponse(
        withdrawal=messages.to_withdrawal(withdrawal), attempts=map(messages.to_attempt, attempts)
    )


def _is_concluded(withdrawal: Withdrawal) -> bool:
    return withdrawal.state in CONCLUDED


_CREATED = Awaited(read=store.withdrawals.by_key, concluded=_is_concluded, show=shown(_CREATE.reply))
_WITHDRAWAL = Awaited(read=store.withdrawals.by_key, concluded=_is_concluded, show=_with_attempts)
