"""The SQL of the channel's disputes."""

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.channel.domain.dispute import ChannelDispute


class ChannelDisputes(Table[str, ChannelDispute]):
    """The table `dispute`."""

    async def lock_due(self, tx: Tx, *, limit: int) -> Rows[str, ChannelDispute]:
        """Lock disputes whose decision is due and that no other process decides."""
        return await self.claim_where(tx, "due_time <= $1 ORDER BY due_time, dispute_reference LIMIT $2", tx.now, limit)


disputes = ChannelDisputes(
    ChannelDispute,
    "dispute",
    key="dispute_reference",
    changing=(
        *("state", "stage", "contested", "evidence", "files", "respond_by", "due_time", "taken_minor"),
        *("update_time", "version"),
    ),
)
