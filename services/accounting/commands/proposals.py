"""Journals and reversals by two people: one proposes, another approves or rejects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from paykit.cause import NO_CALL, Cause, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import fold, kept
from services.accounting import domain, store
from services.accounting.commands import journals
from services.accounting.domain.journal import Journal, Reversal
from services.accounting.domain.proposal import JournalDecision, JournalProposal
from services.accounting.domain.transaction import Transaction

T = TypeVar("T", Journal, Reversal)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeJournal:
    """What a person asks another to approve; `proposer` is None for a caller without a name."""

    asked: Journal | Reversal
    proposer: str | None
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideJournal:
    """What a person says to a proposal; `decider` is None for a caller without a name."""

    proposal_id: str
    decision: JournalDecision
    decider: str | None
    reason: str | None
    cause: Cause


async def propose_journals(tx: Tx, items: Sequence[ProposeJournal]) -> list[JournalProposal | DomainError]:
    """Keep what is proposed; one result per item, in order. Nothing is booked.

    Refusals: of `journal.book` and `journal.reverse`, TransactionNotFound, PeriodClosed, SamePerson.

    Rows: journal_proposal.
    """
    books = await store.open_books(tx)
    rows = store.journal_proposals.rows(tx)
    transactions = await _transactions(tx, books, [item.asked for item in items])

    def propose(pair: tuple[ProposeJournal, Transaction]) -> JournalProposal:
        item, transaction = pair
        domain.period.require_open(transaction.effective_at, books.closed_through)
        proposal = domain.proposal.propose(
            item.asked,
            transaction,
            proposal_id=new_id("jrp"),
            proposer=item.proposer,
            creating_call=item.creating_call,
            now=tx.now,
        )
        return rows.add(proposal)

    pairs = [
        transaction if isinstance(transaction, DomainError) else (item, transaction)
        for item, transaction in zip(items, transactions, strict=True)
    ]
    results = fold(pairs, propose)
    await tx.save(rows)
    return results


async def decide_journals(tx: Tx, items: Sequence[DecideJournal]) -> list[JournalProposal | DomainError]:
    """Decide proposals, and book what is approved; one result per item, in order.

    Refusals: JournalProposalNotFound, IllegalTransition, SamePerson, and whatever booking refuses: what cannot be
    booked stays proposed.

    Rows: journal_proposal, account, journal, leg, balance. Events: AccountCreated, TransactionCreated.
    """
    rows = await store.journal_proposals.lock(tx, {item.proposal_id for item in items})
    results: dict[int, JournalProposal | DomainError] = {}
    for run in _without_repetitions(items):
        decided = fold(
            [items[at] for at in run],
            lambda item: _decide(tx, rows.require(item.proposal_id, domain.proposal.not_found), item),
        )
        approved = [each for each in kept(decided) if each.state is domain.proposal.JournalProposalState.BOOKED]
        causes = {items[at].proposal_id: items[at].cause for at in run}
        booked = await _book(tx, [each.asked(causes[each.proposal_id]) for each in approved])
        refused = dict(zip((each.proposal_id for each in approved), booked, strict=True))
        for at, each in zip(run, decided, strict=True):
            results[at] = each if isinstance(each, DomainError) else _with(each, refused.get(each.proposal_id))
            outcome = results[at]
            if isinstance(outcome, JournalProposal):
                rows.put(outcome)
    await tx.save(rows)
    return [results[at] for at in range(len(items))]


def _decide(tx: Tx, proposal: JournalProposal, item: DecideJournal) -> JournalProposal:
    return domain.proposal.decide(proposal, item.decision, decider=item.decider, reason=item.reason, now=tx.now)


def _with(decided: JournalProposal, booked: Transaction | DomainError | None) -> JournalProposal | DomainError:
    if isinstance(booked, Transaction):
        return replace(decided, transaction_id=booked.transaction_id)
    return decided if booked is None else booked


async def _book(tx: Tx, asked: Sequence[Journal | Reversal]) -> list[Transaction | DomainError]:
    """Book what two people have decided, journals before reversals."""
    of_journals = iter(await journals.create_transactions(tx, _of(Journal, asked)))
    of_reversals = iter(await journals.reverse_transactions(tx, _of(Reversal, asked)))
    return [next(of_journals if isinstance(each, Journal) else of_reversals) for each in asked]


async def _transactions(
    tx: Tx, books: store.OpenBooks, asked: Sequence[Journal | Reversal]
) -> list[Transaction | DomainError]:
    of_journals = iter(await journals.journal_transactions(tx, books, _of(Journal, asked)))
    of_reversals = iter(await journals.reversing_transactions(tx, _of(Reversal, asked)))
    return [next(of_journals if isinstance(each, Journal) else of_reversals) for each in asked]


def _of(kind: type[T], asked: Sequence[Journal | Reversal]) -> list[T]:
    return [each for each in asked if isinstance(each, kind)]


def _without_repetitions(items: Sequence[DecideJournal]) -> Iterator[list[int]]:
    """Yield runs of places that name each proposal once, so that a second decision sees the first."""
    run: dict[str, int] = {}
    for at, item in enumerate(items):
        if item.proposal_id in run:
            yield [*run.values()]
            run = {}
        run[item.proposal_id] = at
    if run:
        yield [*run.values()]
