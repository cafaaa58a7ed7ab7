"""Bookings by patterns, as nearly all are: one or two transfers between one merchant's one account and the platform's.

What the general path (`booking`, `transaction`) makes of the first event of a kind is the pattern of all others of it:
of the same type, in the same currency, with the same of their amounts above zero. Only ids, moments, amounts and names
differ. What is not plain is left to the general path, and so is whatever it would refuse. Source: docs/adr/0064.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import compress
from typing import Any

from paykit.clock import micros_since_epoch
from paykit.errors import DomainError
from paykit.events.event import Event
from paykit.events.shape_reading import by_shape
from paykit.money import known
from paystream.accounting.v1.events import Side
from services.accounting.domain import booking, transaction_key
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.chart import Chart, EntryTemplate
from services.accounting.domain.plain.columns import (
    PlainColumns,
    PlainKind,
    columns_of,
    cut_shaped,
    cut_whole,
    merged,
)
from services.accounting.domain.plain.pattern import MakeTemplate, Pattern, PlainBookings, PlainLine

Whole = Callable[[int], Event]
"""Gives an event as a whole, by its position."""


class PlainLane:
    """The plain bookings of the events of one type, by one chart."""

    def __init__(self, chart: Chart, booked: BookedEvent[Any], make_template: MakeTemplate) -> None:
        self._chart = chart
        self._booked = booked
        self._make_template = make_template
        self._type = transaction_key.BY_NAME[booked.transaction_type]
        # By what the events have in common that are booked alike; None for what is not plain.
        self._patterns: dict[PlainKind, Pattern | None] = {}

    def plain(
        self, events: Sequence[Any], whole: Whole, *, now: datetime, closed_through: datetime | None
    ) -> tuple[list[PlainBookings], set[int]]:
        """Return how events are booked plainly, and the positions of those that are left to the general path.

        Args:
            events: Of the type, whole or shaped. Two may ask for the same transaction.
            whole: Gives any of them as a whole.
            now: When they are booked.
            closed_through: Up to when periods are closed; None if none is.
        """
        plain: list[PlainBookings] = []
        left: set[int] = set()
        for currency_code, cut in self._cut(events, left):
            columns, others = _datable(cut, closed_through)
            left.update(others)
            columns, others = columns.sound()
            left.update(others)
            for kind, part in columns.by_kind(currency_code) if len(columns) else ():
                pattern = self._patterns.get(kind) or self._learn(kind, partial(whole, part.ats[0]), now)
                if pattern is None:
                    left.update(part.ats)
                else:
                    digits = transaction_key.keyed_digits(self._type, part.related)
                    plain.append(PlainBookings(pattern, part, digits, pattern.merchants(part.merchant_id)))
        return plain, left

    def _cut(self, events: Sequence[Any], left: set[int]) -> Iterator[tuple[str, PlainColumns]]:
        """Yield events in columns with their currency_code, and note the positions of those that are not plain."""
        shaped, others = by_shape(events)
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for at in others:
            if (row := cut_whole(self._booked, self._type, at, events[at])) is None:
                left.add(at)
            else:
                rows[row.currency_code].append(row.values)
        parts: dict[str, list[PlainColumns]] = defaultdict(list)
        for shape, (ats, messages) in shaped.items():
            currency_code, columns = cut_shaped(shape, ats, messages)
            parts[currency_code].append(columns)
        for currency_code, values in rows.items():
            parts[currency_code].append(columns_of(values))
        for currency_code, of_currency in parts.items():
            yield currency_code, merged(of_currency)

    def _learn(self, kind: PlainKind, whole: Callable[[], Event], now: datetime) -> Pattern | None:
        """Return the pattern of an event that is the first of its kind; None where its kind is not plain.

        Args:
            kind: The event's.
            whole: Gives the event as a whole, of the type and dated into no closed period.
            now: When it is booked.
        """
        currency_code, above_zero = kind
        if kind in self._patterns or not known(currency_code):
            return None  # What is not known is not remembered: there may be any number of it.
        try:
            example = booking.book(self._chart, whole(), now)
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


def _datable(columns: PlainColumns, closed_through: datetime | None) -> tuple[PlainColumns, Iterable[int]]:
    """Return the events that are dated into no closed period, and the positions of the others."""
    if closed_through is None or min(columns.occurred_us) > (closed_us := micros_since_epoch(closed_through)):
        return columns, ()
    closed = [occurred_us <= closed_us for occurred_us in columns.occurred_us]
    return columns.kept([not each for each in closed]), compress(columns.ats, closed)


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
