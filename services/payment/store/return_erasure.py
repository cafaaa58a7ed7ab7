"""The SQL of the walk through payments that ended before `return_url` was erased at the end, of which there is one."""

from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows

_SELECT_PAGE = """
SELECT payment_id, return_url IS NOT NULL AS returns FROM payment
WHERE payment_id > $1 ORDER BY payment_id LIMIT $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnErasure:
    """How far it has come.

    Attributes:
        erasure_no: 1.
        begin_time: Before then, builds may run that leave what is to be erased.
        walked_to: The last payment_id that was looked at; empty before the first.
        done: Whether that was the last.
    """

    erasure_no: int
    begin_time: datetime
    walked_to: str
    done: bool


class ReturnErasures(Table[int, ReturnErasure]):
    """The table `return_erasure`."""

    async def claim_due(self, tx: Tx) -> Rows[int, ReturnErasure]:
        """Lock the walk, if it is to go on now and nobody else has it."""
        return await self.claim_where(tx, "NOT done AND begin_time <= $1", tx.now)

    async def look_on(self, tx: Tx, walk: ReturnErasure, *, limit: int) -> dict[str, bool]:
        """Read which payments come next, in the order of their ids, and whether each keeps where its payer returns."""
        return {row[0]: row[1] for row in await tx.fetch(_SELECT_PAGE, walk.walked_to, limit)}


return_erasures = ReturnErasures(
    ReturnErasure,
    "return_erasure",
    key="erasure_no",
    changing=("walked_to", "done"),
    sql_types={"erasure_no": "smallint"},
)
