"""The table `item`: what was collected, and the settlement that each item came into."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from services.settlement.domain.item import ItemKind, SettlementItem

ItemKey = tuple[datetime, str, str]
"""effective_at, transaction_id, merchant_id: the order of items."""

_COLUMNS = (
    *("transaction_id", "merchant_id", "settlement_id", "kind", "transaction_type", "related_no", "root_reference"),
    *("effective_at", "amount_minor", "fee_minor"),
)

_SELECT_PRESENT = "SELECT transaction_id, merchant_id FROM item WHERE transaction_id = ANY($1::text[])"

_ITEMS = """
SELECT item.transaction_id, item.merchant_id, settlement.currency_code, item.kind, item.transaction_type,
    item.related_no, item.root_reference, item.effective_at, item.amount_minor, item.fee_minor, settlement.holder_id
"""

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


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item and the settlement that it counts in."""

    item: SettlementItem
    settlement_id: str

    @property
    def key(self) -> ItemKey:
        """Its place in lists."""
        return self.item.effective_at, self.item.transaction_id, self.item.merchant_id


async def insert_items(tx: Tx, items: Iterable[tuple[SettlementItem, str]]) -> None:
    """Insert items, each with the settlement that it comes into.

    Raises:
        UniqueViolation: One is there already.
    """
    rows = [
        (
            item.transaction_id,
            item.merchant_id,
            settlement_id,
            item.kind,
            item.transaction_type,
            item.related_no,
            item.root_reference,
            item.effective_at,
            item.amount_minor,
            item.fee_minor,
        )
        for item, settlement_id in items
    ]
    rows.sort()
    await tx.copy("item", _COLUMNS, rows)


async def present_items(tx: Tx, transaction_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Read (transaction_id, merchant_id) of the items that are there."""
    return {(row[0], row[1]) for row in await tx.fetch(_SELECT_PRESENT, transaction_ids)}


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


def _placed(row: Sequence[object]) -> PlacedItem:
    *fields, holder_id = row
    fields[3] = ItemKind(str(fields[3]))
    return PlacedItem(SettlementItem(*fields), str(holder_id))  # type: ignore[arg-type]  # a row, in the order of the fields
