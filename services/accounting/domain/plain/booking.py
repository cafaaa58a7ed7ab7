"""Bookings by patterns, as nearly all are: one or two transfers between one merchant's one account and the platform's.

What the general path (`booking`, `transaction`) makes of the first event of a kind is the pattern of all others of it:
of the same type, in the same currency, with the same of their amounts above zero. Only ids, moments, amounts and names
differ. What is not plain is left to the general path, and so is whatever it would refuse. Source: docs/adr/0064.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from paykit.errors import DomainError
from paykit.events.avro_binary import encode_long, encode_string, encode_timestamp
from paykit.events.event import Event
from paykit.events.event_template import EventTemplate
from paykit.ids import slot_of
from paykit.money import AMOUNT_MINOR_MAX, known
from paystream.accounting.v1.events import Side
from services.accounting.domain import booking, transaction_key
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.chart import Chart, EntryTemplate, account_id
from services.accounting.domain.transaction import Transaction, created_event

MERCHANTS_MAX = 50_000
"""Of which a pattern keeps in memory what is always the same, about 0.5 KB each."""

MakeTemplate = Callable[[Event, Sequence[str]], EventTemplate]
"""Makes the template of an example with gaps."""

_HEAD = (
    *("event_id", "occurred_at", "recorded_at", "merchant_id", "correlation_id", "causation_id", "actor"),
    *("transaction_id", "related_no", "root_reference", "amount_minor", "effective_at"),
)
_TAIL = ("channel", "channel_reference", "fee_minor")
"""What the TransactionCreated of one pattern differ in, before and behind their entries."""
_SAME = {"effective_at": "occurred_at"}
"""What is plain is effective when it occurred."""
_FILLING = (*[name for name in _HEAD if name not in _SAME], *_TAIL)
"""What a template is filled with, before the merchant's account and the amounts."""

_FEES = {"fee": 1, "fee_returned": -1}
"""The amounts that fee_minor is made of, and how."""


class PlainMerchant(NamedTuple):
    """What is always the same of a merchant in a pattern.

    Attributes:
        account_id: Of its one account.
        slot: Of its ids.
        encoded: merchant_id and account_id, as an event has them.
    """

    account_id: str
    slot: int | None
    encoded: tuple[bytes, bytes]


class PlainLine(NamedTuple):
    """An entry of a pattern.

    Attributes:
        account_id: None for the merchant's account.
        amount: Which of the amounts, from 0.
        effect: +1 if it increases the balance, -1 if it decreases it.
        debit: +1 for an entry in debit, -1 for one in credit.
    """

    account_id: str | None
    amount: int
    effect: int
    debit: int


