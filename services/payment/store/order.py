"""The SQL of what payment knows of orders: a projection of order.events."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns
from paykit.postgres.table import Table
from services.payment.domain.order import ProjectedOrder

# An event that is not newer than what is known changes nothing: that makes applying it again harmless.
_KEEP = """
INSERT INTO "order" AS old ({columns}) SELECT * FROM unnest({arrays})
ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, aggregate_version = excluded.aggregate_version
WHERE old.aggregate_version < excluded.aggregate_version
RETURNING order_id
"""


class ProjectedOrders(Table[str, ProjectedOrder]):
    """The table `order`. Payments for one are accepted one after another under its lock, and none while it closes."""

    async def keep(self, tx: Tx, latest: Sequence[ProjectedOrder]) -> set[str]:
        """Bring orders to their newest state, each at most once, and return the ids of those that changed."""
        rows = sorted(latest, key=self.key_of)
        sql = _KEEP.format(columns=", ".join(self.columns), arrays=self.parameters(self.columns))
        return {row["order_id"] for row in await tx.lock(self.name, sql, *columns(rows, self.columns))}


orders = ProjectedOrders(ProjectedOrder, "order", key="order_id")
