"""Every SQL statement of settlement: settlements, items, the policies of merchants, and what verifies all of them."""

from services.settlement.store.item import (
    ItemKey,
    PlacedItem,
    insert_items,
    items_of_homes,
    items_of_transaction,
    present_items,
)
from services.settlement.store.merchant import merchants
from services.settlement.store.offset import consumed
from services.settlement.store.settlement import (
    CollectingSettlement,
    PendingBalance,
    SettlementFilter,
    settlements,
)
from services.settlement.store.verification import check_settlements, collected

__all__ = [
    "CollectingSettlement",
    "ItemKey",
    "PendingBalance",
    "PlacedItem",
    "SettlementFilter",
    "check_settlements",
    "collected",
    "consumed",
    "insert_items",
    "items_of_homes",
    "items_of_transaction",
    "merchants",
    "present_items",
    "settlements",
]
