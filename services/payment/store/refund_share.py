"""The SQL of refunds that several captures bear. They change with their refund, under the lock of its payment."""

from collections.abc import Collection

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.payment.domain.refund_share import RefundShare


class RefundShares(Table[tuple[str, str], RefundShare]):
    """The table `refund_share`; a refund that one capture bears names it, and has no row here."""

    async def guarded_of(self, tx: Tx, refund_ids: Collection[str]) -> Rows[tuple[str, str], RefundShare]:
        """Read the shares of refunds whose payments the transaction has locked; no statement where there is none."""
        if not refund_ids:
            return self.rows(tx)
        return self.rows(tx, await self.select(tx, "refund_id = ANY($1::text[])", list(refund_ids)))


refund_shares = RefundShares(
    RefundShare, "refund_share", key=("refund_id", "capture_id"), changing=("amount_minor", "fee_returned_minor")
)
