"""Events as they arrive on Kafka: what is booked and told of them does not depend on which way they take."""

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.consume.application import Application, BatchResult
from paykit.consume.delivery import Record
from paykit.consume.prepared import ReadyEvent
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing.batches import undone
from paystream.accounting.v1.events import AccountCreated, TransactionCreated
from paystream.payment.v1.events import PaymentSuccess, RefundSuccess
from services.accounting import store
from services.accounting.commands.events import BookEvent, BookEvents
from services.accounting.commands.periods import close_periods
from services.accounting.commands.plain import BOOKINGS_MIN, book_plainly
from services.accounting.commands.verification import verify
from services.accounting.domain.booked_event import BY_CLASS
from services.accounting.domain.period import ClosePeriod
from services.accounting.domain.plain.columns import ShapedEvent
from services.accounting.service import SERVICE
from tests.integration.accounting.books import emitted, everything, rows
from tests.integration.accounting.test_properties import captures, prepared, refunds
from tests.unit.accounting.ledger import ALICE, BOB, NOON, capture, payment_id, refund

CHUNK = BOOKINGS_MIN - 1
"""Of so few none is booked plainly."""
PLAIN = BOOKINGS_MIN + 4
ON_ONE_LEDGER = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

SOME_FEE = st.sampled_from([0, 320, 320, 10_000])
KEYED = [3 + 4 * number for number in range(1, PLAIN + 1)]
"""Numbers whose ids are UUIDv7."""


def many(make: Any, amount: str) -> st.SearchStrategy[list[Event]]:
    """Draw events of one type that are plain, most of them."""
    one = st.fixed_dictionaries(
        {
            amount: st.sampled_from([0, 320, 320, 4_000]),
            "merchant_id": st.sampled_from([ALICE, ALICE, BOB]),
            "currency_code": st.sampled_from(["USD"] * 60 + ["JPY"] * 3 + ["QQQ"]),
            "occurred_at": st.sampled_from([NOON] * 6 + [NOON - timedelta(days=1)] * 3 + [NOON - timedelta(days=3)]),
            "payment_id": st.none() | st.sampled_from(KEYED[:3]).map(payment_id),
        }
    )

    def events(drawn: Sequence[dict[str, Any]]) -> list[Event]:
        given = [{name: value for name, value in each.items() if value is not None} for each in drawn]
        return [make(number, **each) for number, each in zip(KEYED, given, strict=True)]

    return st.lists(one, min_size=PLAIN, max_size=PLAIN).map(events)


def batches_of(plain: st.SearchStrategy[list[Event]], others: st.SearchStrategy[Event]) -> st.SearchStrategy[Any]:
    """Mix what is plain with replays, conflicts, and what is refused or has another form."""
    some = st.lists(st.tuples(st.integers(0, PLAIN), others | plain.map(lambda events: events[0])), max_size=4)

    def mixed(events: list[Event], more: list[tuple[int, Event]]) -> list[Event]:
        for at, event in more:
            events[at:at] = [event]
        return events

    return st.builds(mixed, plain, some)


BATCHES = st.one_of(
    batches_of(many(capture, "fee_minor"), captures), batches_of(many(refund, "fee_returned_minor"), refunds)
)
CLOSED = [None, None, NOON - timedelta(days=2)]


def application(runtime: Runtime, *, fast: bool) -> Application:
    """Return the consuming side of accounting, with or without reading in part."""
    subscriptions = SERVICE.subscriptions
    if not fast:
        subscriptions = tuple(
            dataclasses.replace(
                each,
                handles={kind: dataclasses.replace(handle, fast_lane=None) for kind, handle in each.handles.items()},
            )
            for each in subscriptions
        )
    return Application(service="accounting", subscriptions=subscriptions, codec=runtime.codec)


def record(runtime: Runtime, event: Event, at: int = 0) -> Record:
    value = runtime.codec.encode(event, stamps={})
    key = getattr(event, event.KEY)
    traceparent = f"00-{at + 1:032x}-00f067aa0ba902b7-00".encode()
    headers = [("ce_type", event.RECORD.encode()), ("traceparent", traceparent)]
    return Record(event.TOPIC, at % 3, at, key, value, headers)


async def arrive(runtime: Runtime, tx: Tx, *, events: Sequence[Event], fast: bool) -> list[BatchResult]:
    """Take events at once by the fast lane, or in chunks of which none is, as whole events."""
    consuming = application(runtime, fast=fast)
    found = [consuming.prepare(record(runtime, event, at)) for at, event in enumerate(events)]
    ready = [each for each in found if each is not None]
    size = len(ready) if fast else CHUNK
    return [await consuming.apply(tx, ready[at : at + size]) for at in range(0, len(ready), size)]


@pytest.fixture
async def books(ledger: Runtime) -> Runtime:
    await ledger.codec.prepare([PaymentSuccess, RefundSuccess])
    return ledger


