"""What events ask of the ledger, and what those who wait for its answer are told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from paykit.cause import Cause
from paykit.errors import DomainError, Kind
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.work import fold, kept
from services.accounting import domain, store
from services.accounting.commands.plain import book_plainly
from services.accounting.commands.posting import Posting, post
from services.accounting.domain.booked_event import BookedEvent
from services.accounting.domain.chart import Chart
from services.accounting.domain.transaction import InsufficientFunds, Transaction
from services.accounting.store import OpenBooks, RefusalRow


@dataclass(slots=True)  # Not frozen, as a `Posting`.
class BookEvent:
    """An event to book.

    Attributes:
        event: The whole event.
        traceparent: W3C trace context that travelled with it.
        stripe: The row of each striped account to add to.
        funds_may_come: Whether funds that it lacks may be on their way.
    """

    event: Any
    traceparent: str | None
    stripe: int
    funds_may_come: bool

    @property
    def cause(self) -> Cause:
        """Cause of what it books."""
        event = self.event
        return Cause(event.correlation_id, event.event_id, event.actor, self.traceparent)


@dataclass(slots=True, frozen=True)
class BookEvents:
    """Events of one type to book; an item is made of those alone that are not booked by a pattern.

    Attributes:
        events: Whole or shaped.
        stripes: The row of each striped account to add to, for each.
        item: Makes the item of one, by its position.
        traceparent: Reads the W3C trace context that travelled with one.
    """

    events: Sequence[Any]
    stripes: Sequence[int]
    item: Callable[[int], BookEvent]
    traceparent: Callable[[int], str | None]

    @classmethod
    def of(cls, items: Sequence[BookEvent]) -> "BookEvents":
        """Return items that there are."""
        events, stripes = [item.event for item in items], [item.stripe for item in items]
        return cls(events, stripes, items.__getitem__, lambda at: items[at].traceparent)

    def whole_event(self, at: int) -> Event:
        """Return an event as a whole."""
        return cast("Event", self.item(at).event)

    def cause(self, at: int) -> Cause:
        """Return the cause of what an event books."""
        return self.item(at).cause


class _BookedPlainly(Enum):
    NOW = "now"


BOOKED_PLAINLY = _BookedPlainly.NOW
"""In the place of a transaction that was booked by a pattern, which is now."""

Booked = Transaction | _BookedPlainly
"""What was booked."""


async def book_events(tx: Tx, booked: BookedEvent[Any], events: BookEvents) -> list[Booked | DomainError | None]:
    """Book events of one type; one result per event, in order.

    Returns:
        The transaction, booked now or before by the same content; None for an event that moves nothing; in its place a
        refusal of `booking.book`, `lifecycle.require_open`, `lifecycle.require_left` or `posting.post`.

    Rows: account, journal, leg, balance. Events: AccountCreated, TransactionCreated.
    """
    count = len(events.events)
    if not count:
        return []
    books = await store.open_books(tx)
    plain = await book_plainly(tx, books, booked, events)
    results: list[Booked | DomainError | None] = [BOOKED_PLAINLY] * count
    others = [at for at in range(count) if at not in plain] if len(plain) < count else []
    for at, result in zip(others, await _book_others(tx, books, booked, [*map(events.item, others)]), strict=True):
        results[at] = result
    return results


async def _book_others(
    tx: Tx, books: OpenBooks, booked: BookedEvent[Any], items: Sequence[BookEvent]
) -> list[Transaction | DomainError | None]:
    if not items:
        return []

    def posting_of(item: BookEvent) -> Posting | None:
        transaction = domain.booking.book(books.chart, item.event, tx.now, closed_through=books.closed_through)
        return None if transaction is None else _posting(books.chart, transaction, item)

    postings = fold(items, posting_of)
    moving: list[Posting | DomainError] = [posting for posting in postings if posting is not None]
    if booked.ends:
        moving = await _after_openings(tx, moving)
    if booked.part_of is not None:
        moving = await _within_what_is_left(tx, moving)
    results = iter(await post(tx, books, moving))
    return [None if posting is None else next(results) for posting in postings]


async def answer_events(tx: Tx, booked: BookedEvent[Any], events: BookEvents) -> list[Booked | DomainError | None]:
    """Book events of one type whose answer somebody waits for, and remember refusals; one result per event, in order.

    A repetition of what was refused changes nothing, also when funds are there by now: who waited was told.

    Returns:
        As `book_events`; None for what is refused by a rule of business, now or before, which is told.

    Rows: as `book_events`, refusal. Events: as `book_events`, TransactionRejected.
    """
    results: list[Booked | DomainError | None] = []
    for run in _without_repetitions([*map(events.item, range(len(events.events)))]):
        refused = await store.refusals.refused_among(tx, run)
        asked = {transaction_id: item for transaction_id, item in run.items() if transaction_id not in refused}
        answers = await _answer(tx, booked, asked)
        results += [answers.get(transaction_id) for transaction_id in run]
    return results


def _posting(chart: Chart, transaction: Transaction, item: BookEvent) -> Posting:
    shortfalls = chart.shortfalls(transaction.transaction_type, transaction.merchant_id, transaction.currency_code)
    return Posting(transaction, item.cause, item.stripe, shortfalls=shortfalls)


async def _after_openings(tx: Tx, postings: Sequence[Posting | DomainError]) -> list[Posting | DomainError]:
    """Refuse the endings of what was not opened, or ended otherwise."""
    endings = [posting.transaction for posting in kept(postings)]
    booked = await store.transactions.by_key(tx, domain.lifecycle.ids_before(endings))

    def open_(posting: Posting) -> Posting:
        domain.lifecycle.require_open(posting.transaction, booked)
        return posting

    return fold(postings, open_)


async def _within_what_is_left(tx: Tx, postings: Sequence[Posting | DomainError]) -> list[Posting | DomainError]:
    """Refuse to take more than is left of what was put aside; one key's events come one after another."""
    takings = [posting.transaction for posting in kept(postings)]
    if not takings:
        return list(postings)
    openings = await store.transactions.by_key(tx, {domain.lifecycle.opening_id(taking) for taking in takings})
    portions = domain.lifecycle.TAKEN_BY[takings[0].transaction_type]
    taken = await store.transactions.taken(tx, {taking.root_reference for taking in takings}, portions.takings)

    def within(posting: Posting) -> Posting:
        taking = posting.transaction
        before = taken.setdefault(taking.root_reference, {})
        others = sum(amount for key, amount in before.items() if key != taking.transaction_id)
        opening = openings.get(domain.lifecycle.opening_id(taking))
        domain.lifecycle.require_left(taking, opening, taken_minor=others)
        before.setdefault(taking.transaction_id, taking.amount_minor)
        return posting

    return fold(postings, within)


