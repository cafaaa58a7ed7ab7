"""What one person may book, in the order in which it is asked for: each decided on what was booked before it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.base.four_eyes import folded
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import kept
from services.accounting import domain, store
from services.accounting.commands.posting import Posting, post
from services.accounting.domain.journal import JournalNeedsApproval
from services.accounting.domain.transaction import Transaction, TransactionConflict
from services.accounting.store import OpenBooks

ROLLING_DAY = timedelta(hours=24)
"""What one person books alone within it counts together."""


@dataclass(frozen=True, slots=True)
class AskedPosting:
    """A posting that a person asks for, and what one person may book alone; None where two have decided."""

    posting: Posting
    alone_limit_minor: int | None

    @property
    def key(self) -> tuple[str, str]:
        """Whose limit it counts in."""
        transaction = self.posting.transaction
        return folded(transaction.actor or ""), transaction.currency_code


async def admit_and_post(
    tx: Tx, books: OpenBooks, asked: Sequence[AskedPosting | DomainError]
) -> list[Transaction | DomainError]:
    """Book what may be booked; one result per posting, in order, as if each had been asked for alone.

    Where a decision depends on whether funds sufficed for those before it, these are booked first.

    Returns:
        The results of `post`; in their place PeriodClosed, JournalNeedsApproval, or what was refused before.
    """
    items = kept(asked)
    booked = set(await store.transactions.by_key(tx, {item.posting.transaction.transaction_id for item in items}))
    alone: dict[tuple[str, str], int] = {}
    if any(item.alone_limit_minor is not None for item in items):
        alone = await store.booked_alone(tx, since=tx.now - ROLLING_DAY, has_former=books.has_former)
    admission = _Admission(booked, Counter(alone), books.closed_through)
    results: list[Transaction | DomainError] = []
    while len(results) < len(asked):
        if results:
            tx.restart_lock_order()
        portion = admission.portion(asked[len(results) :])
        posted = await post(tx, books, portion)
        admission.settle(portion, posted)
        results += posted
    return results


class _Admission:
    """Admits postings in portions: a portion ends before what cannot be decided until it is booked.

    Args:
        booked: Ids of transactions that are booked.
        alone: Sums of what each person booked alone, by currency.
        closed_through: End of the periods that are closed; None if none is.
    """

    def __init__(self, booked: set[str], alone: Counter[tuple[str, str]], closed_through: datetime | None) -> None:
        self._booked = booked
        self._alone = alone
        self._closed_through = closed_through
        self._pending: dict[str, AskedPosting] = {}
        self._pending_minor: Counter[tuple[str, str]] = Counter()

    def portion(self, asked: Sequence[AskedPosting | DomainError]) -> list[Posting | DomainError]:
        """Decide as many as can be decided, and at least one."""
        decided: list[Posting | DomainError] = []
        for item in asked:
            if isinstance(item, DomainError):
                decided.append(item)
                continue
            if item.posting.transaction.transaction_id in self._pending:
                break
            try:
                self._admit(item)
            except JournalNeedsApproval as refusal:
                if self._pending_minor[item.key]:
                    break
                decided.append(refusal)
            except DomainError as refusal:
                decided.append(refusal)
            else:
                decided.append(item.posting)
        return decided

    def settle(self, portion: Sequence[Posting | DomainError], results: Sequence[Transaction | DomainError]) -> None:
        """Note what came of a portion: what funds did not suffice for counts for nothing."""
        for posting, result in zip(portion, results, strict=True):
            if isinstance(posting, DomainError) or not isinstance(result, (Transaction, TransactionConflict)):
                continue
            item = self._pending.get(posting.transaction.transaction_id)
            self._booked.add(posting.transaction.transaction_id)
            if item is not None and item.alone_limit_minor is not None and isinstance(result, Transaction):
                self._alone[item.key] += item.posting.transaction.amount_minor
        self._pending.clear()
        self._pending_minor.clear()

    def _admit(self, item: AskedPosting) -> None:
        """Let a posting pass; what is booked already passes unseen."""
        transaction = item.posting.transaction
        if transaction.transaction_id in self._booked:
            return
        domain.period.require_open(transaction.effective_at, self._closed_through)
        if item.alone_limit_minor is not None:
            key = item.key
            booked_minor = self._alone[key] + self._pending_minor[key]
            domain.journal.require_alone(transaction, limit_minor=item.alone_limit_minor, booked_minor=booked_minor)
            self._pending_minor[key] += transaction.amount_minor
        self._pending[transaction.transaction_id] = item
