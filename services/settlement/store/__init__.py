"""Every SQL statement of settlement: settlements, items, balances, policies of merchants, and what verifies them."""

from services.settlement.store.balance import (
    NegativeBalance,
    balance_changes,
    balance_watches,
    count_negative,
    negative_balances,
    positions,
)
from services.settlement.store.fund_transfer import fund_transfers
from services.settlement.store.item import (
    ItemKey,
    PlacedItem,
    insert_items,
    items_of_homes,
    items_of_transaction,
    present_items,
)
from services.settlement.store.merchant import merchants
from services.settlement.store.notice import notices
from services.settlement.store.settlement import (
    CollectingSettlement,
    PendingBalance,
    SettlementFilter,
    settlements,
)
from services.settlement.store.verification import balances_followed, check_settlements, collected

__all__ = [
    "CollectingSettlement",
    "ItemKey",
    "NegativeBalance",
    "PendingBalance",
    "PlacedItem",
    "SettlementFilter",
    "balance_changes",
    "balance_watches",
    "balances_followed",
    "check_settlements",
    "collected",
    "count_negative",
    "fund_transfers",
    "insert_items",
    "items_of_homes",
    "items_of_transaction",
    "merchants",
    "negative_balances",
    "notices",
    "positions",
    "present_items",
    "settlements",
]
