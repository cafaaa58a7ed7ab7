"""The methods of the WithdrawalService about bank accounts."""

from typing import Any

from paykit.base.call import current_call
from paykit.merchants.standing import MerchantUnknown
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import commands, domain, messages, store
from services.withdrawal.domain.bank_account import BankAccount

_CREATE = Operation(
    name="CreateBankAccount",
    command=commands.bank_account.create_bank_accounts,
    reply=lambda account: pb.CreateBankAccountResponse(bank_account=messages.to_account(account)),
    reply_type=pb.CreateBankAccountResponse,
    creates=Creates(table=store.bank_accounts, read=store.bank_accounts.by_key),
    waits_for=(MerchantUnknown,),
)
_DISABLE = Operation(
    name="DisableBankAccount",
    command=commands.bank_account.change_bank_accounts,
    reply=lambda account: pb.DisableBankAccountResponse(bank_account=messages.to_account(account)),
    reply_type=pb.DisableBankAccountResponse,
)


class BankAccountMethods:
    """Serves bank accounts of paystream.withdrawal.v1.WithdrawalService; the contract stands in its proto."""

    _runtime: Runtime

    async def CreateBankAccount(
        self, request: pb.CreateBankAccountRequest, _context: Any
    ) -> pb.CreateBankAccountResponse:
        """Register a bank account, once per request_id."""
        return await self._runtime.call(
            _CREATE, request, messages.from_create_account(request, cause=current_call().cause)
        )

    async def GetBankAccount(self, request: pb.GetBankAccountRequest, _context: Any) -> pb.GetBankAccountResponse:
        """Read a bank account."""
        account = await self._runtime.read(lambda tx: _account(tx, request.bank_account_id))
        return pb.GetBankAccountResponse(bank_account=messages.to_account(account))

    async def ListBankAccounts(self, request: pb.ListBankAccountsRequest, _context: Any) -> pb.ListBankAccountsResponse:
        """Read a page of a merchant's bank accounts."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.bank_accounts.list,
            wanted=messages.from_list_accounts(request),
            key=lambda account: (account.create_time, account.bank_account_id),
            show=messages.to_account,
        )
        return pb.ListBankAccountsResponse(bank_accounts=page, next_page_token=token)

    async def DisableBankAccount(
        self, request: pb.DisableBankAccountRequest, _context: Any
    ) -> pb.DisableBankAccountResponse:
        """Stop using a bank account."""
        return await self._runtime.call(_DISABLE, request, messages.from_disable(request, cause=current_call().cause))


async def _account(tx: Tx, bank_account_id: str) -> BankAccount:
    account = await store.bank_accounts.get(tx, bank_account_id)
    if account is None:
        raise domain.bank_account.not_found(bank_account_id)
    return account
