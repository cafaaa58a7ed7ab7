"""The items of payments, refunds and disputes, of some fields of their events: nearly all there are. Pure."""

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from paystream.accounting.v1.events import TransactionCreated
from services.settlement.domain.balance import FOLLOWED
from services.settlement.domain.item import ACCOUNT_KIND, FEES, KINDS, WITH_FEE, SettlementItem

FIELDS = (
    *("recorded_at", "transaction_id", "transaction_type", "related_no", "root_reference", "currency_code"),
    *("effective_at", "entries.account_kind", "entries.merchant_id", "entries.effect", "entries.amount_minor"),
)
"""Of TransactionCreated, in the order of its schema."""

_TYPES = MappingProxyType({name: kind for name, kind in KINDS.items() if kind in WITH_FEE})
"""Of these nothing is to be known but the item; the others complete settlements and transfers, or are journals."""


class _QuickFields(NamedTuple):
    recorded_at: datetime
    item: SettlementItem


class QuickItem(_QuickFields):
    """The item of a transaction that is one item, and nothing else to settlement."""

    __slots__ = ()

    TOPIC: ClassVar[str] = TransactionCreated.TOPIC


def quick_item(values: tuple[Any, ...]) -> QuickItem | None:
    """Return the item of a transaction by the values of FIELDS, as `items_of` does of the whole event.

    None where it is not one item alone: the event has more to say.
    """
    recorded_at, transaction_id, transaction_type, related_no, root_reference, currency_code, effective_at, entries = (
        values
    )
    kind = _TYPES.get(transaction_type)
    effects = _effects(entries) if kind is not None else None
    if kind is None or effects is None:
        return None
    merchant_id, effect_minor, fee_minor = effects
    if not (effect_minor or fee_minor):
        return None
    item = SettlementItem(
        transaction_id,
        merchant_id,
        currency_code,
        kind,
        transaction_type,
        related_no,
        root_reference,
        effective_at,
        effect_minor - fee_minor,
        fee_minor,
    )
    return QuickItem(recorded_at, item)


def _effects(entries: Sequence[tuple[str, str | None, int, int]]) -> tuple[str, int, int] | None:
    """Return the merchant on whose settlement account entries are, what they do to it, and the fee in that.

    None where there is no such merchant or several, and where other balances move.
    """
    owner = None
    effect_minor = fee_minor = 0
    for account_kind, merchant_id, effect, amount_minor in entries:
        if account_kind == ACCOUNT_KIND:
            if merchant_id is None or (owner is not None and owner != merchant_id):
                return None
            owner = merchant_id
            effect_minor += effect * amount_minor
        elif account_kind == FEES:
            fee_minor -= effect * amount_minor
        elif account_kind in FOLLOWED:
            return None
    return None if owner is None else (owner, effect_minor, fee_minor)
