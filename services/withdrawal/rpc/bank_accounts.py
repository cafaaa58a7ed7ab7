"""The part of the WithdrawalService that is about bank accounts."""

from typing import Any

from paykit.merchants.standing import MerchantUnknown
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import waiting
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import messages
from services.withdrawal.commands import bank_accounts as bank_account_commands
from services.withdrawal.domain import bank_account
from services.withdrawal.domain.bank_account import BankAccount
from services.withdrawal.store import bank_accounts as bank_account_store

_CREATE = Operation(
    name="CreateBankAccount",
    command=bank_account_commands.create_bank_accounts,
    reply=lambda account: pb.CreateBankAccountResponse(bank_account=messages.to_account(account)),
    reply_type=pb.CreateBankAccountResponse,
)
_VERIFY = Operation(
    name="VerifyBankAccount",
    command=bank_account_commands.change_bank_accounts,
    reply=lambda account: pb.VerifyBankAccountResponse(bank_account=messages.to_account(account)),
    reply_type=pb.VerifyBankAccountResponse,
)
_DISABLE = Operation(
    name="DisableBankAccount",
    command=bank_account_commands.change_bank_accounts,
    reply=lambda account: pb.DisableBankAccountResponse(bank_account=messages.to_account(account)),
    reply_type=pb.DisableBankAccountResponse,
)


class BankAccounts:
    """The methods about bank accounts."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreateBankAccount(
        self, request: pb.CreateBankAccountRequest, _context: Any
    ) -> pb.CreateBankAccountResponse:
        """Register a bank account, once per request_id."""
        item = messages.from_create_account(request)
        return await waiting.until_known((MerchantUnknown,), lambda: self._runtime.call(_CREATE, request, item))

    async def GetBankAccount(self, request: pb.GetBankAccountRequest, _context: Any) -> pb.GetBankAccountResponse:
        """Read a bank account."""
        account = await self._runtime.read(lambda tx: _account(tx, request.bank_account_id))
        return pb.GetBankAccountResponse(bank_account=messages.to_account(account))

    async def ListBankAccounts(self, request: pb.ListBankAccountsRequest, _context: Any) -> pb.ListBankAccountsResponse:
        """Read a page of a merchant's bank accounts."""
        page, token = await newest_page(
            self._runtime,
            request,
            bank_account_store.list_accounts,
            wanted=messages.from_list_accounts(request),
            key=lambda account: (account.create_time, account.bank_account_id),
        )
        return pb.ListBankAccountsResponse(bank_accounts=map(messages.to_account, page), next_page_token=token)

    async def VerifyBankAccount(
        self, request: pb.VerifyBankAccountRequest, _context: Any
    ) -> pb.VerifyBankAccountResponse:
        """Record the result of a check."""
        return await self._runtime.change(_VERIFY, messages.from_verify(request))

    async def DisableBankAccount(
        self, request: pb.DisableBankAccountRequest, _context: Any
    ) -> pb.DisableBankAccountResponse:
        """Stop using a bank account."""
        return await self._runtime.change(_DISABLE, messages.from_disable(request))


async def _account(tx: Tx, bank_account_id: str) -> BankAccount:
    account = (await bank_account_store.accounts_by_id(tx, [bank_account_id])).get(bank_account_id)
    if account is None:
        raise bank_account.not_found(bank_account_id)
    return account
