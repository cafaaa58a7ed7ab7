"""Channels' words about calls that nobody made, listed until something else tells of the same."""

from collections.abc import Sequence

from paykit.ids import new_id
from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.commands import differing
from services.reconciliation.domain.evidence import UnattributedEvidence

LISTED_AT_ONCE_MAX = 500
"""Words listed, and ended, in one transaction."""


async def record_evidence(tx: Tx, evidence: Sequence[UnattributedEvidence]) -> None:
    """Keep words, each once, to be listed unless something else tells of the same.

    Rows: unattributed_evidence, open_evidence.
    """
    await store.unattributed_evidence.wait(tx, await keep_evidence(tx, evidence))


async def keep_evidence(tx: Tx, evidence: Sequence[UnattributedEvidence]) -> list[UnattributedEvidence]:
    """Keep words, each once; return those that are new. Rows: unattributed_evidence."""
    inserted = set(await store.unattributed_evidence.insert_absent(tx, evidence))
    return [each for each in evidence if each.evidence_id in inserted]


async def end_evidence(tx: Tx) -> int:
    """End what something else tells of now; return how many there were.

    Rows: discrepancy. Events: DiscrepancyResolved.
    """
    told = await store.discrepancies.claim_told_elsewhere(tx, LISTED_AT_ONCE_MAX)
    await differing.end_matched(tx, told)
    return len(told)


async def list_evidence(tx: Tx) -> int:
    """List what nothing else tells of; return how many there were.

    Rows: discrepancy, open_evidence. Events: DiscrepancyDetected.
    """
    unlisted = await store.unattributed_evidence.unlisted(tx, LISTED_AT_ONCE_MAX)
    found = [domain.evidence.found(each, discrepancy_id=new_id("dis"), now=tx.now) for each in unlisted]
    inserted = await store.discrepancies.insert_absent(
        tx, found, unique=("evidence_id",), where="evidence_id IS NOT NULL AND state = 'OPEN'"
    )
    differing.tell(tx, found, inserted)
    await store.unattributed_evidence.close(tx)
    return len(found)
