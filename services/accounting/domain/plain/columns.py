"""Events in columns: what booking and telling need of many of one type, each field of all of them in a list. Pure.

Events of one shape are cut together; of the others, those that may be plain are cut one by one. What stands in the
`TransactionCreated` of a booking with the bytes that it has in the event is passed on as it is. Source: docs/adr/0074.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain, compress
from operator import le
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from paykit.clock import micros_since_epoch
from paykit.events.avro_binary import encode_string, encode_timestamp
from paykit.events.encoded_values import all_micros_of, numbers_of
from paykit.events.event import Event
from paykit.events.shape_reading import Constant, Cut, Shape, ShapedMessage, ShapeLayout
from paykit.ids import bytes_of_digits
from paykit.money import AMOUNT_MINOR_MAX
from paystream.payment.v1.events import PaymentSuccess, RefundReason, RefundSuccess
from services.accounting.domain import transaction_key
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.transaction_key import TransactionType

LETTERS = 4
"""Of an id, in front of its digits."""
_DIGITS = 32
_ID_LENGTH = LETTERS + _DIGITS

PlainKind = tuple[str, tuple[bool, ...]]
"""currency_code, and which of the amounts are above zero: events of one type and kind are booked alike."""


class ShapedEvent(ShapedMessage):
    """An event that may be plain, until it is cut with others of its shape."""

    __slots__ = ()

    TOPIC: ClassVar[str] = PaymentSuccess.TOPIC


@dataclass(slots=True, eq=False)
class PlainColumns:
    """Events of one type and currency; each attribute has as many values as there are events.

    Attributes:
        ats: The positions of their items.
        principals: What an event is about.
        amounts: A column for each, in the order of the table of booked events.
        occurred_us: When they occurred, in microseconds since 1970.
        related: The digits of related_no.
        roots: Those of root_reference.
        occurred_at, merchant_id, correlation_id, causation_id, actor, channel, channel_reference: As TransactionCreated
            has them, encoded; the last two are empty where the events do not say them.
    """

    ats: Sequence[int]
    principals: Sequence[int]
    amounts: Sequence[Sequence[int]]
    occurred_us: Sequence[int]
    related: Sequence[bytes]
    roots: Sequence[bytes]
    occurred_at: Sequence[bytes]
    merchant_id: Sequence[bytes]
    correlation_id: Sequence[bytes]
    causation_id: Sequence[bytes]
    actor: Sequence[bytes]
    channel: Sequence[bytes]
    channel_reference: Sequence[bytes]

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.ats)

    def kept(self, flags: Sequence[object]) -> "PlainColumns":
        """Return the events whose flags are true."""
        columns: dict[str, Any] = {name: [*compress(getattr(self, name), flags)] for name in _SINGLE}
        return PlainColumns(amounts=[[*compress(column, flags)] for column in self.amounts], **columns)

    def sound(self) -> tuple["PlainColumns", Sequence[int]]:
        """Return the events that any service may send and whose ids have digits, and the positions of the others."""
        if not len(self) or self._all_sound():
            return self, ()
        if len(self) == 1:
            return self.kept([False]), self.ats
        half = len(self) // 2
        first = [at < half for at in range(len(self))]
        parts = [self.kept(flags).sound() for flags in (first, [not flag for flag in first])]
        return merged([part for part, _ in parts]), [at for _, others in parts for at in others]

    def _all_sound(self) -> bool:
        if min(self.principals) < 1 or max(self.principals) > AMOUNT_MINOR_MAX:
            return False
        if any(min(column) < 0 or not all(map(le, column, self.principals)) for column in self.amounts):
            return False
        return transaction_key.are_related(self.related) and bytes_of_digits(b"".join(self.roots)) is not None

    def by_kind(self, currency_code: str) -> Iterator[tuple[PlainKind, "PlainColumns"]]:
        """Divide them by which of their amounts are above zero."""
        parts: list[tuple[tuple[bool, ...], PlainColumns]] = [((), self)]
        for number in range(len(self.amounts)):
            divided = []
            for above, part in parts:
                column = part.amounts[number]
                if all(column) or not any(column):
                    divided.append(((*above, bool(column[0])), part))
                else:
                    zeros = [amount == 0 for amount in column]
                    divided += [((*above, True), part.kept(column)), ((*above, False), part.kept(zeros))]
            parts = divided
        for above, part in parts:
            yield (currency_code, above), part


_SINGLE = tuple(field.name for field in fields(PlainColumns) if field.name != "amounts")
"""The attributes that are one column."""


def merged(parts: Sequence[PlainColumns]) -> PlainColumns:
    """Return the events of all parts, at least one, of one type; their positions are in no order."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {name: _chained([getattr(part, name) for part in parts]) for name in _SINGLE}
    of_parts = zip(*[part.amounts for part in parts], strict=True)
    return PlainColumns(amounts=[*map(_chained, of_parts)], **columns)


def _chained(columns: Iterable[Sequence[Any]]) -> list[Any]:
    return [*chain.from_iterable(columns)]


class PlainRow(NamedTuple):
    """A whole event, cut: the values that it adds to the columns, behind its currency_code."""

    currency_code: str
    values: tuple[Any, ...]


