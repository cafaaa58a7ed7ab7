"""The SQL of projections: what payments took and gave back for orders, and the merchants that may sell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paykit.merchants.projection import MerchantProjection
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns

merchants = MerchantProjection()

PAYMENTS_SHOWN_MAX = 100
"""Payments that GetOrder gives."""

_COLUMNS = ("kind", "movement_id", "order_id", "payment_id", "captured_minor", "refunded_minor", "lost_minor")

# A row that is there already is one whose event was applied before: the id is what makes a repetition harmless.
_INSERT = f"""
INSERT INTO movement ({", ".join(_COLUMNS)}, occurred_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::timestamptz[])
ON CONFLICT (kind, movement_id) DO NOTHING
RETURNING kind, movement_id
"""

_SELECT_PAYMENTS = """
SELECT payment_id, sum(captured_minor)::bigint AS captured_minor, sum(refunded_minor)::bigint AS refunded_minor,
    sum(lost_minor)::bigint AS lost_minor, min(occurred_at) AS create_time
FROM movement WHERE order_id = $1 GROUP BY payment_id ORDER BY create_time, payment_id LIMIT $2
"""

MovementKey = tuple[str, str]
"""kind, movement_id."""


class MovementKind(StrEnum):
    """What a payment tells of an order's money."""

    CAPTURE = "CAPTURE"
    REVERSAL = "REVERSAL"
    REFUND = "REFUND"
    REFUND_RETURN = "REFUND_RETURN"
    DISPUTE_LOSS = "DISPUTE_LOSS"
    DISPUTE_OVERTURN = "DISPUTE_OVERTURN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What one event of a payment for an order adds to its amounts; below zero where it takes something back.

    Attributes:
        movement_id: Of the capture, refund, dispute or overturn.
        returned_before_minor: With a capture: refunded and lost of all payments for the order before it.
        final: With a capture: whether the merchant takes no more of the payment.
        occurred_at: When it happened, as its event tells.
    """

    kind: MovementKind
    movement_id: str
    order_id: str
    payment_id: str
    currency_code: str
    captured_minor: int = 0
    refunded_minor: int = 0
    lost_minor: int = 0
    returned_before_minor: int = 0
    final: bool = False
    occurred_at: datetime

    @property
    def key(self) -> MovementKey:
        """What it is known by."""
        return self.kind, self.movement_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPayment:
    """What one payment brought in for an order.

    Attributes:
        create_time: Of its first capture.
    """

    payment_id: str
    captured_minor: int
    refunded_minor: int
    lost_minor: int
    create_time: datetime


async def insert_movements(tx: Tx, movements: Sequence[Movement]) -> set[MovementKey]:
    """Insert movements, and return the keys of those that are new."""
    if not movements:
        return set()
    rows = sorted(movements, key=lambda movement: movement.key)
    return {(row[0], row[1]) for row in await tx.fetch(_INSERT, *columns(rows, (*_COLUMNS, "occurred_at")))}


async def payments_of_order(tx: Tx, order_id: str) -> list[OrderPayment]:
    """Read what the payments of an order brought in, oldest first, at most PAYMENTS_SHOWN_MAX."""
    return [OrderPayment(**row) for row in await tx.fetch(_SELECT_PAYMENTS, order_id, PAYMENTS_SHOWN_MAX)]
