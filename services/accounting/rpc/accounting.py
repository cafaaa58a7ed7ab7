"""The AccountingService: messages to commands and queries, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from paykit import paging
from paykit.errors import PageTokenInvalid
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.listing import cut
from paykit.serve.timestamps import from_optional
from paystream.accounting.v1 import accounting_pb2 as pb
from paystream.accounting.v1 import accounting_pb2_grpc
from services.accounting import domain, messages, store
from services.accounting.domain.statement import LineKey, Statement
from services.accounting.domain.transaction import ENTRIES_MAX, Account, Transaction
from services.accounting.rpc import listing
from services.accounting.store import AccountFilter
from services.accounting.store.archive import pairs
from services.accounting.store.archive.carried import hold_journal

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_END = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""Where a statement without limits begins and ends: the bounds of protobuf's Timestamp."""


class AccountingServicer(accounting_pb2_grpc.AccountingServiceServicer):
    """Serves paystream.accounting.v1.AccountingService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetTransaction(self, request: pb.GetTransactionRequest, _context: Any) -> pb.GetTransactionResponse:
        """Read a transaction."""
        transaction_id = request.transaction_id
        transaction = await self._runtime.read(lambda tx: store.transactions.get(tx, transaction_id))
        if transaction is None:
            # It may not exist; or its month gave way just now, and the snapshot has neither the old nor the new. This
            # look has waited for that, and a month gives way once: the next one sees what it left.
            transaction = await self._runtime.read(lambda tx: _left_transaction(tx, transaction_id))
        return pb.GetTransactionResponse(transaction=messages.to_transaction(transaction))

    async def ListTransactions(self, request: pb.ListTransactionsRequest, _context: Any) -> pb.ListTransactionsResponse:
        """Read a page of transactions."""
        page, token = await listing.transactions(self._runtime, request)
        return pb.ListTransactionsResponse(transactions=page, next_page_token=token)

    async def GetAccount(self, request: pb.GetAccountRequest, _context: Any) -> pb.GetAccountResponse:
        """Read an account."""
        account = await self._runtime.read(lambda tx: _account(tx, request.account_id))
        return pb.GetAccountResponse(account=messages.to_account(account))

    async def ListAccounts(self, request: pb.ListAccountsRequest, _context: Any) -> pb.ListAccountsResponse:
        """Read a page of accounts."""
        page, token = await listing.accounts(self._runtime, request)
        return pb.ListAccountsResponse(accounts=page, next_page_token=token)

    async def GetBalance(self, request: pb.GetBalanceRequest, _context: Any) -> pb.GetBalanceResponse:
        """Read a balance."""
        as_of = from_optional(request, "as_of_time")

        async def query(tx: Tx) -> tuple[Account, int]:
            if as_of is not None:
                await hold_journal(tx)
            account = await _account(tx, request.account_id)
            return account, await store.balance_of(tx, account.account_id, as_of=as_of)

        account, balance = await self._runtime.read(query)
        return pb.GetBalanceResponse(
            account=messages.to_account(account),
            balance_minor=str(balance),
            as_of_time=request.as_of_time if as_of else None,
        )

    async def GetMerchantBalances(
        self, request: pb.GetMerchantBalancesRequest, _context: Any
    ) -> pb.GetMerchantBalancesResponse:
        """Read the balances of all accounts of a merchant."""
        wanted = AccountFilter(merchant_id=request.merchant_id, currency_code=request.currency_code or None)

        async def query(tx: Tx) -> list[tuple[Account, int]]:
            accounts = await store.accounts.of_merchant(tx, wanted)
            balances = await store.balances_of(tx, [account.account_id for account in accounts])
            return [(account, balances.get(account.account_id, 0)) for account in accounts]

        return pb.GetMerchantBalancesResponse(
            balances=[
                pb.AccountBalance(account=messages.to_account(account), balance_minor=str(balance))
                for account, balance in await self._runtime.read(query)
            ]
        )

    async def ListEntries(self, request: pb.ListEntriesRequest, _context: Any) -> pb.ListEntriesResponse:
        """Read a page of an account's statement."""
        start = from_optional(request, "effective_time_min") or _BEGINNING
        end = from_optional(request, "effective_time_before") or _END
        listing.refuse_backwards(start, end)
        scope = ("ListEntries", request.account_id, start, end)
        size = paging.page_size(request.page_size)
        after = paging.decode_page_token(request.page_token, scope, kinds=(int, str, int))
        behind = _line_key(*after) if after else None

        async def query(tx: Tx) -> Statement:
            await hold_journal(tx)
            account = await _account(tx, request.account_id)
            return await store.statement(tx, account, start=start, end=end, behind=behind, limit=size + 1)

        statement = await self._runtime.read(query)
        bytes_max = self._runtime.reply_bytes_max
        lines = cut(statement.lines, size=size, show=messages.to_line, bytes_max=bytes_max)
        token = ""
        if len(lines) < len(statement.lines):
            effective_at, transaction_id, line = statement.lines[len(lines) - 1].key
            token = paging.encode_page_token([_micros(effective_at), transaction_id, line], scope)
        return messages.to_statement(statement, lines, token)


async def _left_transaction(tx: Tx, transaction_id: str) -> Transaction:
    """Read a transaction, or why there is none."""
    transaction = await store.transactions.get(tx, transaction_id)
    if transaction is None:
        for known in (await pairs.archived_among(tx, [transaction_id])).values():
            raise domain.archive.transaction_archived(transaction_id, known.archived)
        raise domain.transaction.not_found(transaction_id)
    return transaction


async def _account(tx: Tx, account_id: str) -> Account:
    account = await store.accounts.get(tx, account_id)
    if account is None:
        raise domain.transaction.account_not_found(account_id)
    return account


def _micros(moment: datetime) -> int:
    """Microseconds since year 1, exact, where a float of seconds would round."""
    since = moment - _BEGINNING
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _line_key(micros: str | int, transaction_id: str | int, line: str | int) -> LineKey:
    """Read a place in a statement from its token, which anybody can write."""
    try:
        moment = _BEGINNING + timedelta(microseconds=int(micros))
    except OverflowError as error:
        raise PageTokenInvalid("page_token is malformed.", field="page_token") from error
    if not 0 <= int(line) < ENTRIES_MAX:
        raise PageTokenInvalid("page_token is malformed.", field="page_token")
    return moment, str(transaction_id), int(line)
