"""What the ledger answers to corrections: booked, the discrepancy is over; refused, it stays open."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold, kept
from paystream.reconciliation.v1.events import DiscrepancyResolution
from services.reconciliation import domain, store
from services.reconciliation.commands import regrouping
from services.reconciliation.domain.correction import Correction, CorrectionState
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCorrectionAnswer:
    """The ledger's answer: what it booked, or why it would not."""

    correction_id: str
    transaction_id: str | None
    refusal: str | None
    cause: Cause


async def record_bookings(tx: Tx, items: Sequence[RecordCorrectionAnswer]) -> list[Correction | DomainError]:
    """Follow the ledger's answers, each once however often it comes.

    Refusals: CorrectionNotFound, IllegalTransition (it was not approved).

    Rows: discrepancy, correction, open_line. Events: DiscrepancyResolved.
    """
    ids = {item.correction_id for item in items}
    discrepancies = await store.discrepancies.lock(tx, await store.corrections.discrepancies_of(tx, ids))
    corrections = await store.corrections.guarded(tx, ids)
    results = fold(items, lambda item: _record(tx, discrepancies, corrections, item))
    await tx.save(discrepancies, corrections)
    await regrouping.make_way(tx, discrepancies, kept(results))
    return results


def _record(
    tx: Tx, discrepancies: Rows[str, Discrepancy], corrections: Rows[str, Correction], item: RecordCorrectionAnswer
) -> Correction:
    correction = corrections.require(item.correction_id, domain.correction.not_found)
    if item.transaction_id is None:
        if correction.state is CorrectionState.REFUSED:
            return correction
        return corrections.put(domain.correction.refuse(correction, refusal=item.refusal or "", now=tx.now))
    if correction.state is CorrectionState.BOOKED:
        return correction
    booked = domain.correction.book(correction, transaction_id=item.transaction_id, now=tx.now)
    discrepancy = discrepancies[correction.discrepancy_id]
    # What was missing may have come meanwhile: then it is over already, by that.
    if discrepancy.state is DiscrepancyState.OPEN:
        by = domain.ending.decision(booked)
        ended, told = domain.ending.end(discrepancy, DiscrepancyResolution.CORRECTED, by, now=tx.now)
        discrepancies.put(ended)
        tx.emit(told, cause=item.cause)
    return corrections.put(booked)