def _without_repetitions(items: Sequence[BookEvent]) -> Iterator[dict[str, BookEvent]]:
    """Yield runs of events by the transaction that each asks for, so that a repetition sees the answer before it."""
    run: dict[str, BookEvent] = {}
    for item in items:
        transaction_id = domain.booking.id_of(item.event)
        if transaction_id in run:
            yield run
            run = {}
        run[transaction_id] = item
    yield run


async def _answer(
    tx: Tx, booked: BookedEvent[Any], asked: Mapping[str, BookEvent]
) -> dict[str, Booked | DomainError | None]:
    """Book, and tell of refusals by a rule of business; what is booked already is not refused, but contradicted."""
    results = dict(zip(asked, await book_events(tx, booked, BookEvents.of([*asked.values()])), strict=True))
    refusals = {
        transaction_id: result
        for transaction_id, result in results.items()
        if isinstance(result, DomainError) and _is_final(asked[transaction_id], result)
    }
    there = await store.transactions.by_key(tx, refusals)
    rejections = []
    for transaction_id, refusal in refusals.items():
        if transaction_id in there:
            results[transaction_id] = domain.transaction.conflict(there[transaction_id])
            continue
        item, results[transaction_id] = asked[transaction_id], None
        rejection = domain.booking.rejected(item.event, refusal)
        tx.emit(rejection, cause=item.cause)
        rejections.append(RefusalRow.of(rejection, tx.now))
    await store.refusals.insert(tx, rejections)
    return results


def _is_final(item: BookEvent, refusal: DomainError) -> bool:
    """Whether a refusal is by a rule of business, and time will not help."""
    may_yet_be_booked = isinstance(refusal, InsufficientFunds) and item.funds_may_come
    return refusal.kind is Kind.FAILED_PRECONDITION and not may_yet_be_booked
