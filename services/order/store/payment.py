"""The SQL of projections: what payments captured and gave back for orders, and the merchants that may sell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from paykit.merchants.projection import MerchantProjection
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns
from paystream.payment.v1.events import PaymentSuccess, RefundSuccess

merchants = MerchantProjection()

PAYMENTS_SHOWN_MAX = 100
"""Payments that GetOrder gives."""

# A row that is there already is one whose event was applied before: the id is what makes a repetition harmless.
_INSERT = """
INSERT INTO {table} ({table}_id, order_id, payment_id, amount_minor, occurred_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
ON CONFLICT ({table}_id) DO NOTHING
RETURNING {table}_id
"""
_INSERTS = MappingProxyType({table: _INSERT.format(table=table) for table in ("capture", "refund")})

_SELECT_PAYMENTS = """
SELECT payment_id, sum(captured)::bigint AS captured_minor, sum(refunded)::bigint AS refunded_minor,
    min(occurred_at) AS create_time
FROM (
    SELECT payment_id, amount_minor AS captured, 0 AS refunded, occurred_at FROM capture WHERE order_id = $1
    UNION ALL
    SELECT payment_id, 0, amount_minor, occurred_at FROM refund WHERE order_id = $1
) AS moved
GROUP BY payment_id ORDER BY create_time, payment_id LIMIT $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A capture or a refund of a payment for an order.

    Attributes:
        movement_id: cap_ or ref_ and a UUIDv7.
        occurred_at: When it happened, as its event tells.
    """

    movement_id: str
    order_id: str
    payment_id: str
    amount_minor: int
    currency_code: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPayment:
    """What one payment brought in for an order.

    Attributes:
        create_time: Of its first capture.
    """

    payment_id: str
    captured_minor: int
    refunded_minor: int
    create_time: datetime


def captured(event: PaymentSuccess) -> Movement | None:
    """Read a capture from its event; None when it is for no order."""
    return _movement(event, event.capture_id)


def refunded(event: RefundSuccess) -> Movement | None:
    """Read a refund from its event; None when it is for no order, or gives back what was never booked as captured."""
    return None if event.reason == "CONTRADICTION" else _movement(event, event.refund_id)


async def insert_captures(tx: Tx, movements: Sequence[Movement]) -> set[str]:
    """Insert captures, and return the ids of those that are new."""
    return await _insert(tx, "capture", movements)


async def insert_refunds(tx: Tx, movements: Sequence[Movement]) -> set[str]:
    """Insert refunds, and return the ids of those that are new."""
    return await _insert(tx, "refund", movements)


async def payments_of_order(tx: Tx, order_id: str) -> list[OrderPayment]:
    """Read what the payments of an order brought in, oldest first, at most PAYMENTS_SHOWN_MAX."""
    return [OrderPayment(**row) for row in await tx.fetch(_SELECT_PAYMENTS, order_id, PAYMENTS_SHOWN_MAX)]


def _movement(event: PaymentSuccess | RefundSuccess, movement_id: str) -> Movement | None:
    if event.order_id is None:
        return None
    return Movement(
        movement_id=movement_id,
        order_id=event.order_id,
        payment_id=event.payment_id,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        occurred_at=event.occurred_at,
    )


async def _insert(tx: Tx, table: str, movements: Sequence[Movement]) -> set[str]:
    if not movements:
        return set()
    rows = sorted(movements, key=lambda movement: movement.movement_id)
    names = ("movement_id", "order_id", "payment_id", "amount_minor", "occurred_at")
    return {row[0] for row in await tx.fetch(_INSERTS[table], *columns(rows, names))}
