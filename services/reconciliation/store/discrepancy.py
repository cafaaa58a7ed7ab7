"""The SQL of discrepancies."""

from dataclasses import dataclass

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paystream.reconciliation.v1.events import DiscrepancyKind
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyFilter:
    """Which discrepancies to list; None does not filter."""

    kind: DiscrepancyKind | None = None
    state: DiscrepancyState | None = None
    channel: str | None = None
    statement_id: str | None = None
    create_time_min: None = None
    create_time_before: None = None


class Discrepancies(Table[str, Discrepancy]):
    """The table `discrepancy`."""

    async def list(self, tx: Tx, wanted: DiscrepancyFilter, *, after: TimeKey | None, limit: int) -> list[Discrepancy]:
        """List discrepancies, newest first, from after a (create_time, discrepancy_id) on."""
        equal = ("kind", "state", "channel", "statement_id")
        return await self.page(tx, wanted, equal=equal, after=after, limit=limit)


discrepancies = Discrepancies(
    Discrepancy,
    "discrepancy",
    key="discrepancy_id",
    changing=("state", "resolution", "reason", "proposer", "approver", "aggregate_version", "update_time"),
)
