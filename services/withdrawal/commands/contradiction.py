"""Contradictions as people end them: one proposes, another decides. What begins them is in `late_word`."""

from collections.abc import Sequence
from typing import TypeAlias

from paykit.contradictions import deciding
from paykit.contradictions.contradiction import Contradiction
from paykit.contradictions.deciding import DecideResolution, ProposeResolution
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.withdrawal import domain, store
from services.withdrawal.domain.withdrawal import Withdrawal

Locked: TypeAlias = tuple[Rows[str, Withdrawal], Rows[str, Contradiction]]


async def propose_resolutions(tx: Tx, items: Sequence[ProposeResolution]) -> list[Contradiction | DomainError]:
    """Take proposals, in order.

    Refusals: ContradictionNotFound, IllegalTransition, ResolutionNotPossible, SamePerson.
    """
    _, contradictions = await _lock(tx, [item.contradiction_id for item in items])
    return await deciding.propose(tx, contradictions, items)


async def decide_resolutions(tx: Tx, items: Sequence[DecideResolution]) -> list[Contradiction | DomainError]:
    """Approve or reject what was proposed, in order; an approval emits WithdrawalContradictionResolved.

    Refusals: ContradictionNotFound, IllegalTransition, SamePerson.
    """
    withdrawals, contradictions = await _lock(tx, [item.contradiction_id for item in items])

    def decide(item: DecideResolution) -> Contradiction:
        decided = deciding.decide(tx, contradictions, item)
        if item.approved:
            withdrawal, event = domain.late_word.resolve(withdrawals[decided.aggregate_id], decided, now=tx.now)
            withdrawals.put(withdrawal)
            tx.emit(event, cause=item.cause)
        return contradictions.put(decided)

    results = fold(items, decide)
    await tx.save(withdrawals, contradictions)
    return results


async def _lock(tx: Tx, contradiction_ids: Sequence[str]) -> Locked:
    withdrawals = await store.withdrawals.lock_of_contradictions(tx, contradiction_ids)
    return withdrawals, await store.contradictions.guarded(tx, contradiction_ids)
