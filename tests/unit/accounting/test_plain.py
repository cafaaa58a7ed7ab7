"""Plain bookings against the general path: the same rows, the same bytes, and nothing that it would refuse."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.errors import DomainError
from paykit.events import classes as catalogue
from paykit.events import codec, compiler, goldens
from paykit.events.avro_binary import encode_timestamp
from paykit.events.event import Event
from paykit.events.shape_reading import ShapeReader
from paystream.accounting.v1.events import TransactionCreated
from paystream.payment.v1.events import (
    DisputeOpened,
    LateCaptureAccepted,
    LateCaptureReceived,
    PaymentContradictionResolved,
    PaymentReversed,
    PaymentSuccess,
    RefundReason,
    RefundReturned,
    RefundSuccess,
)
from paystream.settlement.v1.events import SettlementCreated
from services.accounting.domain import booking
from services.accounting.domain.booked_event import BY_CLASS
from services.accounting.domain.chart import Chart
from services.accounting.domain.plain.booking import PlainLane, lane_of
from services.accounting.domain.plain.columns import FORMS, ShapedEvent, specialize
from services.accounting.domain.plain.pattern import PlainBookings
from services.accounting.domain.transaction import Transaction, created_event
from services.accounting.store import chart_names, journal, load_chart, plain
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    NOON,
    capture,
    late,
    refund,
    refund_returned,
    reversed_,
)
from tests.unit.contracts.test_compiler import values

CHARTS = [load_chart(name) for name in chart_names()]
NOW = NOON + timedelta(seconds=3)
EVENT_ID = "evt_" + "1" * 32
FILES = catalogue.own_files()
ENCODE = compiler.encoder(FILES[TransactionCreated.RECORD].schema)
PLAIN = (PaymentSuccess, RefundSuccess, PaymentReversed, RefundReturned, LateCaptureReceived)
SHIPPED = st.sampled_from(CHARTS)

AMOUNTS = st.sampled_from([-1, 0, 0, 1, 1, 30, 63, 64, 500, 8_191, 8_192, 2**53 - 1, 2**53])
CURRENCIES = st.sampled_from(["USD", "USD", "JPY", "BHD", "QQQ"])
OWNERS = st.sampled_from([ALICE, BOB, "mer_0195a000000070008000000000000001", "", None])
UUIDS = st.builds(
    lambda at, low: f"{at:012x}7{low >> 60:03x}{8 | low >> 58 & 3:x}{low & (1 << 58) - 1 | 1:015x}"[:32],
    st.sampled_from([0x0195_A000_0000, 0x0195_A000_0001, 0x0195_F000_0000]),
    st.integers(0, 2**72 - 1),
)
# Of these the ledger makes names: upper case, another version, another variant, no digit, 1999 and 2200.
UNKEYED = st.sampled_from(
    [
        "0195A000000070008000000000000001",
        "0195a000000040008000000000000001",
        "0195a00000007000c000000000000001",
        "0195a00000007000800000000000000g",
        "00dc6acfabff70008000000000000001",
        "0699e991a80070008000000000000001",
    ]
)
DIGITS = st.one_of(*[UUIDS] * 9, UNKEYED)
MOMENTS = st.sampled_from(
    [NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=1), datetime(1969, 7, 20, tzinfo=UTC)]
)


def ids(prefix: str) -> st.SearchStrategy[str]:
    return st.one_of(*[UUIDS.map(lambda digits: f"{prefix}_{digits}")] * 6, st.sampled_from(["", "x_1", f"{prefix}_1"]))


def events(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Draw whatever the schema allows, but where it decides about the way: there, what decides."""
    record = values(FILES[kind.RECORD].schema, {})
    fields = {field["name"]: field["type"] for field in FILES[kind.RECORD].schema["fields"]}
    decisive: dict[str, st.SearchStrategy[Any]] = {
        **{name: AMOUNTS for name, type_ in fields.items() if name.endswith("_minor") and type_ == "long"},
        "currency_code": CURRENCIES,
        "merchant_id": OWNERS,
        "occurred_at": MOMENTS,
        "recorded_at": MOMENTS,
        "payment_id": ids("pay"),
        "capture_id": ids("cap"),
        "refund_id": ids("ref"),
    }
    drawn = st.fixed_dictionaries({name: drawing for name, drawing in decisive.items() if name in fields})
    make: Any = kind
    return st.builds(lambda some, more: make.from_record(some | more), record, drawn)


