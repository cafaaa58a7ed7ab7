"""The items of payments, refunds and disputes, cut out of events that are alike: nearly all there are. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, NamedTuple

from paykit.events.shape_reading import Constant, ShapeLayout, micros_of, moment_of, number_of
from paykit.ids import bytes_of_digits
from paystream.accounting.v1.events import Entry, TransactionCreated
from services.settlement.domain.balance import FOLLOWED
from services.settlement.domain.item import ACCOUNT_KIND, FEES, WITH_FEE, items_of
from services.settlement.domain.item_form import LETTERS, NarrowItem, narrow

_FIELDS = ("recorded_at", "transaction_id", "related_no", "root_reference", "currency_code", "effective_at")
"""Of TransactionCreated, in the order of its schema; what is read of its entries stands behind them."""


class _QuickFields(NamedTuple):
    recorded_at: datetime
    item: NarrowItem


class QuickItem(_QuickFields):
    """The item of a transaction that is one item, and nothing else to settlement."""

    __slots__ = ()

    TOPIC: ClassVar[str] = TransactionCreated.TOPIC


class _Effects(NamedTuple):
    """Where the values of entries stand in what is read of them, and what their amounts are to the item.

    Attributes:
        owners: Of the merchants whose settlement account they are on.
        effects: Of amounts, and by what each counts in the effect on that account.
        fees: The same for the fee.
    """

    owners: list[int]
    effects: list[tuple[int, int]]
    fees: list[tuple[int, int]]


def specialize(example: TransactionCreated) -> ShapeLayout[QuickItem] | None:
    """Say how items are made of the transactions that are like one.

    None where it is not one item alone, for the event has more to say, and where the item has no form.
    """
    items = items_of(example)
    narrowed = narrow(items[0]) if len(items) == 1 else None
    if narrowed is None or narrowed.kind not in WITH_FEE or not _is_known(example):
        return None
    constants = [
        *(Constant(name, LETTERS) for name in ("transaction_id", "related_no", "root_reference")),
        Constant("transaction_type"),
    ]
    fields, entries = list(_FIELDS), _Effects([], [], [])
    for place, entry in enumerate(example.entries):
        name = f"entries.{place}"
        constants += [Constant(f"{name}.account_kind"), Constant(f"{name}.effect")]
        fields += [f"{name}.{part}" for part in _note(entry, entries, len(fields) - len(_FIELDS))]
    return ShapeLayout(constants, fields, _maker(narrowed, entries))


def _is_known(example: TransactionCreated) -> bool:
    """Whether each entry is on a merchant's settlement account or on one that is not followed, by an effect of one."""
    return all(
        entry.account_kind not in FOLLOWED
        and entry.effect in {1, -1}
        and (entry.account_kind != ACCOUNT_KIND or entry.merchant_id is not None)
        for entry in example.entries
    )


def _note(entry: Entry, entries: _Effects, place: int) -> tuple[str, ...]:
    """Note what an entry is to the item, and return which of its fields are read, from a place on."""
    if entry.account_kind == ACCOUNT_KIND:
        entries.owners.append(place)
        entries.effects.append((place + 1, entry.effect))
        return "merchant_id", "amount_minor"
    if entry.account_kind == FEES:
        entries.fees.append((place, -entry.effect))
        return ("amount_minor",)
    return ()


def _maker(example: NarrowItem, entries: _Effects) -> Callable[[tuple[bytes, ...]], QuickItem | None]:
    """Return what makes the item of the values of a transaction that is like the one of an example."""
    kind, form = example.kind, example.form
    (first, *owners), effects, fees = entries

    def make(values: tuple[bytes, ...]) -> QuickItem | None:
        recorded_at, transaction, related, root, currency_code, effective_at, *of_entries = values
        owner = of_entries[first]
        effect_minor = fee_minor = 0
        for place, effect in effects:
            effect_minor += effect * number_of(of_entries[place])
        for place, effect in fees:
            fee_minor += effect * number_of(of_entries[place])
        ids = bytes_of_digits(transaction[LETTERS:] + related[LETTERS:] + root[LETTERS:])
        if ids is None or not (effect_minor or fee_minor):
            return None
        for place in owners:
            if of_entries[place] != owner:
                return None
        try:
            texts = transaction.decode(), owner.decode(), currency_code.decode()
        except UnicodeDecodeError:
            return None  # The whole decoder refuses it.
        amounts = effect_minor - fee_minor, fee_minor
        return QuickItem(moment_of(recorded_at), NarrowItem(*texts, kind, micros_of(effective_at), *amounts, form, ids))

    return make
