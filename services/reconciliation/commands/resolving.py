"""Discrepancies as people end them: by a line as evidence, by a correction that another approves, or by a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold, kept
from paystream.reconciliation.v1.events import DiscrepancyResolution
from services.reconciliation import domain, store
from services.reconciliation.commands import regrouping
from services.reconciliation.domain.correction import PENDING, Booking, Correction
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.domain.ending import ResolvedBy
from services.reconciliation.domain.resolution import DifferenceFacts, ResolutionAction


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDiscrepancy:
    """What a person asks for.

    Attributes:
        accounts: The kinds to debit and credit; None for those that the difference leads to.
        person: The caller's name; None for one without a name.
    """

    discrepancy_id: str
    action: ResolutionAction
    reason: str
    accounts: tuple[str, str] | None
    person: str | None
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCorrection:
    """What another person says to a correction; `decider` is None for a caller without a name."""

    correction_id: str
    approved: bool
    decider: str | None
    reason: str | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class Resolution:
    """What came of it: the discrepancy, and what waits for another person, if something does."""

    discrepancy: Discrepancy
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    tx: Tx
    discrepancies: Rows[str, Discrepancy]
    corrections: Rows[str, Correction]
    differences: Mapping[str, DifferenceFacts]
    account_kinds: frozenset[str]


async def resolve_discrepancies(tx: Tx, items: Sequence[ResolveDiscrepancy]) -> list[Resolution | DomainError]:
    """End discrepancies, or propose how; one result per item, in order.

    Refusals: DiscrepancyNotFound, IllegalTransition, ContradictionDecidedElsewhere, ResolutionActionNotPossible,
    CorrectionPending, SamePerson.

    Rows: discrepancy, correction. Events: StatementEvidenceAccepted, DiscrepancyResolved.
    """
    ids = {item.discrepancy_id for item in items}
    discrepancies = await store.discrepancies.lock(tx, ids)
    work = _Work(
        tx=tx,
        discrepancies=discrepancies,
        corrections=await store.corrections.pending_of(tx, ids),
        differences=store.differences(discrepancies.values()),
        account_kinds=await store.account_kinds(tx),
    )
    results = fold(items, lambda item: _resolve(work, item))
    await tx.save(work.discrepancies, work.corrections)
    return results


async def decide_corrections(tx: Tx, items: Sequence[DecideCorrection]) -> list[Correction | DomainError]:
    """Approve or reject corrections, in order; what explains ends its discrepancy, what books is the ledger's next.

    Refusals: CorrectionNotFound, IllegalTransition, SamePerson.

    Rows: discrepancy, correction, open_line. Events: CorrectionApproved, DiscrepancyResolved.
    """
    ids = {item.correction_id for item in items}
    discrepancies = await store.discrepancies.lock(tx, await store.corrections.discrepancies_of(tx, ids))
    corrections = await store.corrections.guarded(tx, ids)
    results = fold(items, lambda item: _decide(tx, discrepancies, corrections, item))
    await tx.save(discrepancies, corrections)
    await regrouping.make_way(tx, discrepancies, kept(results))
    return results


def _resolve(work: _Work, item: ResolveDiscrepancy) -> Resolution:
    """Decide one item on the rows as the items before left them."""
    discrepancy = work.discrepancies.require(item.discrepancy_id, domain.discrepancy.not_found)
    difference = work.differences[discrepancy.discrepancy_id]
    person = domain.ending.named(item.person)
    domain.resolution.require_here(discrepancy.contradiction_id, difference.operation)
    domain.ending.require_open(discrepancy, item.action)
    _require_nothing_pending(work, discrepancy)
    if item.action not in domain.resolution.possible(difference):
        raise domain.resolution.not_possible(item.action, difference)
    by = ResolvedBy(reason=item.reason, proposer=person)
    if item.action is ResolutionAction.CONFIRM_EVIDENCE:
        return Resolution(_confirm(work, discrepancy, difference, item, by))
    if item.action is ResolutionAction.EXPLAIN and not domain.resolution.moves_money(difference):
        return Resolution(_end(work, discrepancy, DiscrepancyResolution.EXPLAINED, by, item.cause))
    return Resolution(discrepancy, _propose(work, discrepancy, item, _booking(work, difference, item)))


def _require_nothing_pending(work: _Work, discrepancy: Discrepancy) -> None:
    for correction in work.corrections.values():
        if correction.discrepancy_id == discrepancy.discrepancy_id and correction.state in PENDING:
            raise domain.correction.pending(correction)


def _confirm(
    work: _Work, discrepancy: Discrepancy, difference: DifferenceFacts, item: ResolveDiscrepancy, by: ResolvedBy
) -> Discrepancy:
    """Take the line as evidence: payment or withdrawal applies it."""
    evidence = domain.ending.evidence(discrepancy, difference, reason=item.reason, now=work.tx.now)
    ended = _end(work, discrepancy, DiscrepancyResolution.EVIDENCE_CONFIRMED, by, item.cause)
    work.tx.hold(evidence.attempt_id)
    work.tx.emit(evidence, cause=item.cause)
    return ended


def _end(
    work: _Work, discrepancy: Discrepancy, resolution: DiscrepancyResolution, by: ResolvedBy, cause: Cause
) -> Discrepancy:
    ended, told = domain.ending.end(discrepancy, resolution, by, now=work.tx.now)
    work.tx.emit(told, cause=cause)
    return work.discrepancies.put(ended)


def _booking(work: _Work, difference: DifferenceFacts, item: ResolveDiscrepancy) -> Booking | None:
    if item.action is ResolutionAction.EXPLAIN:
        return None
    return domain.resolution.booking(difference, work.account_kinds, accounts=item.accounts)


def _propose(work: _Work, discrepancy: Discrepancy, item: ResolveDiscrepancy, booking: Booking | None) -> Correction:
    return work.corrections.add(
        domain.correction.propose(
            booking,
            correction_id=new_id("crp"),
            discrepancy_id=discrepancy.discrepancy_id,
            currency_code=discrepancy.currency_code,
            reason=item.reason,
            proposer=item.person,
            now=work.tx.now,
        )
    )


def _decide(
    tx: Tx, discrepancies: Rows[str, Discrepancy], corrections: Rows[str, Correction], item: DecideCorrection
) -> Correction:
    correction = corrections.require(item.correction_id, domain.correction.not_found)
    decide = domain.correction.approve if item.approved else domain.correction.reject
    decided = decide(correction, decider=item.decider, reason=item.reason, now=tx.now)
    if not item.approved:
        return corrections.put(decided)
    discrepancy = discrepancies[correction.discrepancy_id]
    domain.ending.require_open(discrepancy, "CORRECT")
    if decided.booking is None:
        by = domain.ending.decision(decided)
        discrepancy, told = domain.ending.end(discrepancy, DiscrepancyResolution.EXPLAINED, by, now=tx.now)
        tx.emit(told, cause=item.cause)
    else:
        discrepancy, approved = domain.ending.correct(discrepancy, decided, now=tx.now)
        tx.emit(approved, cause=item.cause)
    discrepancies.put(discrepancy)
    return corrections.put(decided)
