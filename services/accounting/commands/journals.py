"""What callers ask of the ledger: manual journals and reversals."""

from collections.abc import Sequence

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.accounting import charts
from services.accounting.commands import posting
from services.accounting.commands.posting import Posting
from services.accounting.domain import journal
from services.accounting.domain import transaction as domain
from services.accounting.domain.journal import Journal, Known, Reversal
from services.accounting.domain.transaction import Transaction, TransactionConflict, TransactionNotFound
from services.accounting.store import postings as store


async def create_transactions(tx: Tx, items: Sequence[Journal]) -> list[Transaction | DomainError]:
    """Book manual journals; one result per journal, in order.

    Returns:
        The transaction, booked now or before by the same content; in its place a refusal of `journal.book`,
        InsufficientFunds, or TransactionConflict for a pair booked with other content.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    chart = charts.load(await store.chart_in_use(tx))
    legs = [leg for item in items for leg in item.legs]
    known = Known(
        await store.find_accounts(tx, chart, {leg.account_id for leg in legs if leg.account_id is not None}),
        await store.find_merchants(tx, {leg.merchant_id for leg in legs if leg.merchant_id is not None}),
    )
    made = [journal.book(chart, item, known=known, now=tx.now) for item in items]
    asked = [
        Posting(each, item.cause, domain.CALLER_STRIPE, dated=item.effective_at is not None)
        for each, item in zip(made, items, strict=True)
        if isinstance(each, Transaction)
    ]
    results = iter(await posting.post(tx, chart, asked))
    return [each if isinstance(each, DomainError) else next(results) for each in made]


async def reverse_transactions(tx: Tx, items: Sequence[Reversal]) -> list[Transaction | DomainError]:
    """Book reversals; one result per item, in order.

    Returns:
        The reversing transaction; in its place TransactionNotFound, a refusal of `journal.reverse`,
        TransactionAlreadyReversed or InsufficientFunds.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    chart = charts.load(await store.chart_in_use(tx))
    found = await store.find_transactions(tx, {item.transaction_id for item in items})
    made = [_reverse(found.get(item.transaction_id), item, tx) for item in items]
    asked = [
        Posting(each, item.cause, domain.CALLER_STRIPE)
        for each, item in zip(made, items, strict=True)
        if isinstance(each, Transaction)
    ]
    results = iter(zip(asked, await posting.post(tx, chart, asked), strict=True))
    return [each if isinstance(each, DomainError) else _first_only(*next(results)) for each in made]


def _reverse(original: Transaction | None, item: Reversal, tx: Tx) -> Transaction | DomainError:
    if original is None:
        message = f"There is no transaction {item.transaction_id}."
        return TransactionNotFound(message, field="transaction_id", transaction_id=item.transaction_id)
    return journal.reverse(original, item, now=tx.now)


def _first_only(asked: Posting, result: Transaction | DomainError) -> Transaction | DomainError:
    """A reversal that was booked before, by whomever and however, is no success of this call."""
    if result is asked.transaction or not isinstance(result, (Transaction, TransactionConflict)):
        return result
    return journal.already_reversed(asked.transaction.related_no)