class Pattern:
    """What plain bookings of one kind have in common.

    Attributes:
        example: What the general path made of the first.
        lines: Two or four in the order of booking, each second one the contra entry of the one before.
        type_no: Of the type.
    """

    __slots__ = (
        *("_fee", "_kind", "_merchants", "_of_merchant", "_of_platform", "_pick", "_template"),
        *("example", "lines", "type_no"),
    )

    def __init__(
        self,
        chart: Chart,
        example: Transaction,
        lines: Sequence[PlainLine],
        *,
        amounts: Sequence[str],
        make_template: MakeTemplate,
    ) -> None:
        self.example = example
        self.lines = tuple(lines)
        self.type_no = transaction_key.number_of(example.transaction_id)
        self._merchants: dict[str, PlainMerchant] = {}
        self._of_platform = [(line.account_id, line) for line in self.lines if line.account_id is not None]
        self._of_merchant = [line for line in self.lines if line.account_id is None]
        self._kind = chart.kinds[next(each.account_kind for each in example.entries if each.merchant_id is not None)]
        self._fee = next(((amounts.index(name), sign) for name, sign in _FEES.items() if name in amounts), None)
        gaps, places = _gaps(self.lines)
        self._template = make_template(created_event(example, chart_name=chart.name), gaps)
        self._pick: Callable[[Sequence[bytes]], tuple[bytes, ...]] = itemgetter(*places)

    def merchant(self, merchant_id: str) -> PlainMerchant:
        """Return what is always the same of a merchant."""
        found = self._merchants.get(merchant_id)
        if found is None:
            if len(self._merchants) >= MERCHANTS_MAX:
                self._merchants.clear()
            account = account_id(self._kind, merchant_id, self.example.currency_code)
            encoded = b"\2" + encode_string(merchant_id), encode_string(account)
            found = self._merchants[merchant_id] = PlainMerchant(account, slot_of(merchant_id), encoded)
        return found

    @property
    def platform_accounts(self) -> set[str]:
        """The ids of the platform's accounts in it."""
        return {account_id for account_id, _ in self._of_platform}

    def effect_on_merchant(self, amounts: Sequence[int]) -> int:
        """Return what a booking does to the balance of the merchant's account."""
        return sum([line.effect * amounts[line.amount] for line in self._of_merchant])

    def effects_on_platform(self, bookings: Sequence[Sequence[int]]) -> dict[str, int]:
        """Return what bookings of these amounts do to the balances of the platform's accounts together."""
        return self._summed(bookings, attrgetter("effect"))

    def debits(self, bookings: Sequence[Sequence[int]]) -> dict[str, int]:
        """Return by how much their debits exceed their credits on the platform's accounts."""
        return self._summed(bookings, attrgetter("debit"))

    def _summed(self, bookings: Sequence[Sequence[int]], sign: Callable[[PlainLine], int]) -> dict[str, int]:
        totals = [sum(amounts) for amounts in zip(*bookings, strict=True)]
        sums: dict[str, int] = defaultdict(int)
        for account, line in self._of_platform:
            sums[account] += sign(line) * totals[line.amount]
        return sums

    def told(self, plain: "PlainBooking", *, event_id: str, recorded_at: bytes) -> bytes:
        """Return the body of the TransactionCreated of a booking of this pattern, recorded at an encoded moment."""
        event = plain.event
        occurred_at = encode_timestamp(event.occurred_at)
        amounts = [encode_long(amount) for amount in plain.amounts]
        fee_minor = 0 if self._fee is None else plain.amounts[self._fee[0]] * self._fee[1]
        owner, account = plain.merchant.encoded
        moved_by = plain.moved_by
        filling = (
            encode_string(event_id),
            occurred_at,
            recorded_at,
            owner,
            encode_string(event.correlation_id),
            b"\2" + encode_string(event.event_id),
            b"\0" if event.actor is None else b"\2" + encode_string(event.actor),
            encode_string(plain.transaction_id),
            encode_string(plain.related_no),
            encode_string(plain.root_reference),
            encode_long(plain.amount_minor),
            b"\0" if moved_by is None else b"\2" + encode_string(moved_by[0]),
            b"\0" if moved_by is None else b"\2" + encode_string(moved_by[1]),
            encode_long(fee_minor),
            account,
            *amounts,
        )
        return self._template.fill(self._pick(filling))


class PlainBooking(NamedTuple):
    """A booking to be made by its pattern.

    Attributes:
        root: The digits of root_reference.
        amounts: The event's, in the order of the table of booked events.
        moved_by: channel and channel_reference.
    """

    transaction_id: str
    related_no: str
    root_reference: str
    root: str
    event: Any
    pattern: Pattern
    merchant: PlainMerchant
    amount_minor: int
    amounts: tuple[int, ...]
    moved_by: tuple[str, str] | None


