"""The SQL of orders and their items."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.rows import columns, require_all_changed
from paykit.postgres.table import Table
from paykit.work import Rows
from services.order.domain import LineItem, Order, OrderState

# One statement for all orders: a trigger after it holds each total against the sum of its items.
_INSERT_LINE_ITEMS = """
INSERT INTO line_item (order_id, line, name, quantity, unit_price_minor, amount_minor)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
"""

_DESCRIBE = """
UPDATE "order" SET metadata = new.metadata, metadata_version = new.metadata_version, update_time = new.update_time
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
    AS new (order_id, metadata, metadata_version, update_time)
WHERE "order".order_id = new.order_id
"""

_ANY_OVERDUE = """SELECT EXISTS (SELECT FROM "order" WHERE state = 'CREATED' AND expire_time <= $1)"""

_SELECT_LINE_ITEMS = """
SELECT order_id, name, quantity, unit_price_minor, amount_minor FROM line_item
WHERE order_id = ANY($1::text[]) ORDER BY order_id, line
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """What ListOrders selects; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    merchant_id: str
    merchant_reference: str | None
    state: OrderState | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    currency_code: str | None = None
    total_minor_min: int | None = None
    total_minor_max: int | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class Orders(Table[str, Order]):
    """The table `order`; rows are read without their items, unless in full."""

    async def any_overdue(self, tx: Tx) -> bool:
        """Return whether the time of an open order is over."""
        return bool((await tx.fetch(_ANY_OVERDUE, tx.now))[0][0])

    async def lock_overdue(self, tx: Tx, until: datetime, *, limit: int) -> Rows[str, Order]:
        """Lock open orders whose time was over then, the longest overdue first, as far as nobody else has them."""
        condition = "state = 'CREATED' AND expire_time <= $1 ORDER BY expire_time LIMIT $2"
        return await self.claim_where(tx, condition, until, limit)

    async def describe(self, tx: Tx, described: Collection[Order]) -> None:
        """Write the metadata of locked orders; of several changes of one the last counts.

        It stands apart from `update`, so that the changes of every order do not pay for what few have.

        Raises:
            InvariantError: An order is not there.
        """
        latest = list({order.order_id: order for order in described}.values())
        if latest:
            written = ("order_id", "metadata", "metadata_version", "update_time")
            require_all_changed(self.name, await tx.run(_DESCRIBE, *columns(latest, written)), len(latest))

    async def get_in_full(self, tx: Tx, order_id: str) -> Order | None:
        """Read one order with its items."""
        return (await self.in_full(tx, [order_id])).get(order_id)

    async def in_full(self, tx: Tx, order_ids: Collection[str]) -> dict[str, Order]:
        """Read orders with their items; those that are not there are left out."""
        items: defaultdict[str, list[LineItem]] = defaultdict(list)
        for order_id, *values in await tx.fetch(_SELECT_LINE_ITEMS, order_ids):
            name, quantity, unit_price_minor, amount_minor = values
            items[order_id].append(
                LineItem(name=name, quantity=quantity, unit_price_minor=unit_price_minor, amount_minor=amount_minor)
            )
        orders = await self.by_key(tx, order_ids)
        return {order_id: replace(order, line_items=tuple(items[order_id])) for order_id, order in orders.items()}

    async def list(self, tx: Tx, selection: OrderFilter, *, after: TimeKey | None, limit: int) -> Found[Order]:
        """List a merchant's orders in the order asked for, from after a (create_time, order_id) on."""
        return await order_walk.page(tx, selection, after=after, limit=limit)


orders = Orders(
    Order,
    "order",
    key="order_id",
    changing=(
        *("state", "captured_minor", "refunded_minor", "lost_minor", "known_returned_minor", "aggregate_version"),
        *("stated", "update_time"),
    ),
    without=("line_items",),
)

order_walk = Walk(orders, scopes=(("merchant_id",),), unique=(("merchant_id", "merchant_reference"),))


async def insert_line_items(tx: Tx, new_orders: Sequence[Order]) -> None:
    """Insert the items of orders just inserted."""
    if not new_orders:
        return
    ordered = sorted(new_orders, key=lambda order: order.order_id)
    items = [item for order in ordered for item in order.line_items]
    await tx.insert(
        _INSERT_LINE_ITEMS,
        [order.order_id for order in ordered for _ in order.line_items],
        [line for order in ordered for line in range(1, order.item_count + 1)],
        *columns(items, ("name", "quantity", "unit_price_minor", "amount_minor")),
    )
