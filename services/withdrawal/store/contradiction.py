"""Withdrawal's tables `contradiction`, `unmatched_evidence` and `open_contradiction`; most of their SQL is in paykit.

`open_contradiction` is what payment tells of contradictions that need a decision: a projection of payment.events.
"""

from collections.abc import Collection, Sequence

from paykit.channels.unmatched_evidence import UnmatchedEvidenceTable
from paykit.contradictions.contradiction import Contradiction
from paykit.contradictions.contradiction_table import ContradictionTable
from paykit.postgres.database import Tx
from paykit.work import Rows

# Whichever of both is told first: what is over stays over.
_OPEN = """
INSERT INTO open_contradiction (contradiction_id, merchant_id, currency_code, resolved)
SELECT contradiction_id, merchant_id, currency_code, $4
FROM unnest($1::text[], $2::text[], $3::text[]) AS new (contradiction_id, merchant_id, currency_code)
ORDER BY contradiction_id
ON CONFLICT (contradiction_id) DO UPDATE SET resolved = open_contradiction.resolved OR excluded.resolved
"""

ContradictionOf = tuple[str, str, str]
"""contradiction_id, merchant_id, currency_code."""


class WithdrawalContradictions(ContradictionTable):
    """The table `contradiction`."""

    async def of_withdrawals(self, tx: Tx, withdrawal_ids: Collection[str]) -> Rows[str, Contradiction]:
        """Read what was listed about locked withdrawals."""
        if not withdrawal_ids:
            return self.rows(tx)
        return self.rows(tx, await self.select(tx, "aggregate_id = ANY($1::text[])", sorted(withdrawal_ids)))


async def keep_open_contradictions(tx: Tx, contradictions: Sequence[ContradictionOf], *, resolved: bool) -> None:
    """Keep which contradictions about payments need a decision, or are over."""
    rows = sorted({row[0]: row for row in reversed(contradictions)}.values())
    if rows:
        await tx.run(_OPEN, *([row[at] for row in rows] for at in range(3)), resolved)


contradictions = WithdrawalContradictions()
unmatched_evidence = UnmatchedEvidenceTable()
