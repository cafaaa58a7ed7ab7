"""The items of payments, refunds and disputes, cut out of events that are alike: nearly all there are. Pure."""

from collections.abc import Sequence
from itertools import chain, repeat
from operator import add, mul, or_, sub
from struct import iter_unpack
from typing import ClassVar, NamedTuple

from paykit.events.encoded_values import all_micros_of, numbers_of, texts_of
from paykit.events.shape_reading import Constant, Cut, Shape, ShapedMessage, ShapeLayout
from paykit.ids import bytes_of_digits
from paystream.accounting.v1.events import Entry, TransactionCreated
from services.settlement.domain.balance import FOLLOWED
from services.settlement.domain.item import ACCOUNT_KIND, FEES, WITH_FEE, ItemKind, items_of
from services.settlement.domain.item_form import LETTERS, TRANSACTION, NarrowItem, narrow

CUT_AT_ONCE_MAX = 500
"""Messages cut together: of more, what is cut out of them takes more of the processor's caches than it saves."""
_IDS = ("transaction_id", "related_no", "root_reference")
_FIELDS = (*_IDS, "currency_code", "effective_at")
"""Of TransactionCreated, in the order of its schema; what is read of its entries stands behind them."""


class ShapedTransaction(ShapedMessage):
    """A transaction that is one item, and nothing else to settlement, until it is cut with others of its shape."""

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


class _About(NamedTuple):
    kind: ItemKind
    form: int
    entries: _Effects


def specialize(example: TransactionCreated) -> ShapeLayout[ShapedTransaction] | None:
    """Say how the transactions are cut that are like one.

    None where it is not one item alone, for the event has more to say, and where the item has no form.
    """
    items = items_of(example)
    narrowed = narrow(items[0]) if len(items) == 1 else None
    if narrowed is None or narrowed.kind not in WITH_FEE or not _is_known(example):
        return None
    constants = [*(Constant(name, LETTERS) for name in _IDS), Constant("transaction_type")]
    cuts, entries = [Cut(name, LETTERS if name in _IDS else 0) for name in _FIELDS], _Effects([], [], [])
    for place, entry in enumerate(example.entries):
        name = f"entries.{place}"
        constants += [Constant(f"{name}.account_kind"), Constant(f"{name}.effect")]
        cuts += [Cut(f"{name}.{part}") for part in _note(entry, entries, len(cuts) - len(_FIELDS))]
    about = _About(narrowed.kind, narrowed.form, entries)
    return ShapeLayout(constants, cuts, keep=ShapedTransaction, about=about, ascii_alone=True)


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


def cut(shape: Shape, messages: Sequence[bytes]) -> Sequence[NarrowItem | None]:
    """Return the items of transactions of one shape; None for one that is to be read as a whole."""
    parts = (messages[at : at + CUT_AT_ONCE_MAX] for at in range(0, len(messages), CUT_AT_ONCE_MAX))
    return [*chain.from_iterable(_cut(shape, part) for part in parts)]


def _cut(shape: Shape, messages: Sequence[bytes]) -> Sequence[NarrowItem | None]:
    kind, form, entries = shape.about
    transactions, related, roots, currencies, effective_at, *of_entries = shape.columns(messages)
    owners = [of_entries[place] for place in entries.owners]
    fees = _summed(of_entries, entries.fees, len(messages))
    amounts = [*map(sub, _summed(of_entries, entries.effects, len(messages)), fees)]
    ids = bytes_of_digits(b"".join(chain.from_iterable(zip(transactions, related, roots, strict=True))))
    sound = all(owner == owners[0] for owner in owners) and all(map(or_, amounts, fees))
    if ids is None or not sound:
        return _cut_halves(shape, messages)
    items = zip(
        map(TRANSACTION.__add__, map(bytes.decode, transactions)),
        texts_of(owners[0]),
        texts_of(currencies),
        repeat(kind),
        all_micros_of(effective_at),
        amounts,
        fees,
        repeat(form),
        (of_one for (of_one,) in iter_unpack("48s", ids)),
        strict=False,
    )
    return [*map(NarrowItem._make, items)]


def _cut_halves(shape: Shape, messages: Sequence[bytes]) -> Sequence[NarrowItem | None]:
    """Part the messages until what is to be read as a whole stands alone."""
    if len(messages) == 1:
        return [None]
    half = len(messages) // 2
    return [*_cut(shape, messages[:half]), *_cut(shape, messages[half:])]


def _summed(columns: Sequence[Sequence[bytes]], effects: Sequence[tuple[int, int]], count: int) -> Sequence[int]:
    """Return the sums of amounts, each by what it counts."""
    sums: Sequence[int] = [0] * count
    for place, effect in effects:
        sums = [*map(add, sums, map(mul, numbers_of(columns[place]), repeat(effect)))]
    return sums
