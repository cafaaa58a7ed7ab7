"""The tables `item` and `narrow_item`: what was collected, and the settlement that each item came into."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.rows import BinaryRows
from services.settlement.domain import item_form
from services.settlement.domain.item import ItemKind, SettlementItem
from services.settlement.domain.item_form import CollectedItem, NarrowItem, whole
from services.settlement.store import narrow_item
from services.settlement.store.narrow_item import AS_ITEM, SETTLEMENT_ID, TRANSACTION_ID

ItemKey = tuple[datetime, str, str]
"""effective_at, transaction_id, merchant_id: the order of items."""

_COLUMNS = (
    *("transaction_id", "merchant_id", "settlement_id", "kind", "transaction_type", "related_no", "root_reference"),
    *("effective_at", "amount_minor", "fee_minor"),
)

_SELECT_PRESENT = f"""
SELECT transaction_id, merchant_id FROM item WHERE transaction_id = ANY($1::text[])
UNION ALL
SELECT {TRANSACTION_ID}, settlement.merchant_id
FROM narrow_item JOIN settlement ON settlement.settlement_id = {SETTLEMENT_ID}
WHERE narrow_item.transaction_id = ANY($2::uuid[])
"""

_ITEMS = """
SELECT item.transaction_id, item.merchant_id, settlement.currency_code, item.kind, item.transaction_type,
    item.related_no, item.root_reference, item.effective_at, item.amount_minor, item.fee_minor, settlement.holder_id
"""

# Each settlement that items came into gives its next items by its own indexes; the first of all of them are the page.
# Digits sort as the ids that they are of.
_PAGE_OF_HOMES = f"""
{_ITEMS}
FROM unnest($1::text[]) AS home (settlement_id)
JOIN settlement ON settlement.settlement_id = home.settlement_id
CROSS JOIN LATERAL (
    (
        SELECT transaction_id, kind, transaction_type, related_no, root_reference, effective_at, amount_minor,
            fee_minor, merchant_id
        FROM item
        WHERE item.settlement_id = home.settlement_id
            AND ($2::timestamptz IS NULL OR (item.effective_at, item.transaction_id) > ($2, $3))
        ORDER BY item.effective_at, item.transaction_id LIMIT $4
    ) UNION ALL (
        SELECT {AS_ITEM}, settlement.merchant_id
        FROM narrow_item
        WHERE narrow_item.settlement_id = substr(home.settlement_id, 5)::uuid
            AND ($2::timestamptz IS NULL OR (narrow_item.effective_at, {TRANSACTION_ID}) > ($2, $3))
            AND narrow_item.effective_at >= coalesce($2::timestamptz, '-infinity')
        ORDER BY narrow_item.effective_at, narrow_item.transaction_id LIMIT $4
    )
) AS item
ORDER BY item.effective_at, item.transaction_id LIMIT $4
"""

_PAGE_OF_TRANSACTION = f"""
{_ITEMS}
FROM (
    SELECT transaction_id, kind, transaction_type, related_no, root_reference, effective_at, amount_minor, fee_minor,
        merchant_id, settlement_id
    FROM item WHERE transaction_id = $1 AND merchant_id > $2
    UNION ALL
    SELECT {AS_ITEM}, settlement.merchant_id, settlement.settlement_id
    FROM narrow_item JOIN settlement ON settlement.settlement_id = {SETTLEMENT_ID}
    WHERE narrow_item.transaction_id = $4::uuid AND settlement.merchant_id > $2
) AS item JOIN settlement ON settlement.settlement_id = item.settlement_id
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


async def insert_items(
    tx: Tx, items: Iterable[tuple[str, Iterable[CollectedItem]]], *, shared: Collection[str] = frozenset()
) -> None:
    """Insert items, each with the settlement that it comes into.

    Args:
        tx: The transaction.
        items: Settlement ids, and the items that come into each.
        shared: Transactions that are items of several merchants.

    Raises:
        UniqueViolation: One is there already.
    """
    narrow_rows: list[bytes] = []
    wide_rows: list[tuple[object, ...]] = []
    for settlement_id, collected in items:
        narrow: list[NarrowItem] = []
        for item in collected:
            narrowed = item if isinstance(item, NarrowItem) else item_form.narrow(item)
            if narrowed is None or item.transaction_id in shared:
                wide_rows.append(_wide_row(whole(item), settlement_id))
            else:
                narrow.append(narrowed)
        narrow_rows += narrow_item.narrow_rows(narrow, narrow_item.settlement_digits(settlement_id))
    if narrow_rows:
        narrow_rows.sort()
        await tx.copy("narrow_item", narrow_item.COLUMNS, BinaryRows(narrow_rows))
    if wide_rows:
        await tx.copy("item", _COLUMNS, sorted(wide_rows))


async def present_items(tx: Tx, transaction_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Read (transaction_id, merchant_id) of the items that are there."""
    digits = [digits for each in transaction_ids if (digits := item_form.digits_of(each)) is not None]
    return {(row[0], row[1]) for row in await tx.fetch(_SELECT_PRESENT, transaction_ids, digits)}


async def items_of_homes(
    tx: Tx, settlement_ids: Sequence[str], *, after: ItemKey | None, limit: int
) -> list[PlacedItem]:
    """Read the items that came into settlements, together in the order of their keys."""
    at, transaction_id, _ = after or (None, "", "")
    return [_placed(row) for row in await tx.fetch(_PAGE_OF_HOMES, settlement_ids, at, transaction_id, limit)]


async def items_of_transaction(tx: Tx, transaction_id: str, *, after: ItemKey | None, limit: int) -> list[PlacedItem]:
    """Read the items of a transaction, one for each merchant, in the order of their keys."""
    merchant_id = after[2] if after else ""
    digits = item_form.digits_of(transaction_id)
    return [_placed(row) for row in await tx.fetch(_PAGE_OF_TRANSACTION, transaction_id, merchant_id, limit, digits)]


def _wide_row(item: SettlementItem, settlement_id: str) -> tuple[object, ...]:
    return (
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


def _placed(row: Sequence[object]) -> PlacedItem:
    *fields, holder_id = row
    fields[3] = ItemKind(str(fields[3]))
    return PlacedItem(SettlementItem(*fields), str(holder_id))  # type: ignore[arg-type]  # a row, in the order of the fields
