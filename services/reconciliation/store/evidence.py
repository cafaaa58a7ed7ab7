"""The SQL of channels' words about calls that nobody made, and of what else tells of the same."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.reconciliation.domain.evidence import UnattributedEvidence

_WAIT = """
INSERT INTO open_evidence (evidence_id) SELECT DISTINCT unnest($1::text[]) ORDER BY 1 ON CONFLICT DO NOTHING
"""

# Of `e`, evidence, and `t`, what tells of the same: the channel's reference counts; where one side has none, the call.
# Evidence that says no amount agrees with any.
_SAME_AMOUNT = """
    (e.amount_minor IS NULL OR (t.amount_minor, t.currency_code) = (e.amount_minor, e.currency_code))
    AND e.channel IN ('', t.channel)
"""
_BY_REFERENCE = f"t.channel_reference = e.channel_reference AND {_SAME_AMOUNT}"
_BY_ATTEMPT = f"""
    t.attempt_id = e.attempt_id AND (t.channel_reference IS NULL OR e.channel_reference IS NULL) AND {_SAME_AMOUNT}
"""
_SAME_WAY = """
    CASE WHEN e.outcome = 'SUCCEEDED' THEN t.operation NOT IN ('CAPTURE_REVERSED', 'REFUND_RETURNED', 'RETURN')
        WHEN e.outcome = 'RETURNED' THEN t.operation = 'RETURN'
        ELSE t.operation IN ('CAPTURE_REVERSED', 'REFUND_RETURNED') END
"""
_MOVEMENT = f"""(
    EXISTS (SELECT FROM internal_transaction t WHERE {_BY_REFERENCE} AND {_SAME_WAY})
    OR EXISTS (SELECT FROM internal_transaction t WHERE {_BY_ATTEMPT} AND {_SAME_WAY})
    OR e.outcome IN ('FAILED', 'NOT_FOUND')
        AND EXISTS (SELECT FROM unmoved_attempt t WHERE t.attempt_id = e.attempt_id AND t.outcome = 'FAILED')
)"""
# A line that is listed itself, or was, but for one that people have taken as evidence: that is told back in vain.
_LISTED_LINE = """
    NOT t.fresh AND EXISTS (SELECT FROM line_outcome o WHERE o.line_no = t.line_no)
    AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.line_no = t.line_no AND d.resolution = 'EVIDENCE_CONFIRMED')
"""
_LINE = f"""(
    EXISTS (SELECT FROM open_line t WHERE {_BY_REFERENCE} AND {_LISTED_LINE})
    OR EXISTS (SELECT FROM open_line t WHERE {_BY_ATTEMPT} AND {_LISTED_LINE})
)"""

_UNLISTED = f"""
evidence_id IN (
    SELECT e.evidence_id FROM open_evidence o JOIN unattributed_evidence e ON e.evidence_id = o.evidence_id
    WHERE {{bounds}}NOT EXISTS (SELECT FROM discrepancy d
            WHERE d.evidence_id = e.evidence_id AND (d.state = 'OPEN' OR d.resolution = 'EXPLAINED'))
        AND NOT {_MOVEMENT} AND NOT {_LINE}
    ORDER BY e.evidence_id LIMIT $1)
ORDER BY evidence_id
"""

# For good: nothing that is known later makes it unknown again.
_CLOSE = f"""
DELETE FROM open_evidence o USING unattributed_evidence e
WHERE e.evidence_id = o.evidence_id AND (
    {_MOVEMENT} OR EXISTS (SELECT FROM discrepancy d
        WHERE d.evidence_id = e.evidence_id AND d.resolution = 'EXPLAINED'))
"""

TOLD_ELSEWHERE = f"""
evidence_id IS NOT NULL AND state = 'OPEN' AND EXISTS (
    SELECT FROM unattributed_evidence e WHERE e.evidence_id = discrepancy.evidence_id AND ({_MOVEMENT} OR {_LINE}))
ORDER BY discrepancy_id LIMIT $1
"""
"""Selects open discrepancies of evidence of which a movement tells, or a line that is listed itself."""


class EvidenceTable(Table[str, UnattributedEvidence]):
    """The tables `unattributed_evidence` and `open_evidence`."""

    async def wait(self, tx: Tx, evidence: Sequence[UnattributedEvidence]) -> None:
        """Have evidence wait for what tells of the same. Rows: open_evidence."""
        await tx.run(_WAIT, [each.evidence_id for each in evidence])

    async def unlisted(self, tx: Tx, limit: int) -> list[UnattributedEvidence]:
        """Take evidence of which nothing else tells, and which is not listed and was not explained.

        As far as `tx.claims` allows.
        """
        bounds, keys = tx.claims.bounds(("e.evidence_id",), first=2)
        unlisted = await self.select(tx, _UNLISTED.format(bounds=bounds), limit, *keys)
        tx.claims.take(each.evidence_id for each in unlisted)
        return unlisted

    async def close(self, tx: Tx) -> None:
        """Let go of evidence of which a movement tells, and of what people have explained. Rows: open_evidence."""
        await tx.run(_CLOSE)


unattributed_evidence = EvidenceTable(UnattributedEvidence, "unattributed_evidence", key="evidence_id")
