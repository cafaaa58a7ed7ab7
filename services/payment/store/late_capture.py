"""The SQL of money that came late. Rows change only under the lock of their payment."""

from collections.abc import Collection

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.payment.domain.later.late_capture import LateCapture

_SELECT_DUE = "SELECT DISTINCT payment_id FROM (SELECT payment_id FROM late_capture WHERE {due} LIMIT $2) AS due"
_DUE = "retry_time <= $1 ORDER BY retry_time"


class LateCaptures(Table[str, LateCapture]):
    """The table `late_capture`, whose rows are also the queue of refunds to try again."""

    async def payments_due(self, tx: Tx, *, limit: int) -> list[str]:
        """Read which payments have money to be given back now, the longest due first."""
        bounds, keys = tx.claims.bounds(("payment_id",), first=3)
        rows = await tx.fetch(_SELECT_DUE.format(due=bounds + _DUE), tx.now, limit, *keys)
        tx.claims.take(row[0] for row in rows)
        return [row[0] for row in rows]

    async def guarded_of(self, tx: Tx, payment_ids: Collection[str]) -> Rows[str, LateCapture]:
        """Read what came late for locked payments; no statement where there is none."""
        if not payment_ids:
            return self.rows(tx)
        return self.rows(tx, await self.select(tx, "payment_id = ANY($1::text[])", sorted(payment_ids)))


late_captures = LateCaptures(
    LateCapture,
    "late_capture",
    key="capture_id",
    changing=(
        *("contradiction_id", "amount_minor", "state", "bounced", "refunding", "refund_count", "retry_time"),
        "update_time",
    ),
)
