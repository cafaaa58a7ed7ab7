"""What callers ask of the ledger: manual journals and reversals."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import fold
from services.accounting import domain, store
from services.accounting.commands.posting import Posting, post
from services.accounting.domain.journal import Journal, Reversal
from services.accounting.domain.transaction import CALLER_STRIPE, Transaction, TransactionConflict


async def create_transactions(tx: Tx, items: Sequence[Journal]) -> list[Transaction | DomainError]:
    """Book manual journals; one result per journal, in order.

    Returns:
        The transaction, booked now or before by the same content; in its place a refusal of `journal.book`,
        InsufficientFunds, or TransactionConflict for a pair booked with other content.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    chart = await store.chart_in_use(tx)
    legs = [leg for item in items for leg in item.legs]
    accounts = await store.accounts.by_key(tx, {leg.account_id for leg in legs if leg.account_id is not None})
    merchants = await store.accounts.merchants_among(
        tx, {leg.merchant_id for leg in legs if leg.merchant_id is not None}
    )

    def book(item: Journal) -> Posting:
        transaction = domain.journal.book(chart, item, accounts=accounts, merchants=merchants, now=tx.now)
        return Posting(transaction, item.cause, CALLER_STRIPE, dated=item.effective_at is not None)

    return await post(tx, chart, fold(items, book))


async def reverse_transactions(tx: Tx, items: Sequence[Reversal]) -> list[Transaction | DomainError]:
    """Book reversals; one result per item, in order.

    Returns:
        The reversing transaction; in its place TransactionNotFound, a refusal of `journal.reverse`,
        TransactionAlreadyReversed or InsufficientFunds.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    chart = await store.chart_in_use(tx)
    originals = await store.transactions.by_key(tx, {item.transaction_id for item in items})
    postings = fold(items, lambda item: _reverse(originals, item, tx.now))
    results = await post(tx, chart, postings)
    return [_first_only(posting, result) for posting, result in zip(postings, results, strict=True)]


def _reverse(originals: Mapping[str, Transaction], item: Reversal, now: datetime) -> Posting:
    original = originals.get(item.transaction_id)
    if original is None:
        raise domain.transaction.not_found(item.transaction_id)
    return Posting(domain.journal.reverse(original, item, now=now), item.cause, CALLER_STRIPE)


def _first_only(posting: Posting | DomainError, result: Transaction | DomainError) -> Transaction | DomainError:
    """Refuse a reversal that was booked before, by whomever and however: it is no success of this call."""
    if isinstance(posting, DomainError) or result is posting.transaction:
        return result
    if isinstance(result, (Transaction, TransactionConflict)):
        return domain.journal.already_reversed(posting.transaction.related_no)
    return result
