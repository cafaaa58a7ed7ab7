"""Narrow items: those whose ids are of the usual forms, nearly all there are, without letters of ids. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from paykit.clock import from_micros, micros_since_epoch
from paykit.ids import bytes_of_digits
from services.settlement.domain.item import ItemKind, SettlementItem

LETTERS = 4
"""Of an id, before its digits: three and an underscore."""
TRANSACTION = "txn_"
_DIGITS = 32
_ID_BYTES = 16
"""Of an id without its letters."""


class ItemForm(NamedTuple):
    """What the rows of a form have in common; the first letters of ids with their underscore."""

    kind: ItemKind
    transaction_type: str
    related: str
    root: str


FORMS: Mapping[int, ItemForm] = MappingProxyType(
    {
        1: ItemForm(ItemKind.PAYMENT, "PaymentSuccess", "cap_", "pay_"),
        2: ItemForm(ItemKind.PAYMENT, "PaymentReversed", "cap_", "pay_"),
        3: ItemForm(ItemKind.REFUND, "RefundSuccess", "ref_", "pay_"),
        4: ItemForm(ItemKind.REFUND, "RefundReturned", "ref_", "pay_"),
        5: ItemForm(ItemKind.DISPUTE, "DisputeOpened", "dsp_", "pay_"),
        6: ItemForm(ItemKind.DISPUTE, "DisputeWon", "dsp_", "pay_"),
        7: ItemForm(ItemKind.DISPUTE, "DisputeLost", "dsp_", "pay_"),
        8: ItemForm(ItemKind.DISPUTE, "DisputeOverturned", "ovt_", "pay_"),
        9: ItemForm(ItemKind.RESERVE_RELEASE, "ReserveReleased", "rsr_", "stl_"),
        10: ItemForm(ItemKind.RESERVE_CONSUMPTION, "ReserveConsumed", "rsc_", "stl_"),
        11: ItemForm(ItemKind.RECOVERY, "BalanceRecovered", "rec_", "rec_"),
    }
)
"""By the number that rows keep: a form may be added, and none is ever changed or given up."""

_NUMBERS = {(form.transaction_type, form.related, form.root): number for number, form in FORMS.items()}


class NarrowItem(NamedTuple):
    """A settlement item that has a form.

    Attributes:
        effective_us: In microseconds since 1970, UTC.
        amount_minor: Without the fee.
        fee_minor: Charged (below zero) or returned.
        form: Its number.
        ids: Transaction, what it is related to, and its root: 16 bytes each.
    """

    transaction_id: str
    merchant_id: str
    currency_code: str
    kind: ItemKind
    effective_us: int
    amount_minor: int
    fee_minor: int
    form: int
    ids: bytes

    @property
    def effective_at(self) -> datetime:
        """When it took effect, in UTC."""
        return from_micros(self.effective_us)

    @property
    def whole(self) -> SettlementItem:
        """The item with all of its ids."""
        form = FORMS[self.form]
        return SettlementItem(
            self.transaction_id,
            self.merchant_id,
            self.currency_code,
            self.kind,
            form.transaction_type,
            form.related + self.ids[_ID_BYTES : 2 * _ID_BYTES].hex(),
            form.root + self.ids[2 * _ID_BYTES :].hex(),
            self.effective_at,
            self.amount_minor,
            self.fee_minor,
        )


CollectedItem: TypeAlias = SettlementItem | NarrowItem


def whole(item: CollectedItem) -> SettlementItem:
    """Return an item with all of its ids."""
    return item.whole if isinstance(item, NarrowItem) else item


def narrow(item: SettlementItem) -> NarrowItem | None:
    """Return an item without the letters of its ids; None if it has no form."""
    related_no, root_reference, transaction_id = item.related_no, item.root_reference, item.transaction_id
    form = _NUMBERS.get((item.transaction_type, related_no[:LETTERS], root_reference[:LETTERS]))
    if form is None or not transaction_id.startswith(TRANSACTION):
        return None
    transaction, related, root = transaction_id[LETTERS:], related_no[LETTERS:], root_reference[LETTERS:]
    if not len(transaction) == len(related) == len(root) == _DIGITS:
        return None
    ids = bytes_of_digits((transaction + related + root).encode())
    if ids is None:
        return None
    return NarrowItem(
        transaction_id,
        item.merchant_id,
        item.currency_code,
        item.kind,
        micros_since_epoch(item.effective_at),
        item.amount_minor,
        item.fee_minor,
        form,
        ids,
    )


def digits_of(transaction_id: str) -> str | None:
    """Return the digits of a transaction's id; None if it is of another form."""
    digits = transaction_id[LETTERS:]
    if not transaction_id.startswith(TRANSACTION) or len(digits) != _DIGITS:
        return None
    return digits if bytes_of_digits(digits.encode()) is not None else None
