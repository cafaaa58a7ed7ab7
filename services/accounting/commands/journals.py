"""What callers ask of the ledger: manual journals and reversals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.base.four_eyes import folded
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import fold, kept
from services.accounting import domain, store
from services.accounting.commands.posting import Posting, post
from services.accounting.domain.journal import Journal, Reversal
from services.accounting.domain.transaction import CALLER_STRIPE, Transaction, TransactionConflict
from services.accounting.store import OpenBooks

ROLLING_DAY = timedelta(hours=24)
"""What one person books alone within it counts together."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A posting that a person asks for, and what one person may book alone; None where two have decided."""

    posting: Posting
    alone_limit_minor: int | None


async def create_transactions(tx: Tx, items: Sequence[Journal]) -> list[Transaction | DomainError]:
    """Book manual journals; one result per journal, in order.

    Returns:
        The transaction, booked now or before by the same content; in its place a refusal of `journal.book`,
        JournalNeedsApproval, PeriodClosed, InsufficientFunds, or TransactionConflict for a pair booked with other
        content.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    if not items:
        return []
    books = await store.open_books(tx)
    transactions = await journal_transactions(tx, books, items)
    asked = [
        transaction
        if isinstance(transaction, DomainError)
        else _Asked(_posting(transaction, item), item.alone_limit_minor)
        for transaction, item in zip(transactions, items, strict=True)
    ]
    return await post(tx, books.chart, await _admit(tx, books, asked))


async def reverse_transactions(tx: Tx, items: Sequence[Reversal]) -> list[Transaction | DomainError]:
    """Book reversals; one result per item, in order.

    Returns:
        The reversing transaction; in its place TransactionNotFound, a refusal of `journal.reverse`,
        JournalNeedsApproval, PeriodClosed, TransactionAlreadyReversed or InsufficientFunds.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    if not items:
        return []
    books = await store.open_books(tx)
    transactions = await reversing_transactions(tx, items)
    asked = [
        transaction
        if isinstance(transaction, DomainError)
        else _Asked(_posting(transaction, item), _limit(transaction, item))
        for transaction, item in zip(transactions, items, strict=True)
    ]
    postings = await _admit(tx, books, asked)
    results = await post(tx, books.chart, postings)
    return [_first_only(posting, result) for posting, result in zip(postings, results, strict=True)]


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
    originals = await store.transactions.by_key(tx, {item.transaction_id for item in items})
    return fold(items, lambda item: _reverse(originals, item, tx.now))


async def _admit(tx: Tx, books: OpenBooks, asked: Sequence[_Asked | DomainError]) -> list[Posting | DomainError]:
    """Refuse what is dated into a closed period, and what one person may not book alone; what is booked stays."""
    items = kept(asked)
    booked = set(await store.transactions.by_key(tx, {item.posting.transaction.transaction_id for item in items}))
    alone: dict[tuple[str, str], int] = {}
    if any(item.alone_limit_minor is not None for item in items):
        alone = await store.transactions.booked_alone(tx, since=tx.now - ROLLING_DAY)

    def admit(item: _Asked) -> Posting:
        transaction = item.posting.transaction
        if transaction.transaction_id not in booked:
            domain.period.require_open(transaction.effective_at, books.closed_through)
            if item.alone_limit_minor is not None:
                key = folded(transaction.actor or ""), transaction.currency_code
                domain.journal.require_alone(
                    transaction, limit_minor=item.alone_limit_minor, booked_minor=alone.get(key, 0)
                )
                alone[key] = alone.get(key, 0) + transaction.amount_minor
            booked.add(transaction.transaction_id)
        return item.posting

    return fold(asked, admit)


def _posting(transaction: Transaction, item: Journal | Reversal) -> Posting:
    return Posting(transaction, item.cause, CALLER_STRIPE, dated=item.effective_at is not None)


def _limit(transaction: Transaction, item: Reversal) -> int | None:
    if item.alone_limits is None:
        return None
    return item.alone_limits.get(transaction.currency_code, item.alone_limits["*"])


def _reverse(originals: Mapping[str, Transaction], item: Reversal, now: datetime) -> Transaction:
    original = originals.get(item.transaction_id)
    if original is None:
        raise domain.transaction.not_found(item.transaction_id)
    return domain.journal.reverse(original, item, now=now)


def _first_only(posting: Posting | DomainError, result: Transaction | DomainError) -> Transaction | DomainError:
    """Refuse a reversal that was booked before, by whomever and however: it is no success of this call."""
    if isinstance(posting, DomainError) or result is posting.transaction:
        return result
    if isinstance(result, (Transaction, TransactionConflict)):
        return domain.journal.already_reversed(posting.transaction.related_no)
    return result
