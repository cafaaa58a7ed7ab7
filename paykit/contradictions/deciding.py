"""What people say of contradictions, folded over rows whose aggregates the transaction has locked."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.cause import Cause
from paykit.contradictions import contradiction as domain
from paykit.contradictions.contradiction import Contradiction, ContradictionResolution
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.reasons.stated_reason import StatedReason
from paykit.work import Rows, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeResolution:
    """An end that somebody proposes for a contradiction.

    Attributes:
        proposer: The caller's name; None for one without a name.
    """

    contradiction_id: str
    resolution: ContradictionResolution
    reason: str
    proposer: str | None
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideResolution:
    """Another person's decision on a proposal.

    Attributes:
        decider: The caller's name; None for one without a name.
        reason: Of a rejection, why.
    """

    contradiction_id: str
    approved: bool
    decider: str | None
    cause: Cause
    reason: str = ""


async def propose(
    tx: Tx, rows: Rows[str, Contradiction], items: Sequence[ProposeResolution]
) -> list[Contradiction | DomainError]:
    """Take proposals, in order.

    Refusals: ContradictionNotFound, IllegalTransition, ResolutionNotPossible, SamePerson.
    """

    def take(item: ProposeResolution) -> Contradiction:
        contradiction = rows.require(item.contradiction_id, domain.not_found)
        return rows.put(
            domain.propose(contradiction, item.resolution, proposer=item.proposer, reason=item.reason, now=tx.now)
        )

    results = fold(items, take)
    await tx.save(rows)
    return results


def decide(tx: Tx, rows: Rows[str, Contradiction], item: DecideResolution) -> Contradiction:
    """Return a contradiction as a decision leaves it; what an approval moves, and telling of it, is the service's.

    Nothing is put among the rows, so that the service may still refuse.

    Raises:
        ContradictionNotFound, IllegalTransition, SamePerson: It cannot be decided so.
    """
    contradiction = rows.require(item.contradiction_id, domain.not_found)
    if item.approved:
        return domain.approve(contradiction, decider=item.decider, now=tx.now)
    stated = StatedReason.of(item.reason, item.cause, now=tx.now)
    return domain.reject(contradiction, decider=item.decider, stated=stated, now=tx.now)
