"""The SQL of captures. They change only under the lock of their payment."""

from collections.abc import Collection

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.payment.domain.capture import Capture

SHOWN_MAX = 100
"""Captures of one payment that GetPayment shows."""


class Captures(Table[str, Capture]):
    """The table `capture`, of authorized payments; a charge is captured in its payment."""

    async def of_payment(self, tx: Tx, payment_id: str) -> list[Capture]:
        """Read the captures of an authorized payment, oldest first, at most SHOWN_MAX."""
        return await self.select(tx, "payment_id = $1 ORDER BY capture_id LIMIT $2", payment_id, SHOWN_MAX)

    async def guarded_of(
        self, tx: Tx, payment_ids: Collection[str], *, also: Collection[str] = ()
    ) -> Rows[str, Capture]:
        """Read all captures of locked payments, and some by their ids; no statement where there is none."""
        if not payment_ids and not also:
            return self.rows(tx)
        condition = "payment_id = ANY($1::text[]) OR capture_id = ANY($2::text[])"
        return self.rows(tx, await self.select(tx, condition, list(payment_ids), list(also)))


captures = Captures(
    Capture,
    "capture",
    key="capture_id",
    changing=(
        *("state", "approved_minor", "fee_minor", "fee_plan_version", "refund_fee_returned", "reversed_minor"),
        *("refunded_minor", "refunding_minor"),
        *("disputed_minor", "overdisputed_minor"),
        *("fee_returned_minor", "fee_returning_minor", "channel_reference", "failure_reason"),
        *("failure_code", "update_time"),
    ),
)