@ON_ONE_LEDGER
@given(events=BATCHES, closed=st.sampled_from(CLOSED), begun=st.booleans())
async def test_every_row_and_event_is_the_same_whichever_way_events_take(
    books: Runtime, events: list[Event], closed: Any, *, begun: bool
) -> None:
    """In a ledger that has accounts and bookings, and in one that has none."""
    seen: list[Any] = []

    async def run(tx: Tx, *, fast: bool) -> None:
        if begun:
            await prepared(tx)
        if closed is not None:
            for person in ("ann", "bob"):
                await close_periods(tx, [ClosePeriod(end_at=closed, reason="Month", person=person)])
        results = await arrive(books, tx, events=events, fast=fast)
        told = [
            (prepared_record.record.offset, repr(outcome))
            for result in results
            for prepared_record, outcome in result.not_applied
        ]
        report = await verify(tx)
        beside = [(*row[:2], *row[3:6], _parent(row)) for row in sorted(tx.emitted, key=itemgetter(1))]
        seen.append((told, report, beside, _without_causes(await everything(tx, books))))

    await undone(books, partial(run, fast=True))
    await undone(books, partial(run, fast=False))
    assert seen[0] == seen[1]


def _parent(row: Any) -> str | None:
    """Return the traceparent of an event; None of an account, of which another event may be the first to need it."""
    return None if row[3] == AccountCreated.RECORD else row[6]


def _without_causes(state: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out what an account was opened for: what is plain is booked before what is not, whatever came first."""
    causes = {"correlation_id", "causation_id", "actor"}
    told = [
        (key, {name: value for name, value in event.items() if "transaction_id" in event or name not in causes})
        for key, event in state["event"]
    ]
    return {**state, "event": told}


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("make", [capture, refund])
async def test_what_is_plain_is_booked_plainly_and_opens_the_accounts_that_it_needs(
    books: Runtime, make: Any, *, begun: bool
) -> None:
    events = [make(number) for number in KEYED]

    async def run(tx: Tx) -> list[int]:
        if begun:
            await prepared(tx)
        items = [BookEvent(event=event, traceparent=None, stripe=0, funds_may_come=False) for event in events]
        return sorted(
            await book_plainly(tx, await store.open_books(tx), BY_CLASS[type(events[0])], BookEvents.of(items))
        )

    assert await undone(books, run) == [*range(PLAIN)]


@pytest.mark.parametrize("make", [capture, refund])
async def test_payments_and_refunds_are_read_by_their_shapes(books: Runtime, make: Any) -> None:
    consuming = application(books, fast=True)
    first, second = (consuming.prepare(record(books, make(number))) for number in (3, 7))
    assert isinstance(first, ReadyEvent)
    assert isinstance(second, ReadyEvent)
    assert (type(first.event), type(second.event)) == (type(make(3)), ShapedEvent)


async def test_what_is_booked_by_different_patterns_is_told_in_the_order_of_its_key(books: Runtime) -> None:
    events = [capture(number, payment_id=payment_id(3), fee_minor=320 * (number % 8 == 3)) for number in KEYED]
    assert {event.fee_minor for event in events} == {0, 320}
    told: list[Any] = []

    async def run(tx: Tx) -> None:
        await arrive(books, tx, events=events, fast=True)
        told.extend(books.codec.decode(row[-1]) for row in tx.emitted if row[3] == TransactionCreated.RECORD)

    await undone(books, run)
    assert [event.related_no for event in told] == [event.capture_id for event in events]


async def test_what_was_booked_before_changes_nothing_and_is_told_once(books: Runtime) -> None:
    """The first batch is small, and so goes the general way; the second is booked plainly."""
    first, second = [capture(number) for number in KEYED[:2]], [capture(number) for number in KEYED]
    for events in (first, second, second, [*second, capture(1_003)]):
        results = await books.transaction(partial(arrive, books, events=events, fast=True))
        assert [(result.applied, result.not_applied) for result in results] == [(len(events), [])]
    told = await emitted(books)
    assert (told.count("AccountCreated"), told.count("TransactionCreated")) == (3, PLAIN + 1)
    assert (await books.read(verify)).transactions == PLAIN + 1
    assert await rows(books, "SELECT sum(balance_minor) FROM balance") == [(_sum(PLAIN + 1),)]


def _sum(payments: int) -> int:
    """Of all balances: a capture of 10,000 adds as much to income, 9,680 to settlement and 320 to fees."""
    return payments * 20_000


async def test_a_conflict_within_many_is_impossible_and_its_neighbours_are_booked(books: Runtime) -> None:
    await books.transaction(partial(arrive, books, events=[capture(KEYED[0])], fast=True))
    events = [capture(number) for number in KEYED[1:]] + [capture(KEYED[0], amount_minor=9_999)]
    [result] = await books.transaction(partial(arrive, books, events=events, fast=True))
    assert (result.applied, [cause.reason for _, cause in result.causes]) == (PLAIN - 1, ["TRANSACTION_CONFLICT"])
    assert (await books.read(verify)).transactions == PLAIN
