"""Books what is plain, which nearly all is, by patterns; what it books is what `posting.post` would have booked.

It takes what no look at the ledger can change: bookings of open periods, on accounts that there are, each pair of
transaction_type and related_no once. Where one was booked before all a batch is left to `posting.post`, which compares
them; so are the other events of a key of which one is left, for the order of a key's events holds.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from paykit.events import codec
from paykit.events.avro_binary import encode_timestamp
from paykit.ids import id_in_slot
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated
from services.accounting import store
from services.accounting.domain import booked_event
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.chart import Chart
from services.accounting.domain.period import first_open
from services.accounting.domain.plain.booking import Pattern, PlainBooking, PlainLane, lane_of
from services.accounting.domain.transaction_key import month_of
from services.accounting.store import OpenBooks
from services.accounting.store.balance import StripeKey

BOOKINGS_MIN = 32
"""Fewer are left to `posting.post`: COPY and sums of a batch are for many."""


class Bookable(Protocol):
    """An event to book, as a `BookEvent`."""

    @property
    def event(self) -> Any:
        """The event, or its excerpt."""
        ...

    @property
    def stripe(self) -> int:
        """The row of each striped account to add to."""
        ...

    @property
    def traceparent(self) -> str | None:
        """W3C trace context of what caused it."""
        ...


async def book_plainly(tx: Tx, books: OpenBooks, items: Sequence[Bookable]) -> dict[int, PlainBooking]:
    """Book those of events of one type that are plain; what was booked, by the position of its item.

    Rows: journal, leg, balance. Events: TransactionCreated.
    """
    lane = None if books.has_former or len(items) < BOOKINGS_MIN else _lane(books.chart, _entry(items))
    if lane is None:
        return {}
    plain = _plain(lane, books, items, tx)
    places = await store.plain.place(tx, [*plain.values()])
    plain = _on_accounts(plain, places.accounts)
    if len(plain) < BOOKINGS_MIN or not await store.plain.insert_all(tx, places, [*plain.values()]):
        return {}
    bookings = [(booking, items[at]) for at, booking in plain.items()]
    await store.add_to_balances(tx, _effects(bookings), floors={}, locked=())
    _emit(tx, bookings)
    return plain


def _entry(items: Sequence[Bookable]) -> BookedEvent[Any]:
    return booked_event.of(items[0].event)


@cache
def _lane(chart: Chart, booked: BookedEvent[Any]) -> PlainLane | None:
    return lane_of(chart, booked, codec.template)


def _plain(lane: PlainLane, books: OpenBooks, items: Sequence[Bookable], tx: Tx) -> dict[int, PlainBooking]:
    """Return what is plain by itself, by the position of its item; of what is asked for twice nothing is."""
    plain: dict[int, PlainBooking] = {}
    asked: dict[str, str] = {}
    left: set[str] = set()
    names = _entry(items).names
    for at, item in enumerate(items):
        event = item.event
        booking = lane.plain(event, tx.now) if _dated_open(books, event) else None
        if booking is None or (books.archived_months and month_of(booking.transaction_id) in books.archived_months):
            left.add(names(event)[1])
        elif booking.transaction_id in asked:
            left |= {booking.root_reference, asked[booking.transaction_id]}
        else:
            asked[booking.transaction_id] = booking.root_reference
            plain[at] = booking
    return _without(plain, left)


def _dated_open(books: OpenBooks, event: Any) -> bool:
    return books.closed_through is None or first_open(event.occurred_at, books.closed_through) is event.occurred_at


def _on_accounts(plain: dict[int, PlainBooking], accounts: Mapping[str, int]) -> dict[int, PlainBooking]:
    """Return what is on accounts that there are."""
    there = {pattern: pattern.platform_accounts <= accounts.keys() for pattern in {p.pattern for p in plain.values()}}
    left = {
        booking.root_reference
        for booking in plain.values()
        if booking.merchant.account_id not in accounts or not there[booking.pattern]
    }
    return _without(plain, left)


def _without(plain: dict[int, PlainBooking], left: set[str]) -> dict[int, PlainBooking]:
    if not left:
        return plain
    return {at: booking for at, booking in plain.items() if booking.root_reference not in left}


def _effects(bookings: Sequence[tuple[PlainBooking, Bookable]]) -> dict[StripeKey, int]:
    """Sum up what bookings do to balances."""
    effects: dict[StripeKey, int] = defaultdict(int)
    amounts: dict[tuple[Pattern, int], list[tuple[int, ...]]] = defaultdict(list)
    for booking, item in bookings:
        pattern, stripe = booking.pattern, item.stripe
        effects[booking.merchant.account_id, stripe] += pattern.effect_on_merchant(booking.amounts)
        amounts[pattern, stripe].append(booking.amounts)
    for (pattern, stripe), of_stripe in amounts.items():
        for account_id, effect_minor in pattern.effects_on_platform(of_stripe).items():
            effects[account_id, stripe] += effect_minor
    return effects


def _emit(tx: Tx, bookings: Sequence[tuple[PlainBooking, Bookable]]) -> None:
    tx.hold(*[booking.root_reference for booking, _ in bookings])
    recorded_at = encode_timestamp(tx.now)
    told = []
    for booking, item in bookings:
        event_id = id_in_slot("evt", booking.merchant.slot)
        body = booking.pattern.told(booking, event_id=event_id, recorded_at=recorded_at)
        told.append((booking.root_reference, event_id, booking.event.occurred_at, item.traceparent, body))
    tx.emit_encoded(TransactionCreated, told)
