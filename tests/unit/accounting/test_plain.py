"""Plain bookings against the general path: the same rows, the same bytes, and nothing that it would refuse."""

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
from paykit.events.partial_decoding import partial_decoder
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
from services.accounting.domain import booked_event, booking
from services.accounting.domain.booked_event import BY_CLASS
from services.accounting.domain.chart import Chart
from services.accounting.domain.plain.booking import PlainBooking, PlainLane, lane_of
from services.accounting.domain.transaction import Transaction, created_event
from services.accounting.domain.transaction_key import month_of
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
from tests.unit.contracts.test_partial_decoding import outcome

CHARTS = [load_chart(name) for name in chart_names()]
NOW = NOON + timedelta(seconds=3)
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


ANY_EVENT = st.one_of(*map(events, PLAIN))


def lane(chart: Chart, kind: type[Event]) -> PlainLane:
    found = lane_of(chart, BY_CLASS[kind], codec.template)
    assert found is not None
    return found


LANES = {(chart.name, kind): lane(chart, kind) for chart in CHARTS for kind in PLAIN}


def generally(chart: Chart, event: Any) -> Transaction | str | None:
    """Return what the general path makes of an event, or how it refuses it."""
    try:
        return booking.book(chart, event, NOW)
    except DomainError as refusal:
        return repr(refusal)


def excerpt(event: Any) -> Any:
    """Return what the fast lane reads of an event's bytes; the event where it does not read it in part."""
    kind = BY_CLASS[type(event)].excerpt
    if kind is None:
        return event
    schema = FILES[event.RECORD].schema
    data = compiler.encoder(schema)(event, {})
    read, end = partial_decoder(schema, kind._fields)(data, 0)
    assert end == len(data)
    return kind.of(read)


def body_of(plain_booking: PlainBooking) -> bytes:
    return plain_booking.pattern.told(plain_booking, event_id="evt_1", recorded_at=encode_timestamp(NOW))


def told(event: Any, transaction: Transaction, chart: Chart) -> bytes:
    stamps = {
        "event_id": "evt_1",
        "recorded_at": NOW,
        "correlation_id": event.correlation_id,
        "causation_id": event.event_id,
        "actor": event.actor,
    }
    return ENCODE(created_event(transaction, chart_name=chart.name), stamps)


@settings(max_examples=400, deadline=None)
@given(chart=SHIPPED, event=ANY_EVENT)
def test_what_is_booked_plainly_is_what_the_general_path_books_and_tells(chart: Chart, event: Any) -> None:
    found = LANES[chart.name, type(event)].plain(event, NOW)
    transaction = generally(chart, event)
    if found is None:
        return
    assert isinstance(transaction, Transaction)
    assert (found.transaction_id, found.related_no, found.root_reference, found.amount_minor) == (
        transaction.transaction_id,
        transaction.related_no,
        transaction.root_reference,
        transaction.amount_minor,
    )
    assert body_of(found) == told(event, transaction, chart)


@settings(max_examples=300, deadline=None)
@given(chart=SHIPPED, event=ANY_EVENT)
def test_an_excerpt_is_booked_or_refused_as_its_event(chart: Chart, event: Any) -> None:
    part = excerpt(event)
    assert generally(chart, part) == generally(chart, event)
    assert booked_event.of(part) is booked_event.of(event)
    assert [part.recorded_at, part.TOPIC] == [event.recorded_at, event.TOPIC]
    lane = LANES[chart.name, type(event)]
    plain_part, plain_event = lane.plain(part, NOW), lane.plain(event, NOW)
    assert (plain_part is None) == (plain_event is None)
    if plain_part is not None and plain_event is not None:
        assert plain_part._replace(event=None) == plain_event._replace(event=None)
        assert body_of(plain_part) == body_of(plain_event)


@pytest.mark.parametrize("kind", [PaymentSuccess, RefundSuccess])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_refused_as_the_whole_event_is_but_for_texts_that_nobody_reads(
    kind: type[Event], data: st.DataObject
) -> None:
    excerpt_class = BY_CLASS[kind].excerpt
    assert excerpt_class is not None
    file = FILES[kind.RECORD]
    body = bytearray(goldens.load(file).body)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(body)
    whole = outcome(compiler.decoder(file.schema), damaged)
    part = outcome(partial_decoder(file.schema, excerpt_class._fields), damaged)
    if isinstance(whole, dict):
        make: Any = kind
        event = make.from_record(whole)
        assert excerpt_class.of(part) == tuple(getattr(event, name) for name in excerpt_class._fields)
    elif whole is not UnicodeDecodeError:
        assert part is whole


def batch(chart: Chart, drawn: Sequence[Any]) -> list[tuple[PlainBooking, Transaction]]:
    """Return what is plain of events, each pair and month once, as the store takes it: in the order of ids."""
    found: dict[str, tuple[PlainBooking, Transaction]] = {}
    for event in drawn:
        each, transaction = LANES[chart.name, type(event)].plain(event, NOW), generally(chart, event)
        if each is not None and isinstance(transaction, Transaction):
            found.setdefault(each.transaction_id, (each, transaction))
    months = [month_of(key) for key in found]
    return [found[key] for key in sorted(found) if month_of(key) == months[0]]


@settings(max_examples=150, deadline=None)
@given(chart=SHIPPED, drawn=st.lists(ANY_EVENT, min_size=1, max_size=8))
def test_the_rows_of_a_batch_are_those_of_the_general_path(chart: Chart, drawn: list[Any]) -> None:
    pairs = batch(chart, drawn)
    if not pairs:
        return
    bookings, transactions = [each for each, _ in pairs], [each for _, each in pairs]
    month = month_of(bookings[0].transaction_id)
    account_ids = sorted({entry.account_id for each in transactions for entry in each.entries})
    accounts = {account_id: number for number, account_id in enumerate(account_ids, 1)}
    places = journal.Places(accounts, [journal.JournalBatch(7, month, transactions)])
    rows = [dict(zip(journal.COLUMNS, row, strict=True)) for row in journal.rows_of(places)]
    first_position = 7 * journal.BATCH_ROWS_MAX
    quick = [
        dict.fromkeys(journal.COLUMNS) | dict(zip(plain.COLUMNS, row, strict=True))
        for row in plain.rows_of(bookings, month, first_position, accounts, NOW)
    ]
    assert quick == rows
    assert [*plain.legs_of(bookings, month, first_position, accounts)] == journal.legs_of(places)


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
    assert LANES[chart.name, type(event)].plain(event, NOW) is not None
    assert LANES[chart.name, type(event)].plain(excerpt(event), NOW) is not None


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
        assert LANES[chart.name, type(event)].plain(event, NOW) is None
        assert LANES[chart.name, type(event)].plain(excerpt(event), NOW) is None


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
    found = lane(other, PaymentSuccess).plain(capture(3), NOW)
    assert found is not None
    decoded, _ = compiler.decoder(FILES[TransactionCreated.RECORD].schema)(body_of(found), 0)
    assert [(entry["account_kind"], entry["amount_minor"]) for entry in decoded["entries"]] == [
        (rule.kind.name, 10_000) for rule in free.rules
    ]
    assert decoded["chart_name"] == "free"
