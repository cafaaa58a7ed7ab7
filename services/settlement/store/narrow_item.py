"""The table `narrow_item`: items whose ids are of the usual forms, nearly all of them, in a third of the bytes.

Of an id its 32 digits are kept, as a uuid; its letters follow from the form of the row. What has no form, as journals
of people, stands in the table `item`. Which table an item goes to follows from its transaction alone, so that one that
comes again meets itself; that it stands in one of them only, the database sees to.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from services.settlement.domain.item import ItemKind, SettlementItem

NarrowRow = tuple[str, str, str, str, datetime, int, int, int]
"""Values of COLUMNS."""
COLUMNS = (
    *("transaction_id", "settlement_id", "related_id", "root_id"),
    *("effective_at", "amount_minor", "fee_minor", "form"),
)

_LETTERS = 4
"""Of an id, before its digits: three and an underscore."""
_TRANSACTION = "txn_"
_DIGITS = 32


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


def text_of(column: str, letters: str) -> str:
    """Return the SQL of an id as text, of the column of its digits and its letters, a text or an expression."""
    return f"{letters} || encode(uuid_send({column}), 'hex')"


def _of_form(name: str) -> str:
    cases = " ".join(f"WHEN {number} THEN '{getattr(form, name)}'" for number, form in FORMS.items())
    return f"CASE narrow_item.form {cases} END"


TRANSACTION_ID = text_of("narrow_item.transaction_id", f"'{_TRANSACTION}'")
SETTLEMENT_ID = text_of("narrow_item.settlement_id", "'stl_'")
KIND = _of_form("kind")
AS_ITEM = f"""
{TRANSACTION_ID} AS transaction_id, {KIND} AS kind, {_of_form("transaction_type")} AS transaction_type,
    {text_of("narrow_item.related_id", _of_form("related"))} AS related_no,
    {text_of("narrow_item.root_id", _of_form("root"))} AS root_reference,
    narrow_item.effective_at, narrow_item.amount_minor, narrow_item.fee_minor
"""
"""SQL of what a row of `item` has, but for its merchant and settlement."""


def digits_of(transaction_id: str) -> str | None:
    """Return the digits of a transaction's id; None if it is of another form."""
    digits = transaction_id[_LETTERS:]
    return digits if transaction_id.startswith(_TRANSACTION) and _are_digits(digits, ids=1) else None


def narrow_row(item: SettlementItem, settlement_id: str) -> NarrowRow | None:
    """Return the row of an item; None if it has no form."""
    related_no, root_reference, transaction_id = item.related_no, item.root_reference, item.transaction_id
    form = _NUMBERS.get((item.transaction_type, related_no[:_LETTERS], root_reference[:_LETTERS]))
    if form is None or not transaction_id.startswith(_TRANSACTION):
        return None
    transaction, related, root = transaction_id[_LETTERS:], related_no[_LETTERS:], root_reference[_LETTERS:]
    if not (len(transaction) == len(related) == _DIGITS and _are_digits(transaction + related + root, ids=3)):
        return None
    return (
        transaction,
        settlement_id[_LETTERS:],
        related,
        root,
        item.effective_at,
        item.amount_minor,
        item.fee_minor,
        form,
    )


def _are_digits(text: str, *, ids: int) -> bool:
    """Return whether a text is the digits of so many ids, in lower case, and would come back as it is."""
    try:
        return len(text) == ids * _DIGITS and bytes.fromhex(text).hex() == text
    except ValueError:
        return False
