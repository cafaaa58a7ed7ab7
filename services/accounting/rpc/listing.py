"""What lists of the ledger select, and a page of one: of a merchant, or across merchants for operators."""

from collections.abc import Sequence
from datetime import datetime

from paykit.errors import FieldInvalid
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page, page_by_key
from paykit.serve.timestamps import from_optional
from paystream.accounting.v1 import accounting_pb2 as pb
from services.accounting import messages, store
from services.accounting.store import AccountFilter, TransactionFilter

ListTransactions = pb.ListTransactionsRequest | pb.ListAllTransactionsRequest
ListAccounts = pb.ListAccountsRequest | pb.ListAllAccountsRequest


async def transactions(runtime: Runtime, request: ListTransactions) -> tuple[Sequence[pb.Transaction], str]:
    """Read a page of transactions, the latest first, and the token of the next.

    Raises:
        FieldInvalid: It ends before it begins.
        MonthArchived: What it names may be in an archive.
        PageTokenInvalid: The token is malformed, or of another list or other filters.
    """
    of_one = request if isinstance(request, pb.ListTransactionsRequest) else None
    wanted = TransactionFilter(
        merchant_id=(of_one.merchant_id or None) if of_one else None,
        root_reference=(of_one.root_reference or None) if of_one else None,
        related_no=(of_one.related_no or None) if of_one else None,
        start=from_optional(request, "effective_time_min"),
        end=from_optional(request, "effective_time_before"),
        transaction_type=request.transaction_type or None,
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
    )
    refuse_backwards(wanted.start, wanted.end)
    return await newest_page(
        runtime,
        request,
        store.transactions.list,
        wanted=wanted,
        key=lambda transaction: (transaction.effective_at, transaction.transaction_id),
        show=messages.to_transaction,
    )


async def accounts(runtime: Runtime, request: ListAccounts) -> tuple[Sequence[pb.Account], str]:
    """Read a page of accounts in the order of their ids, and the token of the next.

    Raises:
        PageTokenInvalid: The token is malformed, or of another list or other filters.
    """
    wanted = AccountFilter(
        merchant_id=request.merchant_id if isinstance(request, pb.ListAccountsRequest) else None,
        account_kind=request.account_kind or None,
        currency_code=request.currency_code or None,
    )
    return await page_by_key(
        runtime,
        request,
        store.accounts.list,
        wanted=wanted,
        key=lambda account: account.account_id,
        show=messages.to_account,
        kind=str,
    )


def refuse_backwards(start: datetime | None, end: datetime | None) -> None:
    """Refuse a range that ends before it begins.

    Raises:
        FieldInvalid: It does.
    """
    if start is not None and end is not None and end < start:
        raise FieldInvalid(
            "effective_time_before must not be before effective_time_min.", field="effective_time_before"
        )
