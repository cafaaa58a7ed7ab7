"""The SQL of captures. They change only under the lock of their payment."""

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.payment.domain.capture import Capture

SHOWN_MAX = 100
"""Captures of one payment that GetPayment shows."""


class Captures(Table[str, Capture]):
    """The table `capture`, of authorized payments; a charge is captured in its payment."""

    async def of_payment(self, tx: Tx, payment_id: str) -> list[Capture]:
        """Read the captures of an authorized payment, oldest first, at most SHOWN_MAX."""
        return await self.select(tx, "payment_id = $1 ORDER BY capture_id LIMIT $2", payment_id, SHOWN_MAX)


captures = Captures(
    Capture,
    "capture",
    key="capture_id",
    changing=(
        *("state", "fee_minor", "disputed_minor", "channel_reference", "failure_reason", "failure_code"),
        "update_time",
    ),
)
