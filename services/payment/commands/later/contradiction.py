"""Contradictions as people end them: one proposes, another decides. What begins them is in `evidence`."""

from collections.abc import Sequence

from paykit.contradictions import deciding
from paykit.contradictions.contradiction import Contradiction, ContradictionResolution
from paykit.contradictions.deciding import DecideResolution, ProposeResolution
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import fold
from services.payment import domain, store
from services.payment.commands.later import late_capture
from services.payment.commands.order import captured_orders


async def propose_resolutions(tx: Tx, items: Sequence[ProposeResolution]) -> list[Contradiction | DomainError]:
    """Take proposals, in order.

    Refusals: ContradictionNotFound, IllegalTransition, ResolutionNotPossible, SamePerson.
    """
    ids = [item.contradiction_id for item in items]
    await store.payments.lock_of_contradictions(tx, ids)
    return await deciding.propose(tx, await store.contradictions.guarded(tx, ids), items)


async def decide_resolutions(tx: Tx, items: Sequence[DecideResolution]) -> list[Contradiction | DomainError]:
    """Approve or reject what was proposed, in order; an approval emits PaymentContradictionResolved.

    ACCEPT emits LateCaptureAccepted and PaymentSuccess before it, and gives the capture back if its order is closed.
    Refusals: ContradictionNotFound, IllegalTransition, SamePerson, CaptureExceedsCapturable.
    """
    ids = [item.contradiction_id for item in items]
    rows = await late_capture.begin(tx, await store.payments.lock_of_contradictions(tx, ids), contradiction_ids=ids)
    payments = list(rows.payments.values())
    terms, orders = await store.capture_terms(tx, payments), await captured_orders(tx, payments)

    def decide(item: DecideResolution) -> Contradiction:
        decided = deciding.decide(tx, rows.contradictions, item)
        if not item.approved:
            return rows.contradictions.put(decided)
        before = rows.contradictions[item.contradiction_id]
        if decided.resolution is ContradictionResolution.ACCEPT:
            own_terms = terms[before.aggregate_id]
            late_capture.accept(rows, before, terms=own_terms, orders=orders, cause=item.cause)
        payment = rows.payments[before.aggregate_id]
        payment, resolved = domain.contradiction.resolve(payment, before, decided, now=tx.now)
        rows.payments.put(payment)
        tx.emit(resolved, cause=item.cause)
        return rows.contradictions.put(decided)

    results = fold(items, decide)
    await rows.save()
    return results
