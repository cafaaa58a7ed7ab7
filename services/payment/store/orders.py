"""The SQL of what payment knows of orders: a projection of order.events, and what payments have taken of them."""

from collections.abc import Sequence

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns
from services.payment.domain.order import Order, OrderState

_COLUMNS = (
    *("order_id", "merchant_id", "currency_code", "total_minor", "state", "correlation_id"),
    "aggregate_version",
)

# Payments for one order are accepted one after another, and none while the order is being closed.
_LOCK = f'SELECT {", ".join(_COLUMNS)} FROM "order" WHERE order_id = ANY($1::text[]) ORDER BY order_id FOR UPDATE'

_SELECT = f'SELECT {", ".join(_COLUMNS)} FROM "order" WHERE order_id = ANY($1::text[])'

# What payments have captured or still may capture, refunds not taken off: what has failed or was given up counts not.
_SELECT_TAKEN = """
SELECT order_id, sum(amount_minor - cancelled_minor)::bigint FROM payment
WHERE order_id = ANY($1::text[]) AND state NOT IN ('FAILED', 'CANCELLED') GROUP BY order_id
"""

_SELECT_CAPTURED = """
SELECT order_id, sum(captured_minor)::bigint FROM payment WHERE order_id = ANY($1::text[]) GROUP BY order_id
"""

# An event that is not newer than what is known changes nothing: that makes applying it again harmless.
_UPSERT = f"""
INSERT INTO "order" AS old ({", ".join(_COLUMNS)})
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, aggregate_version = excluded.aggregate_version
WHERE old.aggregate_version < excluded.aggregate_version
RETURNING order_id
"""


async def lock_orders(tx: Tx, order_ids: Sequence[str]) -> dict[str, Order]:
    """Lock orders, in the order of their ids, and give those that are known."""
    return {row["order_id"]: _order(row) for row in await tx.fetch(_LOCK, order_ids)}


async def orders(tx: Tx, order_ids: Sequence[str]) -> dict[str, Order]:
    """Give the orders that are known, as they are committed now."""
    return {row["order_id"]: _order(row) for row in await tx.fetch(_SELECT, order_ids)}


async def taken_minor(tx: Tx, order_ids: Sequence[str]) -> dict[str, int]:
    """Give what payments have captured or still may capture of orders; nothing where there is none."""
    return {row[0]: row[1] for row in await tx.fetch(_SELECT_TAKEN, order_ids)}


async def captured_minor(tx: Tx, order_ids: Sequence[str]) -> dict[str, int]:
    """Give what payments have captured of orders; nothing where there is none."""
    return {row[0]: row[1] for row in await tx.fetch(_SELECT_CAPTURED, order_ids)}


async def keep_orders(tx: Tx, latest: Sequence[Order]) -> set[str]:
    """Bring orders to their newest state, each at most once; give the ids of those that changed."""
    rows = sorted(latest, key=lambda order: order.order_id)
    return {row["order_id"] for row in await tx.fetch(_UPSERT, *columns(rows, _COLUMNS))}


def _order(row: Sequence[object]) -> Order:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["state"] = OrderState(str(values["state"]))
    return Order(**values)  # type: ignore[arg-type]  # The columns have the types of the fields.