class PlainLane:
    """The plain bookings of the events of one type, by one chart."""

    def __init__(self, chart: Chart, booked: BookedEvent[Any], make_template: MakeTemplate) -> None:
        self._chart = chart
        self._booked = booked
        self._make_template = make_template
        self._type = transaction_key.BY_NAME[booked.transaction_type]
        self._patterns: dict[tuple[str, tuple[bool, ...]], Pattern | None] = {}

    def plain(self, event: Any, now: datetime) -> PlainBooking | None:
        """Return how an event is booked plainly; None leaves it to the general path.

        Args:
            event: Of the type, or its excerpt; dated into no closed period.
            now: When it is booked.
        """
        booked = self._booked
        if booked.moves is not None and not booked.moves(event):
            return None
        merchant_id, currency_code, principal = booked.parties(event)
        amounts = booked.amounts_of(event)
        if merchant_id is None or not (1 <= principal <= AMOUNT_MINOR_MAX and min(amounts) >= 0):
            return None
        if max(amounts) > principal:
            return None
        related_no, root_reference = booked.names(event)
        transaction_id = transaction_key.keyed_id(self._type, related_no)
        root = transaction_key.root_of(self._type, root_reference)
        if transaction_id is None or root is None:
            return None
        kind = (currency_code, tuple(map(bool, amounts)))
        pattern = self._patterns.get(kind) or self._first_of(kind, event, now)
        if pattern is None:
            return None
        return PlainBooking(
            transaction_id,
            related_no,
            root_reference,
            root,
            event,
            pattern,
            pattern.merchant(merchant_id),
            principal,
            amounts,
            None if booked.moved_by is None else booked.moved_by(event),
        )

    def _first_of(self, kind: tuple[str, tuple[bool, ...]], event: Any, now: datetime) -> Pattern | None:
        """Return the pattern of an event that is the first of its kind; None where its kind is not plain."""
        currency_code, above_zero = kind
        if kind in self._patterns or not known(currency_code):
            return None  # What is not known is not remembered: there may be any number of it.
        try:
            example = booking.book(self._chart, event, now)
        except DomainError:
            return None
        names = [*self._booked.amounts]
        booked = {name for name, above in zip(names, above_zero, strict=True) if above}
        pattern = None
        if example is not None:
            templates = self._chart.templates(example.transaction_type, example.merchant_id, currency_code)
            lines = _lines([each for each in templates if each.amount in booked], names)
            if lines is not None:
                pattern = Pattern(self._chart, example, lines, amounts=names, make_template=self._make_template)
        self._patterns[kind] = pattern
        return pattern


def lane_of(chart: Chart, booked: BookedEvent[Any], make_template: MakeTemplate) -> PlainLane | None:
    """Return the plain lane of a type of event; None where each of them needs a look at the ledger, or at its rules."""
    looks = booked.check, booked.accounts, booked.decided, booked.part_of
    if any(each is not None for each in looks) or booked.ends or booked.awaited or booked.unbounded:
        return None
    if booked.of_platform or booked.transaction_type not in transaction_key.BY_NAME:
        return None
    event_type = chart.types[booked.transaction_type]
    floored = any(rule.kind.name in chart.floors for rule in event_type.rules)
    if event_type.either or event_type.may_fall_short or floored:
        return None
    return PlainLane(chart, booked, make_template)


def _lines(templates: Sequence[EntryTemplate], names: Sequence[str]) -> list[PlainLine] | None:
    """Return the lines of a pattern; None where they are no transfers, or of another account of the merchant too."""
    owned = {each.account_kind for each in templates if each.merchant_id is not None}
    if len(templates) not in {2, 4} or len(owned) != 1:
        return None
    lines = [
        PlainLine(
            None if each.merchant_id is not None else each.account_id,
            names.index(each.amount),
            each.effect,
            1 if each.side is Side.DEBIT else -1,
        )
        for each in templates
    ]
    for line, contra in zip(lines[::2], lines[1::2], strict=True):
        if line.amount != contra.amount or line.debit == contra.debit:
            return None
    return lines


def _gaps(lines: Sequence[PlainLine]) -> tuple[list[str], list[int]]:
    """Return the gaps of a pattern's template, and where in what fills it each is found."""
    owner, account = _FILLING.index("merchant_id"), len(_FILLING)
    gaps, places = [*_HEAD], [_FILLING.index(_SAME.get(name, name)) for name in _HEAD]
    for at, line in enumerate(lines):
        if line.account_id is None:
            gaps += (f"entries.{at}.account_id", f"entries.{at}.merchant_id")
            places += (account, owner)
        gaps.append(f"entries.{at}.amount_minor")
        places.append(account + 1 + line.amount)
    return [*gaps, *_TAIL], [*places, *map(_FILLING.index, _TAIL)]
