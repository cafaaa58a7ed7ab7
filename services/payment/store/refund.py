"""The SQL of refunds. They change only under the lock of their payment."""

from dataclasses import dataclass
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.payment.domain.movement import MovementState
from services.payment.domain.refund import Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFilter:
    """What ListRefunds selects; None selects all. payment_id or merchant_id is set.

    Attributes:
        create_time_before: Exclusive.
    """

    payment_id: str | None
    merchant_id: str | None
    merchant_reference: str | None
    state: MovementState | None
    create_time_min: datetime | None
    create_time_before: datetime | None


class Refunds(Table[str, Refund]):
    """The table `refund`."""

    async def list(self, tx: Tx, selection: RefundFilter, *, after: TimeKey | None, limit: int) -> list[Refund]:
        """List refunds, newest first, from after a (create_time, refund_id) on."""
        equal = ("payment_id", "merchant_id", "merchant_reference", "state")
        return await self.page(tx, selection, equal=equal, after=after, limit=limit)


refunds = Refunds(
    Refund,
    "refund",
    key="refund_id",
    changing=(
        *("state", "fee_returned_minor", "capture_id", "suspense_minor", "returned_minor", "approved_minor"),
        *("channel_reference", "failure_reason", "failure_code", "stated", "update_time"),
    ),
)
