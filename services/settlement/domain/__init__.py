"""The rules of settlement: states, decisions and the events that tell of them. Pure."""

from services.settlement.domain import (
    balance,
    carrying,
    closing,
    fund_transfer,
    item,
    item_form,
    lifecycle,
    policy,
    quick_item,
    report,
    reserve,
    settlement,
    sums,
    verification,
)

__all__ = [
    "balance",
    "carrying",
    "closing",
    "fund_transfer",
    "item",
    "item_form",
    "lifecycle",
    "policy",
    "quick_item",
    "report",
    "reserve",
    "settlement",
    "sums",
    "verification",
]
