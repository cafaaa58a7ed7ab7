"""Items: what a transaction of the ledger is to a merchant whose settlement account it touches. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from paystream.accounting.v1.events import Entry, TransactionCreated

ACCOUNT_KIND = "merchant.settlement"
"""What items are effects on; its name is the same in every chart."""

BOOKING = "SettlementCreated"
"""The type of the transactions that book settlements: what they take from the account, they take as items' sum."""

RELEASE = "ReserveReleased"
"""The type of the transactions that release reserves."""


class ItemKind(StrEnum):
    """What an item is to the merchant."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    RESERVE_RELEASE = "RESERVE_RELEASE"
    ADJUSTMENT = "ADJUSTMENT"


_KINDS = MappingProxyType(
    {
        "PaymentSuccess": ItemKind.PAYMENT,
        "RefundSuccess": ItemKind.REFUND,
        "DisputeOpened": ItemKind.DISPUTE,
        "DisputeWon": ItemKind.DISPUTE,
        "DisputeLost": ItemKind.DISPUTE,
        RELEASE: ItemKind.RESERVE_RELEASE,
    }
)
"""By type of transaction; any other is an adjustment."""


@dataclass(frozen=True, slots=True)
class SettlementItem:
    """An effect on a merchant's settlement account; amounts are below zero where they take from the merchant.

    Attributes:
        amount_minor: Without the fee.
        fee_minor: Charged (below zero) or returned.
    """

    transaction_id: str
    merchant_id: str
    currency_code: str
    kind: ItemKind
    transaction_type: str
    related_no: str
    root_reference: str
    effective_at: datetime
    amount_minor: int
    fee_minor: int


def items_of(event: TransactionCreated) -> list[SettlementItem]:
    """Return the items of a transaction, one for each merchant to whose settlement account it does something."""
    effects: dict[str, list[int]] = {}  # What comes and what goes, by merchant.
    for entry in event.entries:
        if entry.account_kind == ACCOUNT_KIND:
            minor = entry.effect * entry.amount_minor
            effects.setdefault(entry.merchant_id or "", [0, 0])[minor < 0] += minor
    if not effects:
        return []
    kind = _KINDS.get(event.transaction_type, ItemKind.ADJUSTMENT)
    split = [(merchant_id, *_split(kind, *effect)) for merchant_id, effect in effects.items()]
    return [_item(event, merchant_id, kind, amount, fee) for merchant_id, amount, fee in split if amount or fee]


def effect_minor(entries: Iterable[Entry], merchant_id: str) -> int:
    """Sum up what entries do to a merchant's settlement account."""
    return sum(
        entry.effect * entry.amount_minor
        for entry in entries
        if entry.account_kind == ACCOUNT_KIND and entry.merchant_id == merchant_id
    )


def _split(kind: ItemKind, comes: int, goes: int) -> tuple[int, int]:
    """Tell the fee from the amount: it goes the other way."""
    if kind is ItemKind.PAYMENT:
        return comes, goes
    if kind is ItemKind.REFUND:
        return goes, comes
    return comes + goes, 0


def _item(
    event: TransactionCreated, merchant_id: str, kind: ItemKind, amount_minor: int, fee_minor: int
) -> SettlementItem:
    return SettlementItem(
        event.transaction_id,
        merchant_id,
        event.currency_code,
        kind,
        event.transaction_type,
        event.related_no,
        event.root_reference,
        event.effective_at,
        amount_minor,
        fee_minor,
    )
