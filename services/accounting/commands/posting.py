"""Booking transactions: what was booked before stays, floors hold, balances follow, events tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.accounting.domain import transaction as domain
from services.accounting.domain.chart import Chart
from services.accounting.domain.transaction import Transaction
from services.accounting.store import postings as store


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction to book.

    Attributes:
        transaction: What to book.
        cause: Who and what caused it.
        stripe: The row of each striped account to add to: domain.CALLER_STRIPE, or one of the consumers'.
        dated: Whether who asks named the effective time; if not, a replay may differ in it.
    """

    transaction: Transaction
    cause: Cause
    stripe: int
    dated: bool = True


@dataclass(slots=True)
class _Fold:
    """What became of postings, in order, before anything is written."""

    refusals: dict[int, DomainError]
    accepted: dict[str, Posting]


async def post(tx: Tx, chart: Chart, postings: Sequence[Posting]) -> list[Transaction | DomainError]:
    """Book transactions, each pair of transaction_type and related_no once; one result per posting, in order.

    Returns:
        The transaction as booked, now or before; InsufficientFunds or TransactionConflict in its place.

    Rows: transaction, entry, balance, account. Events: AccountCreated, TransactionCreated.
    """
    if not postings:
        return []
    floored = {
        entry.account_id
        for posting in postings
        for entry in posting.transaction.entries
        if entry.account_kind in chart.floors
    }
    balances: dict[str, int] = {}
    booked: dict[str, Transaction] = {}
    if floored:
        # First the locks, then the look at what was booked: a rival that booked the same pair held the same locks.
        balances = await store.lock_floored(tx, floored)
        booked = await store.find_transactions(tx, {posting.transaction.transaction_id for posting in postings})
    locked = frozenset(balances)
    fold = _fold(chart, postings, balances, booked) if floored else _accept_all(postings)
    fresh = await _insert(tx, fold, booked)
    await _add_to_balances(tx, chart, fresh, locked)
    for posting in fresh:
        tx.hold(posting.transaction.root_reference)
        tx.emit(domain.created_event(posting.transaction), cause=posting.cause)
    return [fold.refusals.get(i) or _result(booked, posting) for i, posting in enumerate(postings)]


def _accept_all(postings: Sequence[Posting]) -> _Fold:
    fold = _Fold({}, {})
    for posting in postings:
        fold.accepted.setdefault(posting.transaction.transaction_id, posting)
    return fold


def _fold(chart: Chart, postings: Sequence[Posting], balances: dict[str, int], booked: dict[str, Transaction]) -> _Fold:
    """Decide in order, each posting on the balances that those before it leave; `balances` is carried forward."""
    fold = _Fold({}, {})
    for position, posting in enumerate(postings):
        transaction = posting.transaction
        if transaction.transaction_id in booked or transaction.transaction_id in fold.accepted:
            continue
        after = domain.spend(chart, transaction, balances)
        if isinstance(after, DomainError):
            fold.refusals[position] = after
        else:
            balances.update(after)
            fold.accepted[transaction.transaction_id] = posting
    return fold


async def _insert(tx: Tx, fold: _Fold, booked: dict[str, Transaction]) -> list[Posting]:
    """Insert what was accepted and not booked before; `booked` then holds every transaction asked for."""
    if not fold.accepted:
        return []
    won = await store.insert_transactions(tx, [posting.transaction for posting in fold.accepted.values()])
    fresh = list(fold.accepted.values())
    if len(won) != len(fresh):
        booked.update(await store.find_transactions(tx, fold.accepted.keys() - won))
        fresh = [posting for posting in fresh if posting.transaction.transaction_id in won]
    booked.update((posting.transaction.transaction_id, posting.transaction) for posting in fresh)
    if fresh:
        await store.insert_entries(tx, [posting.transaction for posting in fresh])
    return fresh


async def _add_to_balances(tx: Tx, chart: Chart, fresh: Sequence[Posting], locked: frozenset[str]) -> None:
    effects: dict[store.StripeKey, int] = {}
    first_need: dict[str, Posting] = {}
    for posting in fresh:
        stripe = posting.stripe
        for entry in posting.transaction.entries:
            account_id = entry.account_id
            key = (account_id, domain.FLOOR_STRIPE if entry.account_kind in chart.floors else stripe)
            if key in effects:
                effects[key] += entry.effect * entry.amount_minor
            else:
                effects[key] = entry.effect * entry.amount_minor
                first_need.setdefault(account_id, posting)
    if not effects:
        return
    floors = {
        entry.account_id: chart.floors[entry.account_kind]
        for posting in first_need.values()
        for entry in posting.transaction.entries
        if entry.account_kind in chart.floors
    }
    touched = await store.add_to_balances(tx, effects, floors=floors, locked=locked)
    await _open_accounts(tx, chart, {account_id: first_need[account_id] for account_id in touched})


async def _open_accounts(tx: Tx, chart: Chart, first_need: dict[str, Posting]) -> None:
    """Open those accounts that a new row of balance belongs to, unless another stripe's first row did."""
    if not first_need:
        return
    accounts = [domain.opened(chart, posting.transaction, each, now=tx.now) for each, posting in first_need.items()]
    opened = await store.insert_accounts(tx, accounts)
    for account in accounts:
        if account.account_id in opened:
            tx.emit(domain.opened_event(account), cause=first_need[account.account_id].cause)


def _result(booked: dict[str, Transaction], posting: Posting) -> Transaction | DomainError:
    known = booked[posting.transaction.transaction_id]
    if known is posting.transaction or domain.is_replay(known, posting.transaction, dated=posting.dated):
        return known
    return domain.conflict(known)
