"""The SQL of the table `correction`; its rows change under the lock of their discrepancy."""

from collections.abc import Collection
from dataclasses import dataclass

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.reconciliation.domain.correction import PENDING, Correction, CorrectionState


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionFilter:
    """Which corrections to list; None does not filter."""

    state: CorrectionState | None = None
    discrepancy_id: str | None = None
    create_time_min: None = None
    create_time_before: None = None


class Corrections(Table[str, Correction]):
    """The table `correction`."""

    async def pending_of(self, tx: Tx, discrepancy_ids: Collection[str]) -> Rows[str, Correction]:
        """Read what waits for a decision or for the ledger, of discrepancies that are locked; more can be added."""
        condition = "discrepancy_id = ANY($1::text[]) AND state = ANY($2::text[])"
        return self.rows(tx, await self.select(tx, condition, sorted(discrepancy_ids), sorted(PENDING)))

    async def discrepancies_of(self, tx: Tx, correction_ids: Collection[str]) -> set[str]:
        """Read which discrepancies corrections are of."""
        return {row.discrepancy_id for row in (await self.by_key(tx, correction_ids)).values()}

    async def list(self, tx: Tx, wanted: CorrectionFilter, *, after: TimeKey | None, limit: int) -> list[Correction]:
        """List corrections, newest first, from after a (create_time, correction_id) on."""
        return await self.page(tx, wanted, equal=("state", "discrepancy_id"), after=after, limit=limit)


corrections = Corrections(
    Correction,
    "correction",
    key="correction_id",
    changing=("state", "decider", "decision_reason", "refusal", "transaction_id", "update_time"),
)