def cut_whole(booked: BookedEvent[Any], known: TransactionType, at: int, event: Any) -> PlainRow | None:
    """Cut a whole event of a type with a number; None where it moves nothing, or names no merchant or no ids."""
    if booked.moves is not None and not booked.moves(event):
        return None
    merchant_id, currency_code, principal = booked.parties(event)
    related_no, root_reference = booked.names(event)
    if merchant_id is None or not (
        _is_id(known.related_prefix, related_no) and _is_id(known.root_prefix, root_reference)
    ):
        return None
    moved_by = () if booked.moved_by is None else booked.moved_by(event)
    return PlainRow(
        currency_code,
        (
            at,
            principal,
            booked.amounts_of(event),
            micros_since_epoch(event.occurred_at),
            related_no[LETTERS:].encode(),
            root_reference[LETTERS:].encode(),
            encode_timestamp(event.occurred_at),
            b"\2" + encode_string(merchant_id),
            encode_string(event.correlation_id),
            encode_string(event.event_id),
            b"\0" if event.actor is None else b"\2" + encode_string(event.actor),
            *map(encode_string, moved_by),
        ),
    )


def columns_of(rows: Iterable[tuple[Any, ...]]) -> PlainColumns:
    """Return rows of whole events in columns; at least one."""
    ats, principals, amounts, *others = zip(*rows, strict=True)
    absent = [()] * (len(_SINGLE) - 2 - len(others))  # The channel's, which some types do not say.
    return PlainColumns(ats, principals, [*zip(*amounts, strict=True)], *others, *absent)


def _is_id(prefix: str, text: str) -> bool:
    return len(text) == _ID_LENGTH and text.isascii() and text.startswith(f"{prefix}_")


class _Form(NamedTuple):
    """How the events of a type are cut.

    Attributes:
        related: The field of related_no.
        root: That of root_reference.
        fields: Those that are read behind the head, in the order of the schema.
        amounts: Makes the columns of amounts, in the order of the table, of those of the fields by name.
    """

    related: str
    root: str
    fields: Sequence[str]
    amounts: Callable[[Mapping[str, Sequence[int]]], Sequence[Sequence[int]]]


_HEAD = ("event_id", "occurred_at", "merchant_id", "correlation_id", "actor")
_TEXTS = frozenset(("event_id", "merchant_id", "correlation_id", "actor", "channel", "channel_reference"))

FORMS: Mapping[type[Event], _Form] = MappingProxyType(
    {
        PaymentSuccess: _Form(
            related="capture_id",
            root="payment_id",
            fields=("payment_id", "capture_id", "amount_minor", "fee_minor", "channel", "channel_reference"),
            amounts=lambda columns: (columns["amount_minor"], columns["fee_minor"]),
        ),
        RefundSuccess: _Form(
            related="refund_id",
            root="payment_id",
            fields=(
                *("refund_id", "payment_id", "amount_minor", "fee_returned_minor"),
                *("channel", "channel_reference", "suspense_minor"),
            ),
            amounts=lambda columns: (
                columns["suspense_minor"],
                [a - b for a, b in zip(columns["amount_minor"], columns["suspense_minor"], strict=True)],
                columns["fee_returned_minor"],
            ),
        ),
    }
)
"""Of the events that are booked most."""


class _About(NamedTuple):
    form: _Form
    currency_code: str


def specialize(example: PaymentSuccess | RefundSuccess) -> ShapeLayout[ShapedEvent] | None:
    """Say how the events are cut that are like one; None where they are booked one by one, if at all."""
    if isinstance(example, RefundSuccess) and example.reason is RefundReason.CONTRADICTION:
        return None  # Not all of these move money. Those of a shape have one reason: a symbol is a mark.
    form = FORMS[type(example)]
    related, root = getattr(example, form.related), getattr(example, form.root)
    known = transaction_key.BY_NAME[type(example).__name__]
    if not (_is_id(known.related_prefix, related) and _is_id(known.root_prefix, root)) or example.merchant_id is None:
        return None
    constants = [Constant(form.related, LETTERS), Constant(form.root, LETTERS), Constant("currency_code")]
    cuts = [_cut(name, form) for name in (*_HEAD, *form.fields)]
    about = _About(form, example.currency_code)
    return ShapeLayout(constants, cuts, keep=ShapedEvent, about=about, ascii_alone=True)


def _cut(name: str, form: _Form) -> Cut:
    return Cut(name, LETTERS if name in {form.related, form.root} else 0, encoded=name in _TEXTS)


def cut_shaped(shape: Shape, ats: Sequence[int], messages: Sequence[bytes]) -> tuple[str, PlainColumns]:
    """Cut messages of one shape, at least one; the currency_code of all, and their columns."""
    form, currency_code = shape.about
    columns = dict(zip((*_HEAD, *form.fields), shape.columns(messages), strict=True))
    numbers = {name: numbers_of(columns[name]) for name in form.fields if name.endswith("_minor")}
    return currency_code, PlainColumns(
        ats=ats,
        principals=numbers["amount_minor"],
        amounts=form.amounts(numbers),
        occurred_us=all_micros_of(columns["occurred_at"]),
        related=columns[form.related],
        roots=columns[form.root],
        occurred_at=columns["occurred_at"],
        merchant_id=columns["merchant_id"],
        correlation_id=columns["correlation_id"],
        causation_id=columns["event_id"],
        actor=columns["actor"],
        channel=columns["channel"],
        channel_reference=columns["channel_reference"],
    )
