"""The SQL of the table `correction`; its rows change under the lock of their discrepancy."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.work import Rows
from services.reconciliation.domain.correction import PENDING, Correction, CorrectionState


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionFilter:
    """Which corrections to list; None does not filter.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    state: CorrectionState | None = None
    discrepancy_id: str | None = None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None
    proposer: str | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class Corrections(Table[str, Correction]):
    """The table `correction`."""

    async def pending_of(self, tx: Tx, discrepancy_ids: Collection[str]) -> Rows[str, Correction]:
        """Read what waits for a decision or for the ledger, of discrepancies that are locked; more can be added."""
        condition = "discrepancy_id = ANY($1::text[]) AND state = ANY($2::text[])"
        return self.rows(tx, await self.select(tx, condition, sorted(discrepancy_ids), sorted(PENDING)))

    async def discrepancies_of(self, tx: Tx, correction_ids: Collection[str]) -> set[str]:
        """Read which discrepancies corrections are of."""
        return {row.discrepancy_id for row in (await self.by_key(tx, correction_ids)).values()}

    async def list(self, tx: Tx, wanted: CorrectionFilter, *, after: TimeKey | None, limit: int) -> Found[Correction]:
        """List corrections as asked for, from after a (create_time, correction_id) on."""
        return await correction_walk.page(tx, wanted, after=after, limit=limit)


corrections = Corrections(
    Correction,
    "correction",
    key="correction_id",
    changing=("state", "decider", "decision_reason", "refusal", "transaction_id", "update_time"),
)

correction_walk = Walk(corrections, scopes=(("discrepancy_id",), ("state",), ()))
