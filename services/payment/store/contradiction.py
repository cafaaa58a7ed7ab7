"""Payment's tables `contradiction` and `unmatched_evidence`; most of their SQL is in the library."""

from collections.abc import Collection

from paykit.channels.unmatched_evidence import UnmatchedEvidenceTable
from paykit.contradictions.contradiction import Contradiction
from paykit.contradictions.contradiction_table import ContradictionTable
from paykit.postgres.database import Tx
from paykit.work import Rows


class PaymentContradictions(ContradictionTable):
    """The contradictions of payments, their captures, refunds and disputes."""

    async def guarded_of(
        self, tx: Tx, payment_ids: Collection[str], *, also: Collection[str] = ()
    ) -> Rows[str, Contradiction]:
        """Read those of locked payments that are not over, and some by their ids; no statement for no payment."""
        if not payment_ids:
            return self.rows(tx)
        condition = "aggregate_id = ANY($1::text[]) AND (state <> 'RESOLVED' OR contradiction_id = ANY($2::text[]))"
        return self.rows(tx, await self.select(tx, condition, sorted(payment_ids), list(also)))


contradictions = PaymentContradictions()
unmatched_evidence = UnmatchedEvidenceTable()