def usual(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Draw events that shapes take, most of which are plain."""
    make: Any = kind
    example = make.from_record(goldens.load(FILES[kind.RECORD]).value)
    number = st.sampled_from([0, 1, 63, 64, 64, 8_191, 8_192, 2**53 - 1])
    drawn: dict[str, st.SearchStrategy[Any]] = {
        **{name: number for name in fields_of(kind) if name.endswith("_minor")},
        "amount_minor": st.sampled_from([64, 8_191, 8_192, 2**53 - 1]),
        "currency_code": st.sampled_from(["USD", "USD", "JPY", "QQQ"]),
        "merchant_id": OWNERS,
        "occurred_at": MOMENTS,
        "payment_id": DIGITS.map(lambda digits: f"pay_{digits}"),
        "capture_id": DIGITS.map(lambda digits: f"cap_{digits}"),
        "refund_id": DIGITS.map(lambda digits: f"ref_{digits}"),
        "reason": st.sampled_from([RefundReason.FRAUD, RefundReason.FRAUD, RefundReason.CONTRADICTION]),
        "actor": st.sampled_from([None, "", "ann", "a" * 64]),
        "correlation_id": st.sampled_from(["cor", "c" * 63, "c" * 64, "\u00fc"]),
        "channel_reference": st.sampled_from(["", "sim-1", "r" * 70]),
    }
    chosen = {name: drawing for name, drawing in drawn.items() if name in fields_of(kind)}
    return st.builds(lambda more: replace(example, **more), st.fixed_dictionaries(chosen))


def fields_of(kind: type[Event]) -> list[str]:
    return [field["name"] for field in FILES[kind.RECORD].schema["fields"]]


ANY_EVENT = st.one_of(*map(events, PLAIN), *map(usual, PLAIN))


def lane(chart: Chart, kind: type[Event]) -> PlainLane:
    found = lane_of(chart, BY_CLASS[kind], codec.template)
    assert found is not None
    return found


LANES: dict[tuple[str, type[Event]], PlainLane] = {
    (chart.name, kind): lane(chart, kind) for chart in CHARTS for kind in PLAIN
}


def generally(chart: Chart, event: Any) -> Transaction | str | None:
    """Return what the general path makes of an event, or how it refuses it."""
    try:
        return booking.book(chart, event, NOW)
    except DomainError as refusal:
        return repr(refusal)


def shaped(*events: Any) -> list[Any]:
    """Return what the lane makes of events' bytes, once it has learned from the first; the events where it does not."""
    if type(events[0]) not in FORMS:
        return [*events]
    schema = FILES[events[0].RECORD].schema
    reader: ShapeReader[Any, ShapedEvent] = ShapeReader(schema, specialize, prefix_bytes=0)
    encode = compiler.encoder(schema)
    reader.learn(encode(events[0], {}), events[0])
    return [reader.read(encode(event, {})) or event for event in events]


def plainly(lane: PlainLane, *events: Any, originals: Sequence[Any] | None = None) -> list[PlainBookings]:
    """Return how events are booked plainly, whole or shaped; of these, the whole ones are given too."""
    originals = events if originals is None else originals
    return lane.plain(events, originals.__getitem__, now=NOW, closed_through=None)[0]


def bodies(bookings: PlainBookings) -> list[bytes]:
    """Return what is told of bookings, each under the same id."""
    event_ids = [EVENT_ID.encode()] * len(bookings)
    return bookings.pattern.told(bookings, event_ids=event_ids, recorded_at=encode_timestamp(NOW))


def told(event: Any, transaction: Transaction, chart: Chart) -> bytes:
    stamps = {
        "event_id": EVENT_ID,
        "recorded_at": NOW,
        "correlation_id": event.correlation_id,
        "causation_id": event.event_id,
        "actor": event.actor,
    }
    return ENCODE(created_event(transaction, chart_name=chart.name), stamps)


@settings(max_examples=400, deadline=None)
@given(chart=SHIPPED, event=ANY_EVENT)
def test_what_is_booked_plainly_is_what_the_general_path_books_and_tells(chart: Chart, event: Any) -> None:
    lane = LANES[chart.name, type(event)]
    whole, cut = plainly(lane, event), plainly(lane, *shaped(event), originals=[event])
    assert bool(whole) == bool(cut)
    if not whole:
        return
    transaction = generally(chart, event)
    assert isinstance(transaction, Transaction)
    for [found] in (whole, cut):
        assert found.digits == [transaction.transaction_id[4:].encode()]
        assert found.root_references == [transaction.root_reference]
        assert [*found.columns.principals] == [transaction.amount_minor]
        assert bodies(found) == [told(event, transaction, chart)]


@settings(max_examples=200, deadline=None)
@given(chart=SHIPPED, kind=st.sampled_from(PLAIN), data=st.data())
def test_events_that_come_together_are_booked_as_each_alone(
    chart: Chart, kind: type[Event], data: st.DataObject
) -> None:
    """Of different shapes, kinds and currencies, sound or not, whole or shaped: each is told of as alone."""
    lane = LANES[chart.name, kind]
    originals = data.draw(st.lists(events(kind) | usual(kind), min_size=1, max_size=6))
    taken = [
        each if data.draw(st.booleans()) else event for each, event in zip(shaped(*originals), originals, strict=True)
    ]
    plain, left = lane.plain(taken, originals.__getitem__, now=NOW, closed_through=None)
    together = {
        at: (digits, body)
        for found in plain
        for at, digits, body in zip(found.columns.ats, found.digits, bodies(found), strict=True)
    }
    assert together.keys() | left == {*range(len(originals))}
    assert not together.keys() & left
    for at, event in enumerate(originals):
        alone = plainly(lane, event)
        assert bool(alone) == (at in together)
        if alone:
            assert together[at] == (*alone[0].digits, *bodies(alone[0]))


@settings(max_examples=100, deadline=None)
@given(event=ANY_EVENT, after_us=st.integers(-1, 1))
def test_what_is_dated_into_a_closed_period_is_left(event: Any, after_us: int) -> None:
    chart = CHARTS[0]
    lane = LANES[chart.name, type(event)]
    closed_through = event.occurred_at - timedelta(microseconds=after_us)
    for taken in (event, *shaped(event)):
        plain, left = lane.plain([taken], lambda _: event, now=NOW, closed_through=closed_through)
        assert bool(plain) == (bool(plainly(lane, event)) and after_us > 0)
        assert bool(plain) != (left == {0})


@pytest.mark.parametrize("kind", [PaymentSuccess, RefundSuccess])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_a_shape_takes_of_damaged_bytes_is_booked_as_the_whole_event(
    kind: type[Event], data: st.DataObject
) -> None:
    file = FILES[kind.RECORD]
    body = goldens.load(file).body
    read = compiler.decoder(file.schema)
    reader: ShapeReader[Any, ShapedEvent] = ShapeReader(file.schema, specialize, prefix_bytes=0)
    make: Any = kind
    reader.learn(body, make.from_record(read(body, 0)[0]))
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    taken = reader.read(bytes(damaged))
    if taken is None:
        assert bytes(damaged) != body
        return
    event = make.from_record(read(bytes(damaged), 0)[0])
    assert (taken.recorded_at, taken.TOPIC) == (event.recorded_at, event.TOPIC)
    for chart in CHARTS:
        whole, cut = (
            plainly(LANES[chart.name, kind], event),
            plainly(LANES[chart.name, kind], taken, originals=[event]),
        )
        assert [(found.digits, bodies(found)) for found in cut] == [(found.digits, bodies(found)) for found in whole]


@settings(max_examples=200, deadline=None)
@given(chart=SHIPPED, kind=st.sampled_from(PLAIN), data=st.data())
def test_the_rows_of_batches_are_those_of_the_general_path(
    chart: Chart, kind: type[Event], data: st.DataObject
) -> None:
    drawn = {
        event_id: event
        for event in data.draw(st.lists(events(kind) | usual(kind), min_size=1, max_size=8))
        if (found := plainly(LANES[chart.name, kind], event))
        for event_id in found[0].digits
    }
    originals = [*drawn.values()]
    taken = shaped(*originals) if originals else []
    bookings = plainly(LANES[chart.name, kind], *taken, originals=originals)
    if not bookings:
        return
    transactions = [each for each in (generally(chart, event) for event in originals) if isinstance(each, Transaction)]
    account_ids = sorted({entry.account_id for each in transactions for entry in each.entries})
    accounts = {account_id: number for number, account_id in enumerate(account_ids, 1)}
    batches = plain.batches_of(bookings)
    numbers = [*range(7, 7 + len(batches))]
    for batch, number in zip(batches, numbers, strict=True):
        batch.first_position = number * journal.BATCH_ROWS_MAX
    places = journal.Places(accounts, journal.batches_of(transactions, numbers))
    assert [read_row(row) for row in plain.rows_of(bookings, batches, accounts, NOW)] == [
        dict(zip(journal.COLUMNS, row, strict=True)) for row in journal.rows_of(places)
    ]
    assert [*plain.legs_of(bookings, batches, accounts)] == journal.legs_of(places)


SIZES = {"bigint": 8, "timestamptz": 8, "uuid": 16, "integer": 4, "smallint": 2}


def read_row(row: bytes) -> dict[str, Any]:
    """Read a row of COPY in PostgreSQL's binary format, as the general path gives it to the driver."""
    (count,) = struct.unpack_from(">h", row)
    assert count == len(plain.COLUMNS)
    found, at = dict.fromkeys(journal.COLUMNS), 2
    for name in plain.COLUMNS:
        (size,) = struct.unpack_from(">i", row, at)
        at += 4
        if size == -1:
            continue
        sql_type = journal.COLUMNS[name]
        assert size == SIZES[sql_type]
        content, at = row[at : at + size], at + size
        number = int.from_bytes(content, signed=True)
        if sql_type == "uuid":
            found[name] = content.hex()
        elif sql_type == "timestamptz":
            found[name] = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
        else:
            found[name] = number
    assert at == len(row)
    return found


@pytest.mark.parametrize("chart", CHARTS, ids=chart_names())
@pytest.mark.parametrize(
    "event",
    [
        capture(3),
        capture(3, fee_minor=0),
        capture(3, currency_code="JPY", amount_minor=2**53 - 1),
        capture(3, currency_code="BHD", fee_minor=10_000),
        refund(3),
        refund(3, fee_returned_minor=128),
        refund(3, suspense_minor=1_000),
        reversed_(3),
        refund_returned(3, fee_minor=5),
    ],
)
def test_payments_and_refunds_are_plain(chart: Chart, event: Any) -> None:
    assert plainly(LANES[chart.name, type(event)], event)
    assert plainly(LANES[chart.name, type(event)], *shaped(event), originals=[event])


@pytest.mark.parametrize(
    "event",
    [
        capture(3, merchant_id=None),
        capture(3, currency_code="QQQ"),
        capture(3, amount_minor=0),
        capture(3, amount_minor=2**53),
        capture(3, fee_minor=-1),
        capture(3, fee_minor=10_001),
        capture(3, capture_id="cap_1"),
        capture(3, capture_id="ref_0195a000000070008000000000000001"),
        capture(3, payment_id="pay_1"),
        refund(3, reason=RefundReason.CONTRADICTION),
        refund(3, suspense_minor=4_000),
        refund(3, suspense_minor=1_000, fee_returned_minor=128),
        late(LateCaptureReceived, 3),
    ],
)
def test_what_is_refused_or_of_another_form_is_left_to_the_general_path(event: Any) -> None:
    for chart in CHARTS:
        assert not plainly(LANES[chart.name, type(event)], event)
        assert not plainly(LANES[chart.name, type(event)], *shaped(event), originals=[event])


def test_what_gives_back_a_contradiction_is_of_no_shape_of_other_refunds() -> None:
    """Not all of them move money."""
    first, alike, contradicting = refund(3), refund(7), refund(11, reason=RefundReason.CONTRADICTION)
    assert [type(each) for each in shaped(first, alike, contradicting)] == [ShapedEvent, ShapedEvent, RefundSuccess]


@pytest.mark.parametrize("kind", [LateCaptureAccepted, PaymentContradictionResolved, DisputeOpened, SettlementCreated])
def test_what_ends_something_or_has_a_floor_or_may_go_either_way_has_no_lane(kind: type[Event]) -> None:
    for chart in CHARTS:
        assert lane_of(chart, BY_CLASS[kind], codec.template) is None


def test_another_chart_is_another_lane() -> None:
    """A kind of account with a floor, where it had none, takes the lane away; other entries are told by the new one."""
    chart = load_chart("psp_liability")
    floored = {**chart.kinds, "merchant.settlement": replace(chart.kinds["merchant.settlement"], floor_minor=0)}
    assert lane_of(Chart("floored", floored, chart.types), BY_CLASS[PaymentSuccess], codec.template) is None
    free = replace(chart.types["PaymentSuccess"], rules=chart.types["PaymentSuccess"].rules[:2])
    other = Chart("free", chart.kinds, {**chart.types, "PaymentSuccess": free})
    [found] = plainly(lane(other, PaymentSuccess), capture(3))
    decoded, _ = compiler.decoder(FILES[TransactionCreated.RECORD].schema)(bodies(found)[0], 0)
    assert [(entry["account_kind"], entry["amount_minor"]) for entry in decoded["entries"]] == [
        (rule.kind.name, 10_000) for rule in free.rules
    ]
    assert decoded["chart_name"] == "free"
