"""What callers ask of the ledger: manual journals and reversals."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import fold
from services.accounting import domain, store
from services.accounting.commands.admission import AskedPosting, admit_and_post
from services.accounting.commands.posting import Posting
from services.accounting.domain.journal import Journal, Reversal
from services.accounting.domain.transaction import CALLER_STRIPE, Transaction, TransactionConflict
from services.accounting.store import OpenBooks
from services.accounting.store.archive import pairs


async def create_transactions(tx: Tx, items: Sequence[Journal]) -> list[Transaction | DomainError]:
    """Book manual journals; one result per journal, in order.

    Returns:
        The transaction, booked now or before by the same content; in its place a refusal of `journal.book`,
        JournalNeedsApproval, PeriodClosed, InsufficientFunds, or TransactionConflict for a pair booked with other
        content.

    Rows: account, journal, leg, balance, booked_alone_sum, booked_alone_summed. Events: AccountCreated,
    TransactionCreated.
    """
    if not items:
        return []
    books = await store.open_books(tx)
    transactions = await journal_transactions(tx, books, items)
    asked = [
        transaction
        if isinstance(transaction, DomainError)
        else AskedPosting(_posting(transaction, item), item.alone_limit_minor)
        for transaction, item in zip(transactions, items, strict=True)
    ]
    return await admit_and_post(tx, books, asked)


async def reverse_transactions(tx: Tx, items: Sequence[Reversal]) -> list[Transaction | DomainError]:
    """Book reversals; one result per item, in order.

    Returns:
        The reversing transaction; in its place TransactionNotFound, a refusal of `journal.reverse`,
        JournalNeedsApproval, PeriodClosed, TransactionAlreadyReversed or InsufficientFunds.

    Rows: account, journal, leg, balance, booked_alone_sum, booked_alone_summed. Events: AccountCreated,
    TransactionCreated.
    """
    if not items:
        return []
    books = await store.open_books(tx)
    transactions = await reversing_transactions(tx, items)
    asked = [
        transaction
        if isinstance(transaction, DomainError)
        else AskedPosting(_posting(transaction, item), _limit(transaction, item))
        for transaction, item in zip(transactions, items, strict=True)
    ]
    results = await admit_and_post(tx, books, asked)
    return [_first_only(item, result) for item, result in zip(asked, results, strict=True)]


async def journal_transactions(tx: Tx, books: OpenBooks, items: Sequence[Journal]) -> list[Transaction | DomainError]:
    """Make the transactions of journals, without booking them."""
    legs = [leg for item in items for leg in item.legs]
    accounts = await store.accounts.by_key(tx, {leg.account_id for leg in legs if leg.account_id is not None})
    merchants = await store.accounts.merchants_among(
        tx, {leg.merchant_id for leg in legs if leg.merchant_id is not None}
    )
    return fold(
        items,
        lambda item: domain.journal.book(books.chart, item, accounts=accounts, merchants=merchants, now=tx.now),
    )


async def reversing_transactions(tx: Tx, items: Sequence[Reversal]) -> list[Transaction | DomainError]:
    """Make the transactions of reversals, without booking them."""
    asked = {item.transaction_id for item in items}
    originals = await store.transactions.by_key(tx, asked)
    if missing := asked - originals.keys():
        # A month that gave way while the look waited is seen from now on, and none does any more: what was asked for is
        # archived, or among what was kept of its month.
        originals |= await store.transactions.by_key(tx, missing)
    archived = await pairs.archived_among(tx, asked - originals.keys())
    return fold(items, lambda item: _reverse(originals, archived, item, tx.now))


def _posting(transaction: Transaction, item: Journal | Reversal) -> Posting:
    return Posting(transaction, item.cause, CALLER_STRIPE, dated=item.effective_at is not None)


def _limit(transaction: Transaction, item: Reversal) -> int | None:
    if item.alone_limits is None:
        return None
    return item.alone_limits.get(transaction.currency_code, item.alone_limits["*"])


def _reverse(
    originals: Mapping[str, Transaction],
    archived: Mapping[str, domain.archive.ArchivedTransaction],
    item: Reversal,
    now: datetime,
) -> Transaction:
    original = originals.get(item.transaction_id)
    if (known := archived.get(item.transaction_id)) is not None:
        raise domain.archive.transaction_archived(item.transaction_id, known.archived)
    if original is None:
        raise domain.transaction.not_found(item.transaction_id)
    return domain.journal.reverse(original, item, now=now)


def _first_only(item: AskedPosting | DomainError, result: Transaction | DomainError) -> Transaction | DomainError:
    """Refuse a reversal that was booked before, by whomever and however: it is no success of this call."""
    if isinstance(item, DomainError) or result is item.posting.transaction:
        return result
    if isinstance(result, (Transaction, TransactionConflict)):
        return domain.journal.already_reversed(item.posting.transaction.related_no)
    return result
