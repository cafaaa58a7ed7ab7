"""Booking transactions: what was booked before stays, floors hold, balances follow, events tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import fold, kept
from services.accounting import domain, store
from services.accounting.commands.opening import open_accounts
from services.accounting.domain.chart import Chart
from services.accounting.domain.shortfall import Shortfalls
from services.accounting.domain.transaction import FLOOR_STRIPE, Transaction
from services.accounting.domain.transaction_key import month_of
from services.accounting.store import OpenBooks
from services.accounting.store.archive import pairs
from services.accounting.store.journal import Places


@dataclass(slots=True)  # Not frozen, as making one takes a third of the time: there is one for each payment.
class Posting:
    """A transaction to book.

    Attributes:
        transaction: What to book.
        cause: Who and what caused it.
        stripe: The row of each striped account to add to: CALLER_STRIPE, or one of the consumers'.
        dated: Whether who asks named the effective time; if not, a replay may differ in it.
        shortfalls: Where its entries go as far as funds are short.
    """

    transaction: Transaction
    cause: Cause
    stripe: int
    dated: bool = True
    shortfalls: Shortfalls = field(default_factory=dict)


async def post(tx: Tx, books: OpenBooks, postings: Sequence[Posting | DomainError]) -> list[Transaction | DomainError]:
    """Book transactions, each pair of transaction_type and related_no once; one result per posting, in order.

    Returns:
        The transaction as booked, now or before; what was refused before, InsufficientFunds or TransactionConflict in
        its place.

    Rows: account, journal, leg, balance. Events: AccountCreated, TransactionCreated.
    """
    chart = books.chart
    asked = [posting.transaction for posting in kept(postings)]
    floored = {
        entry.account_id for transaction in asked for entry in transaction.entries if entry.account_kind in chart.floors
    }
    floored |= {
        rest.account_id
        for posting in kept(postings)
        for rest in posting.shortfalls.values()
        if rest.account_kind in chart.floors
    }
    # First the locks, then the look at what was booked: a rival that booked the same pair held the same locks.
    balances = await store.lock_floored_balances(tx, floored)
    locked = frozenset(balances)
    booked: dict[str, Transaction] = {}
    archived = await _archived(tx, books, asked)
    if floored or books.has_former:
        booked = await store.transactions.by_key(tx, {transaction.transaction_id for transaction in asked})
    accepted: dict[str, Posting] = {}

    def accept(posting: Posting) -> Posting:
        """Take a posting that was not booked before, on the balances that those before it leave."""
        transaction = posting.transaction
        if (known := archived.get(transaction.transaction_id)) is not None:
            domain.archive.require_replay(known, transaction)
            return posting
        if transaction.transaction_id not in booked and transaction.transaction_id not in accepted:
            if posting.shortfalls:
                transaction = _divide(chart, posting, balances)
            if floored:
                balances.update(domain.transaction.spend(chart, transaction, balances))
            accepted[transaction.transaction_id] = posting
        return posting

    decisions = fold(postings, accept)
    new = await _insert(tx, chart, accepted, booked)
    await _add_to_balances(tx, chart, new, locked)
    for posting in new:
        tx.hold(posting.transaction.root_reference)
        tx.emit(domain.transaction.created_event(posting.transaction, chart_name=chart.name), cause=posting.cause)
    return fold(decisions, lambda posting: _outcome(booked, posting))


async def _archived(
    tx: Tx, books: OpenBooks, asked: Sequence[Transaction]
) -> dict[str, domain.archive.ArchivedTransaction]:
    """Look up those whose rows may have been archived: none but a replay of long ago, or what is told late."""
    if not books.archived_months:
        return {}
    ids = {each.transaction_id for each in asked}
    return await pairs.archived_among(tx, {each for each in ids if month_of(each) in books.archived_months})


def _divide(chart: Chart, posting: Posting, balances: Mapping[str, int]) -> Transaction:
    """Divide a transaction's entries by what there is to spend, and have the posting book that."""
    asked = posting.transaction
    spendable = {
        entry.account_id: balances.get(entry.account_id, 0) - chart.floors[entry.account_kind]
        for entry in asked.entries
        if entry.account_id in posting.shortfalls
    }
    posting.transaction = domain.shortfall.divide(asked, posting.shortfalls, spendable)
    return posting.transaction


