"""The AccountingOperationsService: messages to commands and back."""

from typing import Any

from paykit.base.call import current_call
from paykit.money import require_known_currency
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import batching
from paykit.serve.idempotency import Creates
from paykit.serve.operations import Operation
from paykit.serve.timestamps import from_optional
from paystream.accounting.v1 import accounting_pb2 as pb
from paystream.accounting.v1 import accounting_pb2_grpc
from services.accounting import messages, store
from services.accounting.commands import journals
from services.accounting.domain.journal import Journal
from services.accounting.domain.statement import TrialBalanceLine
from services.accounting.rpc import listing
from services.accounting.rpc.two_people import TwoPeopleMethods
from services.accounting.store.archive.carried import hold_journal

_Result = pb.BatchCreateTransactionsResponse.Result
_CREATE = Operation(
    name="CreateTransaction",
    command=journals.create_transactions,
    reply=lambda transaction: pb.CreateTransactionResponse(transaction=messages.to_transaction(transaction)),
    reply_type=pb.CreateTransactionResponse,
    creates=Creates(table=store.CreatedTransactions(), read=store.transactions.by_key),
)
# The same operation with the item of a batch response as its reply. Both replies hold the transaction in field 1, so
# each reads what the other stored.
_CREATE_IN_BATCH = Operation(
    name=_CREATE.name,
    command=journals.create_transactions,
    reply=lambda transaction: _Result(transaction=messages.to_transaction(transaction)),
    reply_type=_Result,
    creates=_CREATE.creates,
)
_REVERSE = Operation(
    name="ReverseTransaction",
    command=journals.reverse_transactions,
    reply=lambda transaction: pb.ReverseTransactionResponse(transaction=messages.to_transaction(transaction)),
    reply_type=pb.ReverseTransactionResponse,
    creates=Creates(table=store.CreatedTransactions(), read=store.transactions.by_key),
)


class AccountingOperationsServicer(TwoPeopleMethods, accounting_pb2_grpc.AccountingOperationsServiceServicer):
    """Serves paystream.accounting.v1.AccountingOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreateTransaction(
        self, request: pb.CreateTransactionRequest, _context: Any
    ) -> pb.CreateTransactionResponse:
        """Book a manual journal, once per request_id."""
        return await self._runtime.call(_CREATE, request, self._journal(request))

    async def BatchCreateTransactions(
        self, request: pb.BatchCreateTransactionsRequest, _context: Any
    ) -> pb.BatchCreateTransactionsResponse:
        """Book manual journals, each by itself."""
        items = batching.read_items(request.requests, self._journal)
        results = await self._runtime.call_batch(_CREATE_IN_BATCH, request.requests, items)
        return pb.BatchCreateTransactionsResponse(results=batching.to_results(_Result, results))

    async def ReverseTransaction(
        self, request: pb.ReverseTransactionRequest, _context: Any
    ) -> pb.ReverseTransactionResponse:
        """Book the opposite of a transaction, once."""
        limits = self._runtime.settings.accounting_journal_limits
        item = messages.from_reverse(request, current_call().cause, alone_limits=limits)
        return await self._runtime.call(_REVERSE, request, item)

    def _journal(self, request: pb.CreateTransactionRequest) -> Journal:
        limits = self._runtime.settings.accounting_journal_limits
        limit_minor = limits.get(request.currency_code, limits["*"])
        return messages.from_create(request, current_call().cause, alone_limit_minor=limit_minor)

    async def ListAllTransactions(
        self, request: pb.ListAllTransactionsRequest, _context: Any
    ) -> pb.ListAllTransactionsResponse:
        """Read a page of transactions of all merchants."""
        page, token = await listing.transactions(self._runtime, request)
        return pb.ListAllTransactionsResponse(transactions=page, next_page_token=token)

    async def ListAllAccounts(self, request: pb.ListAllAccountsRequest, _context: Any) -> pb.ListAllAccountsResponse:
        """Read a page of accounts of all merchants."""
        page, token = await listing.accounts(self._runtime, request)
        return pb.ListAllAccountsResponse(accounts=page, next_page_token=token)

    async def GetTrialBalance(self, request: pb.GetTrialBalanceRequest, _context: Any) -> pb.GetTrialBalanceResponse:
        """Read the trial balances."""
        if request.currency_code:
            require_known_currency(request.currency_code)
        as_of = from_optional(request, "as_of_time")
        currency_code = request.currency_code or None

        async def query(tx: Tx) -> list[TrialBalanceLine]:
            if as_of is not None:
                await hold_journal(tx)
            return await store.trial_balance(tx, as_of=as_of, currency_code=currency_code)

        lines = await self._runtime.read(query)
        return pb.GetTrialBalanceResponse(trial_balances=messages.to_trial_balances(lines))
