"""The SQL of orders: the set-based statements, and the reads behind GetOrder and ListOrders."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from paykit.merchants.references import References
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.rows import columns, require_all_changed
from paykit.serve.listing import newest_first
from services.order.domain import LineItem, Order, OrderState

METADATA = sa.MetaData()

_TEXT = sa.Text(collation="C")

ORDER = sa.Table(
    "order",
    METADATA,
    sa.Column("order_id", _TEXT, primary_key=True),
    sa.Column("merchant_id", _TEXT),
    sa.Column("merchant_reference", _TEXT),
    sa.Column("total_minor", sa.BigInteger),
    sa.Column("currency_code", _TEXT),
    sa.Column("item_count", sa.BigInteger),
    sa.Column("metadata", sa.Text),
    sa.Column("correlation_id", _TEXT),
    sa.Column("state", _TEXT),
    sa.Column("paid_minor", sa.BigInteger),
    sa.Column("refunded_minor", sa.BigInteger),
    sa.Column("expire_time", sa.DateTime(timezone=True)),
    sa.Column("aggregate_version", sa.BigInteger),
    sa.Column("create_time", sa.DateTime(timezone=True)),
    sa.Column("update_time", sa.DateTime(timezone=True)),
)

REFERENCES = References('"order"', "order_id")

_COLUMNS = ", ".join(column.name for column in ORDER.columns)

_NEW = (
    "order_id",
    "merchant_id",
    "merchant_reference",
    "total_minor",
    "currency_code",
    "item_count",
    "metadata",
    "correlation_id",
    "expire_time",
)

# A reference already taken leaves its row out; the count of rows tells. Rows come in the order of that unique key, so
# that two batches with the same references wait for each other in one order and cannot deadlock.
_INSERT_ORDERS = """
INSERT INTO "order" (order_id, merchant_id, merchant_reference, total_minor, currency_code, item_count, metadata,
    correlation_id, expire_time, create_time, update_time, state, paid_minor, refunded_minor, aggregate_version)
SELECT new.*, $10, $10, 'CREATED', 0, 0, 1
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::text[],
    $9::timestamptz[]) AS new
ON CONFLICT (merchant_id, merchant_reference) DO NOTHING
"""

# One statement for all orders: a trigger after it holds each total against the sum of its items.
_INSERT_LINE_ITEMS = """
INSERT INTO line_item (order_id, line, name, quantity, unit_price_minor, amount_minor)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
"""

# The lock under which everything about an order changes.
_LOCK_ORDERS = f'SELECT {_COLUMNS} FROM "order" WHERE order_id = ANY($1::text[]) ORDER BY order_id FOR UPDATE'

# Orders whose time is over, the longest overdue first; what another process is changing is left to the next look.
_LOCK_OVERDUE = f"""
SELECT {_COLUMNS} FROM "order" WHERE state = 'CREATED' AND expire_time <= $1
ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED
"""

# Writes back everything that can change; the rows are locked, so nothing can have changed meanwhile.
_UPDATE_ORDERS = """
UPDATE "order" SET state = new.state, paid_minor = new.paid_minor, refunded_minor = new.refunded_minor,
    aggregate_version = new.aggregate_version, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
  AS new (order_id, state, paid_minor, refunded_minor, aggregate_version, update_time)
WHERE "order".order_id = new.order_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """What ListOrders selects; None selects all.

    Attributes:
        create_time_before: Exclusive.
    """

    merchant_id: str
    merchant_reference: str | None
    state: OrderState | None
    create_time_min: datetime | None
    create_time_before: datetime | None


async def insert_orders(tx: Tx, orders: Sequence[Order]) -> bool:
    """Insert orders just made, without their items and without those whose reference is taken; say whether all went in.

    Of several orders with one reference, the first goes in.
    """
    rows = sorted(orders, key=lambda order: (order.merchant_id, order.merchant_reference))
    return await tx.run(_INSERT_ORDERS, *columns(rows, _NEW), tx.now) == len(rows)


async def insert_line_items(tx: Tx, orders: Sequence[Order]) -> None:
    """Insert the items of orders just inserted."""
    if not orders:
        return
    ordered = sorted(orders, key=lambda order: order.order_id)
    lines = [(order.order_id, line) for order in ordered for line in range(1, order.item_count + 1)]
    items = [item for order in ordered for item in order.line_items]
    await tx.run(
        _INSERT_LINE_ITEMS,
        [order_id for order_id, _ in lines],
        [line for _, line in lines],
        *columns(items, ("name", "quantity", "unit_price_minor", "amount_minor")),
    )


async def lock_orders(tx: Tx, order_ids: Collection[str]) -> dict[str, Order]:
    """Lock orders, in the order of their ids, and give those that exist, without their items."""
    return _held(tx, await tx.fetch(_LOCK_ORDERS, sorted(set(order_ids))))


async def lock_overdue_orders(tx: Tx, *, limit: int) -> dict[str, Order]:
    """Lock open orders whose time is over, as far as nobody else has them, without their items."""
    return _held(tx, await tx.fetch(_LOCK_OVERDUE, tx.now, limit))


async def update_orders(tx: Tx, orders: Collection[Order]) -> None:
    """Write locked orders back; each at most once.

    Raises:
        InvariantError: An order is not there, or came twice.
    """
    if not orders:
        return
    names = ("order_id", "state", "paid_minor", "refunded_minor", "aggregate_version", "update_time")
    require_all_changed("order", await tx.run(_UPDATE_ORDERS, *columns(list(orders), names)), len(orders))


async def get_order(tx: Tx, order_id: str) -> Order | None:
    """Give one order with its items."""
    rows = await tx.select(sa.select(ORDER).where(ORDER.c.order_id == order_id))
    if not rows:
        return None
    sql = "SELECT name, quantity, unit_price_minor, amount_minor FROM line_item WHERE order_id = $1 ORDER BY line"
    items = tuple(LineItem(**item) for item in await tx.fetch(sql, order_id))
    return to_order(rows[0]._asdict() | {"line_items": items})


async def list_orders(tx: Tx, wanted: OrderFilter, *, after: TimeKey | None, limit: int) -> list[Order]:
    """List a merchant's orders, newest first, from after a (create_time, order_id) on, without their items."""
    c = ORDER.c
    statement = sa.select(ORDER).where(c.merchant_id == wanted.merchant_id)
    if wanted.merchant_reference:
        statement = statement.where(c.merchant_reference == wanted.merchant_reference)
    if wanted.state:
        statement = statement.where(c.state == wanted.state)
    statement = newest_first(statement, (c.create_time, c.order_id), wanted, after).limit(limit)
    return [to_order(row._asdict()) for row in await tx.select(statement)]


def to_order(row: Mapping[str, Any]) -> Order:
    """Make an order of a row of its table."""
    return Order(**{**row, "state": OrderState(row["state"])})


def _held(tx: Tx, rows: Sequence[Any]) -> dict[str, Order]:
    orders = {row["order_id"]: to_order(row) for row in rows}
    tx.hold(*orders)
    return orders
