"""Books what is plain, which nearly all is, by patterns; what it books is what `posting.post` would have booked.

It takes what no look at the ledger can change: bookings of open periods, each pair of transaction_type and related_no
once. Where one was booked before, all of a batch is left to `posting.post`, which compares them; so are the other
events of a key of which one is left, for the order of a key's events holds.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from paykit.cause import Cause
from paykit.events import codec
from paykit.events.avro_binary import encode_timestamp
from paykit.events.event import Event
from paykit.ids import ids_in_slots
from paykit.postgres.database import Tx
from paykit.postgres.faults import UniqueViolation
from paykit.postgres.outbox import EncodedEvents
from paystream.accounting.v1.events import TransactionCreated
from services.accounting import store
from services.accounting.commands.opening import open_accounts
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.chart import Chart
from services.accounting.domain.plain.booking import PlainLane, lane_of
from services.accounting.domain.plain.pattern import PlainBookings
from services.accounting.domain.transaction_key import month_of_digits
from services.accounting.store import OpenBooks
from services.accounting.store.balance import StripeKey
from services.accounting.store.plain import PlainPlaces

if TYPE_CHECKING:
    from services.accounting.domain.transaction import Account

BOOKINGS_MIN = 32
"""Fewer are left to `posting.post`: COPY and sums of a batch are for many."""


class Bookables(Protocol):
    """Events of one type to book, by their positions."""

    @property
    def events(self) -> Sequence[Any]:
        """The events, whole or shaped."""
        ...

    @property
    def stripes(self) -> Sequence[int]:
        """The row of each striped account to add to."""
        ...

    def whole_event(self, at: int) -> Event:
        """Return an event as a whole."""
        ...

    def traceparent(self, at: int) -> str | None:
        """Return the W3C trace context that travelled with an event."""
        ...

    def cause(self, at: int) -> Cause:
        """Return the cause of what an event books."""
        ...


async def book_plainly(tx: Tx, books: OpenBooks, booked: BookedEvent[Any], items: Bookables) -> frozenset[int]:
    """Book those of events of one type that are plain; the positions of what was booked.

    Rows: account, journal, leg, balance. Events: AccountCreated, TransactionCreated.
    """
    lane = None if books.has_former or len(items.events) < BOOKINGS_MIN else _lane(books.chart, booked)
    if lane is None:
        return frozenset()
    plain = _plain(lane, books, booked, items, tx)
    if sum(map(len, plain)) < BOOKINGS_MIN:
        return frozenset()
    places = await store.plain.place(tx, plain)
    try:
        async with tx.savepoint():
            await _open_accounts(tx, books.chart, plain, items, places)
            await store.plain.insert_all(tx, places, plain)
    except UniqueViolation:  # One was booked before.
        return frozenset()
    await store.add_to_balances(tx, _effects(plain, items), floors={}, locked=())
    _emit(tx, plain, items)
    return frozenset([at for bookings in plain for at in bookings.columns.ats])


@cache
def _lane(chart: Chart, booked: BookedEvent[Any]) -> PlainLane | None:
    return lane_of(chart, booked, codec.template)


def _plain(
    lane: PlainLane, books: OpenBooks, booked: BookedEvent[Any], items: Bookables, tx: Tx
) -> list[PlainBookings]:
    """Return what is plain by itself; of what is asked for twice nothing is."""
    plain, left = lane.plain(items.events, items.whole_event, now=tx.now, closed_through=books.closed_through)
    asked = [digits for bookings in plain for digits in bookings.digits]
    if not left and len(set(asked)) == len(asked) and not books.archived_months:
        return plain
    return _without(plain, {booked.names(items.whole_event(at))[1] for at in left}, books)


def _without(plain: Sequence[PlainBookings], left: set[str], books: OpenBooks) -> list[PlainBookings]:
    """Leave out what is asked for twice or of a month that is archived, and with it all events of the same keys."""
    asked: dict[bytes, str] = {}
    for bookings in plain:
        for digits, root_reference in zip(bookings.digits, bookings.root_references, strict=True):
            if digits in asked:
                left |= {root_reference, asked[digits]}
            elif books.archived_months and month_of_digits(digits) in books.archived_months:
                left.add(root_reference)
            asked[digits] = root_reference
    kept = [bookings.kept([each not in left for each in bookings.root_references]) for bookings in plain]
    return [bookings for bookings in kept if len(bookings)]


async def _open_accounts(
    tx: Tx, chart: Chart, plain: Sequence[PlainBookings], items: Bookables, places: PlainPlaces
) -> None:
    """Open the accounts that are missing, each for the first event that needs it, and add their numbers."""
    first: dict[str, tuple[int, Account]] = {}
    for bookings in plain:
        for account_id, number in bookings.first_needs(places.accounts.keys()).items():
            at = bookings.columns.ats[number]
            if account_id not in first or at < first[account_id][0]:
                first[account_id] = at, bookings.opened(chart, account_id, number, now=tx.now)
    if first:
        in_order = sorted(first.values(), key=itemgetter(0))
        needed = {account.account_id: (account, items.cause(at)) for at, account in in_order}
        places.accounts.update(await open_accounts(tx, needed))


def _effects(plain: Sequence[PlainBookings], items: Bookables) -> dict[StripeKey, int]:
    """Sum up what bookings do to balances."""
    effects: dict[StripeKey, int] = defaultdict(int)
    for bookings in plain:
        pattern, amounts = bookings.pattern, bookings.columns.amounts
        stripes = [items.stripes[at] for at in bookings.columns.ats]
        for merchant, stripe, effect in zip(
            bookings.merchants, stripes, pattern.effects_on_merchants(amounts), strict=True
        ):
            effects[merchant.account_id, stripe] += effect
        for stripe in set(stripes):
            flags = [each == stripe for each in stripes]
            totals = [sum(compress(column, flags)) for column in amounts]
            for account_id, effect in pattern.effects_on_platform(totals).items():
                effects[account_id, stripe] += effect
    return effects


def _emit(tx: Tx, plain: Sequence[PlainBookings], items: Bookables) -> None:
    """Tell of bookings in the order of their events."""
    recorded_at = encode_timestamp(tx.now)
    told: list[tuple[int, str, str, int, str | None, bytes]] = []
    for bookings in plain:
        columns = bookings.columns
        event_ids = ids_in_slots("evt", [merchant.slot for merchant in bookings.merchants])
        encoded = [each.encode() for each in event_ids]
        bodies = bookings.pattern.told(bookings, event_ids=encoded, recorded_at=recorded_at)
        of_events = (columns.ats, bookings.root_references, event_ids, columns.occurred_us)
        told += zip(*of_events, map(items.traceparent, columns.ats), bodies, strict=True)
    told.sort(key=itemgetter(0))
    _, *in_order = zip(*told, strict=True)
    events = EncodedEvents(*in_order)
    tx.hold(*events.keys)
    tx.emit_encoded(TransactionCreated, events)
