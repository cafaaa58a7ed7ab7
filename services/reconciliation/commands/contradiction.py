"""Contradictions of the money line, listed among the discrepancies until payment or withdrawal has ended them."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.domain.contradiction import Contradicted, ContradictionResolved
from services.reconciliation.domain.discrepancy import DiscrepancyState


@dataclass(frozen=True, slots=True)
class ListContradiction:
    """A contradiction that was told of."""

    event: Contradicted
    cause: Cause


@dataclass(frozen=True, slots=True)
class EndContradiction:
    """A contradiction that is over."""

    event: ContradictionResolved
    cause: Cause


async def list_contradictions(tx: Tx, items: Sequence[ListContradiction]) -> None:
    """List what waits for people, each contradiction once however often it is told of.

    Rows: discrepancy. Events: DiscrepancyDetected.
    """
    made = [(*found, item.cause) for item in items if (found := domain.contradiction.found(item.event, now=tx.now))]
    inserted = set(await store.discrepancies.insert_absent(tx, [row for row, _, _ in made]))
    tx.hold(*inserted)
    for row, told, cause in made:
        if row.discrepancy_id in inserted:
            inserted.remove(row.discrepancy_id)
            tx.emit(told, cause=cause)


async def end_contradictions(tx: Tx, items: Sequence[EndContradiction]) -> None:
    """End what is listed; what is not listed waited for nobody.

    Rows: discrepancy. Events: DiscrepancyResolved.
    """
    ids = {domain.contradiction.discrepancy_id(item.event.contradiction_id): item for item in items}
    rows = await store.discrepancies.lock(tx, ids)
    for key, item in ids.items():
        listed = rows.get(key)
        if listed is not None and listed.state is DiscrepancyState.OPEN:
            ended, told = domain.contradiction.over(listed, item.event, now=tx.now)
            rows.put(ended)
            tx.emit(told, cause=item.cause)
    await tx.save(rows)
