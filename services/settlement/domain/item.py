"""Items: what a transaction of the ledger is to a merchant whose settlement account it touches. Pure."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from paystream.accounting.v1.events import Entry, TransactionCreated

ACCOUNT_KIND = "merchant.settlement"
"""What items are effects on; its name is the same in every chart."""

BOOKING = "SettlementCreated"
"""The type of the transactions that book settlements: what they take from the account, they take as items' sum."""

FEES = "platform.fees"


class ItemKind(StrEnum):
    """What an item is to the merchant."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    RESERVE_RELEASE = "RESERVE_RELEASE"
    ADJUSTMENT = "ADJUSTMENT"
    RECOVERY = "RECOVERY"
    RESERVE_CONSUMPTION = "RESERVE_CONSUMPTION"


KINDS = MappingProxyType(
    {
        "PaymentSuccess": ItemKind.PAYMENT,
        "PaymentReversed": ItemKind.PAYMENT,
        "RefundSuccess": ItemKind.REFUND,
        "RefundReturned": ItemKind.REFUND,
        "DisputeOpened": ItemKind.DISPUTE,
        "DisputeWon": ItemKind.DISPUTE,
        "DisputeLost": ItemKind.DISPUTE,
        "DisputeOverturned": ItemKind.DISPUTE,
        "ReserveReleased": ItemKind.RESERVE_RELEASE,
        "ReserveConsumed": ItemKind.RESERVE_CONSUMPTION,
        "BalanceRecovered": ItemKind.RECOVERY,
    }
)
"""By type of transaction; any other is an adjustment."""
WITH_FEE = frozenset({ItemKind.PAYMENT, ItemKind.REFUND, ItemKind.DISPUTE})
"""What the platform's fees are told apart of: what they lose, the merchant gains."""


class SettlementItem(NamedTuple):
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
    effects: dict[str, int] = {}
    fees_minor = 0
    for entry in event.entries:
        minor = entry.effect * entry.amount_minor
        if entry.account_kind == ACCOUNT_KIND:
            effects[entry.merchant_id or ""] = effects.get(entry.merchant_id or "", 0) + minor
        elif entry.account_kind == FEES:
            fees_minor -= minor
    if not effects:
        return []
    kind = KINDS.get(event.transaction_type, ItemKind.ADJUSTMENT)
    fee_minor = fees_minor if kind in WITH_FEE and len(effects) == 1 else 0
    split = [(merchant_id, effect - fee_minor, fee_minor) for merchant_id, effect in effects.items()]
    return [_item(event, merchant_id, kind, amount, fee) for merchant_id, amount, fee in split if amount or fee]


def effect_minor(entries: Iterable[Entry], merchant_id: str) -> int:
    """Sum up what entries do to a merchant's settlement account."""
    return sum(
        entry.effect * entry.amount_minor
        for entry in entries
        if entry.account_kind == ACCOUNT_KIND and entry.merchant_id == merchant_id
    )


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
