"""Movements at channels, held against what the ledger booked of them: what only one side tells for long is listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.consumption import TOLD_WITHIN
from paykit.events.event import Event
from paykit.ids import named_id
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated
from services.reconciliation import domain, store
from services.reconciliation.commands import differing
from services.reconciliation.domain.ledger import OneSidedBooking

LISTED_AT_ONCE_MAX = 500
"""Bookings listed, and ended, in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardUntil:
    """Until which business time all that was told is applied here, by who tells it; None while that is not known.

    Attributes:
        movements: By payment and withdrawal.
        bookings: By the ledger.
    """

    movements: datetime | None
    bookings: datetime | None


async def record_told(tx: Tx, events: Sequence[Event]) -> None:
    """Keep what payment or withdrawal tells the ledger to book, and wait for it.

    Rows: movement_booking, open_booking.
    """
    told = await keep_told(tx, events)
    await store.ledger.wait(tx, _told([event for event in events if domain.ledger.is_awaited(event)]))
    await store.ledger.settle(tx, told)


async def keep_told(tx: Tx, events: Sequence[Event]) -> list[OneSidedBooking]:
    """Keep the same, and return it. Rows: movement_booking."""
    told = _told(events)
    await store.ledger.keep_told(tx, told)
    return told


async def record_booked(tx: Tx, events: Sequence[TransactionCreated]) -> None:
    """Keep what the ledger booked, and wait for who tells of it. Rows: movement_booking, open_booking."""
    booked = await keep_booked(tx, events)
    await store.ledger.wait(tx, booked)
    await store.ledger.settle(tx, booked)


async def keep_booked(tx: Tx, events: Sequence[TransactionCreated]) -> list[OneSidedBooking]:
    """Keep the same, and return it. Rows: movement_booking."""
    booked = domain.ledger.once(map(domain.ledger.of_transaction, events))
    await store.ledger.keep_booked(tx, booked)
    return booked


async def list_one_sided(tx: Tx, *, heard: HeardUntil, within: timedelta) -> int:
    """List what only one side has told for longer, and end what both have told now; return how many there were.

    By as much as this service is behind with what a side tells, that side is waited for longer.

    Rows: discrepancy, open_booking. Events: DiscrepancyDetected, DiscrepancyResolved.
    """
    complete = await store.ledger.listed_in_vain(tx, LISTED_AT_ONCE_MAX)
    await differing.end_matched(tx, await store.discrepancies.lock(tx, [_id(*names) for names in complete]))
    await store.ledger.close(tx, complete)
    late = await store.ledger.list_late(
        tx,
        booked_within=_within(within, tx.now, heard.bookings),
        told_within=_within(within, tx.now, heard.movements),
        limit=LISTED_AT_ONCE_MAX,
    )
    found = [
        domain.ledger.found(each, discrepancy_id=_id(each.transaction_type, each.related_no), now=tx.now)
        for each in late
    ]
    differing.tell(tx, found, await store.discrepancies.insert_absent(tx, found))
    return max(len(complete), len(late))


def _within(within: timedelta, now: datetime, heard: datetime | None) -> timedelta | None:
    """Return how long a side is waited for, of which this service has heard all until a time; None: without end."""
    return None if heard is None else within + max(now - heard - TOLD_WITHIN, timedelta(0))


def _told(events: Sequence[Event]) -> list[OneSidedBooking]:
    return domain.ledger.once(map(domain.ledger.of_event, events))


def _id(transaction_type: str, related_no: str) -> str:
    """Return the one id of the discrepancy of a booking."""
    return named_id("dis", transaction_type, related_no)