async def _insert(tx: Tx, chart: Chart, accepted: dict[str, Posting], booked: dict[str, Transaction]) -> list[Posting]:
    """Insert what was accepted and not booked before; `booked` then holds every transaction asked for."""
    if not accepted:
        return []
    places = await store.journal.place(tx, [posting.transaction for posting in accepted.values()])
    await _open_accounts(tx, chart, accepted, booked, places)
    new = [posting for key, posting in accepted.items() if key not in booked]
    inserted = await store.journal.insert_new(tx, places, without=booked)
    if len(inserted) != len(new):
        others = {posting.transaction.transaction_id for posting in new} - inserted
        booked.update(await store.transactions.by_key(tx, others))
        new = [posting for posting in new if posting.transaction.transaction_id in inserted]
    booked.update((posting.transaction.transaction_id, posting.transaction) for posting in new)
    return new


async def _open_accounts(
    tx: Tx, chart: Chart, accepted: dict[str, Posting], booked: dict[str, Transaction], places: Places
) -> None:
    """Open the accounts that are missing, for what was not booked before; `booked` then holds what was."""
    concerned = [
        posting
        for posting in accepted.values()
        if any(entry.account_id not in places.accounts for entry in posting.transaction.entries)
    ]
    if not concerned:
        return
    booked.update(await store.transactions.by_key(tx, {each.transaction.transaction_id for each in concerned}))
    first_need: dict[str, Posting] = {}
    for posting in concerned:
        if posting.transaction.transaction_id not in booked:
            for entry in posting.transaction.entries:
                if entry.account_id not in places.accounts:
                    first_need.setdefault(entry.account_id, posting)
    needed = {
        account_id: (domain.transaction.opened(chart, posting.transaction, account_id, now=tx.now), posting.cause)
        for account_id, posting in first_need.items()
    }
    places.accounts.update(await open_accounts(tx, needed))


async def _add_to_balances(tx: Tx, chart: Chart, new: Sequence[Posting], locked: frozenset[str]) -> None:
    effects: dict[tuple[str, int], int] = {}
    floors: dict[str, int] = {}
    for posting in new:
        stripe = posting.stripe
        for entry in posting.transaction.entries:
            account_id = entry.account_id
            floored = entry.account_kind in chart.floors
            key = (account_id, FLOOR_STRIPE if floored else stripe)
            if key in effects:
                effects[key] += entry.effect * entry.amount_minor
                continue
            effects[key] = entry.effect * entry.amount_minor
            if floored:
                floors[account_id] = chart.floors[entry.account_kind]
    if effects:
        await store.add_to_balances(tx, effects, floors=floors, locked=locked)


def _outcome(booked: Mapping[str, Transaction], posting: Posting) -> Transaction:
    """Return what was booked; of what is archived it is only known that it is the same, and not of now.

    Raises:
        TransactionConflict: As `_as_booked`.
    """
    transaction = posting.transaction
    found = booked.get(transaction.transaction_id)
    return replace(transaction, create_time=transaction.effective_at) if found is None else _as_booked(found, posting)


def _as_booked(booked: Transaction, posting: Posting) -> Transaction:
    """Return what was booked now, or before with the same content.

    Raises:
        TransactionConflict: It was booked with other content.
    """
    asked = posting.transaction
    if booked is not asked and posting.shortfalls:
        asked = domain.shortfall.divided_as(booked, asked, posting.shortfalls)
    if booked is asked or domain.transaction.is_replay(booked, asked, dated=posting.dated):
        return booked
    raise domain.transaction.conflict(booked)
