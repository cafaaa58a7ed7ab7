"""The SQL behind the reading calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.serve.listing import newest_first
from services.settlement.domain.item import Item, ItemKind
from services.settlement.domain.settlement import Settlement, SettlementNotFound, SettlementState, Sums
from services.settlement.store import settlements as store

METADATA = sa.MetaData()

_TEXT = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)

SETTLEMENT = sa.Table(
    "settlement",
    METADATA,
    *(sa.Column(name) for name in store.COLUMNS if name not in {"create_time", "settlement_id", "merchant_id"}),
    sa.Column("settlement_id", _TEXT, primary_key=True),
    sa.Column("merchant_id", _TEXT),
    sa.Column("create_time", _TIME),
)

ItemKey = tuple[datetime, str, str]
"""effective_at, transaction_id, merchant_id: the order of items."""

_ITEMS = """
SELECT item.transaction_id, item.merchant_id, settlement.currency_code, item.kind, item.transaction_type,
    item.related_no, item.root_reference, item.effective_at, item.amount_minor, item.fee_minor, settlement.holder_id
"""

_HOMES = "SELECT settlement_id FROM settlement WHERE holder_id = $1 ORDER BY settlement_id"

# Each settlement that items came into gives its next items by its own index; the first of all of them are the page.
_PAGE_OF_HOMES = f"""
{_ITEMS}
FROM unnest($1::text[]) AS home (settlement_id)
JOIN settlement ON settlement.settlement_id = home.settlement_id
CROSS JOIN LATERAL (
    SELECT * FROM item
    WHERE item.settlement_id = home.settlement_id
        AND ($2::timestamptz IS NULL OR (item.effective_at, item.transaction_id) > ($2, $3))
    ORDER BY item.effective_at, item.transaction_id LIMIT $4
) AS item
ORDER BY item.effective_at, item.transaction_id LIMIT $4
"""

_PAGE_OF_TRANSACTION = f"""
{_ITEMS}
FROM item JOIN settlement ON settlement.settlement_id = item.settlement_id
WHERE item.transaction_id = $1 AND item.merchant_id > $2
ORDER BY item.merchant_id LIMIT $3
"""

_PENDING = f"""
SELECT currency_code,
    {", ".join(f"coalesce(sum({name}) FILTER (WHERE state = 'PENDING'), 0) AS {name}" for name in store.SUMS)},
    coalesce(sum(total_minor) FILTER (WHERE state = 'CREATED'), 0) AS settling_minor, min(due_at) AS next_due_at
FROM settlement
WHERE state IN ('PENDING', 'CREATED') AND merchant_id = $1 AND ($2 = '' OR currency_code = $2)
GROUP BY currency_code ORDER BY currency_code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFilter:
    """What ListSettlements selects; None selects all.

    Attributes:
        create_time_before: Exclusive.
    """

    merchant_id: str
    currency_code: str | None = None
    state: SettlementState | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item and the settlement that it counts in."""

    item: Item
    settlement_id: str

    @property
    def key(self) -> ItemKey:
        """Give its place in lists."""
        return self.item.effective_at, self.item.transaction_id, self.item.merchant_id


@dataclass(frozen=True, slots=True)
class Pending:
    """What awaits settlement in a currency; `settling_minor` is closed and not known to be booked."""

    currency_code: str
    sums: Sums
    settling_minor: int
    next_due_at: datetime | None


async def get_settlement(tx: Tx, settlement_id: str) -> Settlement:
    """Read a settlement.

    Raises:
        SettlementNotFound: There is none.
    """
    rows = await tx.select(sa.select(SETTLEMENT).where(SETTLEMENT.c.settlement_id == settlement_id))
    if not rows:
        message = f"There is no settlement {settlement_id}."
        raise SettlementNotFound(message, field="settlement_id", settlement_id=settlement_id)
    return store.settlement(rows[0]._asdict())


async def list_settlements(
    tx: Tx, wanted: SettlementFilter, /, *, after: TimeKey | None, limit: int
) -> list[Settlement]:
    """Read a merchant's settlements, newest first."""
    columns = SETTLEMENT.c
    statement = sa.select(SETTLEMENT).where(columns.merchant_id == wanted.merchant_id).limit(limit)
    if wanted.currency_code:
        statement = statement.where(columns.currency_code == wanted.currency_code)
    if wanted.state:
        statement = statement.where(columns.state == wanted.state)
    statement = newest_first(statement, (columns.create_time, columns.settlement_id), wanted, after)
    return [store.settlement(row._asdict()) for row in await tx.select(statement)]


async def homes(tx: Tx, settlement_id: str) -> list[str]:
    """Give the settlements that the items of a settlement came into, its own id among them if it holds its own."""
    return [row["settlement_id"] for row in await tx.fetch(_HOMES, settlement_id)]


async def items_of_homes(
    tx: Tx, settlement_ids: Sequence[str], *, after: ItemKey | None, limit: int
) -> list[PlacedItem]:
    """Read the items that came into settlements, together in the order of their keys."""
    at, transaction_id, _ = after or (None, "", "")
    return [_placed(row) for row in await tx.fetch(_PAGE_OF_HOMES, settlement_ids, at, transaction_id, limit)]


async def items_of_transaction(tx: Tx, transaction_id: str, *, after: ItemKey | None, limit: int) -> list[PlacedItem]:
    """Read the items of a transaction, one for each merchant, in the order of their keys."""
    merchant_id = after[2] if after else ""
    return [_placed(row) for row in await tx.fetch(_PAGE_OF_TRANSACTION, transaction_id, merchant_id, limit)]


async def pending(tx: Tx, merchant_id: str, currency_code: str) -> list[Pending]:
    """Read what awaits settlement of a merchant, by currency; an empty currency code is all."""
    return [
        Pending(
            row["currency_code"],
            Sums(**{name: int(row[name]) for name in store.SUMS}),
            int(row["settling_minor"]),
            row["next_due_at"],
        )
        for row in await tx.fetch(_PENDING, merchant_id, currency_code)
    ]


def _placed(row: Sequence[object]) -> PlacedItem:
    *fields, holder_id = row
    fields[3] = ItemKind(str(fields[3]))
    return PlacedItem(Item(*fields), str(holder_id))  # type: ignore[arg-type]  # a row, in the order of the fields
