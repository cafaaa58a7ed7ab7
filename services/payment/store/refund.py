"""The SQL of refunds. They change only under the lock of their payment."""

from dataclasses import dataclass
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from services.payment.domain.movement import MovementState
from services.payment.domain.refund import Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFilter:
    """What ListRefunds selects; None selects all. payment_id or merchant_id is set.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    payment_id: str | None
    merchant_id: str | None
    merchant_reference: str | None
    state: MovementState | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None
    channel_reference: str | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class Refunds(Table[str, Refund]):
    """The table `refund`."""

    async def list(self, tx: Tx, selection: RefundFilter, *, after: TimeKey | None, limit: int) -> Found[Refund]:
        """List refunds in the order asked for, from after a (create_time, refund_id) on."""
        return await refund_walk.page(tx, selection, after=after, limit=limit)


refunds = Refunds(
    Refund,
    "refund",
    key="refund_id",
    changing=(
        *("state", "fee_returned_minor", "capture_id", "suspense_minor", "returned_minor", "approved_minor"),
        "late_capture_id",
        *("channel_reference", "failure_reason", "failure_code", "stated", "update_time"),
    ),
)

refund_walk = Walk(refunds, scopes=(("payment_id",), ("merchant_id",)), unique=(("merchant_id", "merchant_reference"),))
