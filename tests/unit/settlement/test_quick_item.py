"""The fast lane of transactions against the way of whole events, for anything that their schema allows."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import classes as catalogue
from paykit.events import compiler
from paykit.events.avro_binary import encode_long
from paykit.events.shape_reading import ShapeReader
from paystream.accounting.v1.events import Entry, TransactionCreated
from services.settlement.domain.balance import changes_of
from services.settlement.domain.fund_transfer import KINDS as TRANSFERS
from services.settlement.domain.item import BOOKING, FEES, items_of
from services.settlement.domain.item_form import NarrowItem
from services.settlement.domain.quick_item import CUT_AT_ONCE_MAX, ShapedTransaction, cut, specialize
from tests.unit.contracts.test_compiler import values
from tests.unit.settlement.builders import ALICE, BOB, NOON, booked, booking, capture, entry, refund, release, stl

SCHEMA = catalogue.own_files()[TransactionCreated.RECORD].schema
ENCODE = compiler.encoder(SCHEMA)

# What decides between the two ways, often enough; everything else is whatever the schema allows.
TYPES = st.sampled_from(
    [
        *("PaymentSuccess", "PaymentReversed", "RefundSuccess", "RefundReturned", "DisputeOpened", "DisputeLost"),
        *(BOOKING, "ReserveReleased", "BalanceRecovered", "Reversal"),
    ]
)
ACCOUNTS = st.sampled_from(
    ["merchant.settlement"] * 3 + ["platform.fees"] * 2 + ["platform.income", "merchant.available", "merchant.disputed"]
)
OWNERS = st.sampled_from([ALICE, ALICE, ALICE, BOB, "", None])
ENTRIES = st.lists(
    values(SCHEMA["fields"][17]["type"]["items"], {}).flatmap(
        lambda entry: st.fixed_dictionaries(
            {
                **{name: st.just(value) for name, value in entry.items()},
                "account_kind": ACCOUNTS,
                "merchant_id": OWNERS,
                "effect": st.sampled_from([1, -1]),
                "amount_minor": st.sampled_from([0, 1, 30, 64, 8_192, 2**53 - 1]),
            }
        )
    ),
    max_size=5,
)


def reader(example: TransactionCreated) -> ShapeReader[TransactionCreated, ShapedTransaction]:
    """Return one that has learned from an example alone."""
    learned: ShapeReader[TransactionCreated, ShapedTransaction] = ShapeReader(SCHEMA, specialize, prefix_bytes=0)
    learned.learn(ENCODE(example, {}), example)
    return learned


def shaped(event: TransactionCreated, example: TransactionCreated | None = None) -> ShapedTransaction | None:
    return reader(example or event).read(ENCODE(event, {}))


def quick(event: TransactionCreated, example: TransactionCreated | None = None) -> NarrowItem | None:
    """Return the item that is cut out of an event; None where it is to be decoded as a whole."""
    taken = shaped(event, example)
    if taken is None:
        return None
    assert (taken.recorded_at, taken.TOPIC) == (event.recorded_at, event.TOPIC)
    return cut(taken.shape, [taken.data])[0]


DIGITS = st.text("0123456789abcdef", min_size=32, max_size=32)
IDS = st.one_of(st.text(max_size=40), st.builds(str.__add__, st.sampled_from(["txn_", "cap_", "pay_", "dsp_"]), DIGITS))
FORMED = st.fixed_dictionaries(
    {
        "transaction_id": st.builds("txn_{}".format, DIGITS),
        "transaction_type": st.sampled_from(["PaymentSuccess", "RefundSuccess", "DisputeLost"]),
        "related_no": st.builds(str.__add__, st.sampled_from(["cap_", "ref_", "dsp_"]), DIGITS),
        "root_reference": st.builds("pay_{}".format, DIGITS),
    }
)
UNUSUAL = st.fixed_dictionaries(
    {"transaction_id": IDS, "transaction_type": TYPES, "related_no": IDS, "root_reference": IDS}
)


@settings(max_examples=300, deadline=None)
@given(record=values(SCHEMA, {}), names=st.one_of(FORMED, FORMED, UNUSUAL), entries=ENTRIES)
def test_what_the_fast_lane_takes_is_the_item_of_the_whole_event_and_all_there_is_to_it(
    record: dict[str, Any], names: dict[str, str], entries: list[dict[str, Any]]
) -> None:
    event = TransactionCreated.from_record({**record, **names, "entries": entries})
    taken = quick(event)
    if taken is not None:
        assert [taken.whole] == items_of(event)
        assert changes_of(event) == []
        assert event.transaction_type not in {BOOKING, *TRANSFERS}


def sizes(event: TransactionCreated) -> list[int]:
    """Return how many bytes each amount takes."""
    return [len(encode_long(minor)) for minor in (event.amount_minor, *(each.amount_minor for each in event.entries))]


AMOUNTS = st.integers(1, 2**53 - 1)


@settings(max_examples=200, deadline=None)
@given(
    example=st.builds(capture, st.integers(1, 9), AMOUNTS, st.integers(0, 9_000)),
    event=st.builds(
        capture, st.integers(1, 9), AMOUNTS, st.integers(0, 9_000), merchant_id=st.sampled_from([ALICE, BOB])
    ),
)
def test_what_is_like_another_transaction_makes_its_own_item(
    example: TransactionCreated, event: TransactionCreated
) -> None:
    """Amounts that take as many bytes as those of the example are at the same places."""
    taken = quick(event, example)
    if taken is None:
        assert sizes(event) != sizes(example)
    else:
        assert [taken.whole] == items_of(event)


DAMAGES: tuple[dict[str, Any], ...] = (
    {},
    {"root_reference": "pay_" + "A" * 32},
    {"transaction_id": "txn_" + "g" * 32},
    {"entries": tuple(dataclasses.replace(each, amount_minor=0) for each in capture(1, 40, 30).entries)},
)
"""What leaves a transaction of the same shape, and must be read as a whole: not of the usual form, or of no effect."""


@settings(max_examples=60, deadline=None)
@given(
    damages=st.lists(st.sampled_from(range(len(DAMAGES))), min_size=1, max_size=40),
    copies=st.sampled_from([1, CUT_AT_ONCE_MAX // 3]),
)
def test_of_transactions_that_are_cut_together_each_is_its_own_item(damages: list[int], copies: int) -> None:
    events = [
        dataclasses.replace(capture(number, 31 + number % 30, 30), **DAMAGES[damage])
        for number, damage in enumerate(damages * copies, start=1)
    ]
    read = reader(capture(1, 40, 30)).read
    taken = [read(ENCODE(event, {})) for event in events]
    shapes = {each.shape for each in taken if each is not None}
    items = cut(next(iter(shapes)), [each.data for each in taken if each is not None])
    assert (len(shapes), len(items)) == (1, len(events))
    for event, item, damage in zip(events, items, damages * copies, strict=True):
        assert (item is None) == bool(damage)
        assert item is None or [item.whole] == items_of(event)


@pytest.mark.parametrize(
    "other",
    [
        capture(2, 999, 30, merchant_id=BOB),
        dataclasses.replace(capture(2, 999, 30), currency_code="EUR", actor=None),
        dataclasses.replace(capture(2, 999, 30), effective_at=NOON + timedelta(days=365, microseconds=1)),
    ],
)
def test_events_of_other_merchants_currencies_and_times_are_of_one_shape(other: TransactionCreated) -> None:
    taken = quick(other, capture(1, 1_000, 32))
    assert taken is not None
    assert [taken.whole] == items_of(other)


def with_entries(*entries: Entry) -> TransactionCreated:
    return dataclasses.replace(capture(2, 1_000, 32), entries=entries)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(capture(2, 1_000, 32), transaction_type="PaymentSuccesS"),
        dataclasses.replace(capture(2, 1_000, 32), related_no="dsp_" + "1" * 32),
        dataclasses.replace(capture(2, 1_000, 32), root_reference="pay_" + "A" * 32),
        with_entries(*capture(2, 1_000, 32).entries[:2], entry("merchant.settlement", -32, BOB), entry(FEES, 32, None)),
        with_entries(*capture(2, 1_000, 32).entries[:2], entry("merchant.settlement", 32), entry(FEES, 32, None)),
        with_entries(*capture(2, 1_000, 32).entries[:3], entry("platform.feeS", 32, None)),
        with_entries(*capture(2, 1_000, 32).entries[:3]),
    ],
)
def test_what_is_not_like_the_example_is_left_to_be_decoded_as_a_whole(other: TransactionCreated) -> None:
    assert quick(other, capture(1, 1_000, 32)) is None


@pytest.mark.parametrize(
    "event",
    [
        capture(1),
        capture(1, 10_000, 320),
        capture(1, 500, 500),
        refund(1, 4_000, 128),
        booked(
            "DisputeOpened",
            "dsp_" + "1" * 32,
            [entry("merchant.settlement", -700), entry("merchant.disputed", 700)],
            root_reference="pay_" + "2" * 32,
        ),
    ],
)
def test_payments_refunds_and_disputes_take_the_fast_lane(event: TransactionCreated) -> None:
    taken = quick(event)
    assert taken is not None
    assert [taken.whole] == items_of(event)


@pytest.mark.parametrize(
    "event",
    [
        booking(stl(1), 1_000),
        release(stl(1), 50),
        booked("Goodwill", "ticket-1", [entry("merchant.settlement", 5), entry("platform.fees", -5, None)]),
        booked(
            "PaymentSuccess", "c-1", [entry("merchant.settlement", -9, ALICE), entry("merchant.settlement", 9, BOB)]
        ),
        booked("PaymentSuccess", "c-1", [entry("merchant.settlement", 9, None), entry("merchant.settlement", 9)]),
        booked("RefundSuccess", "r-1", [entry("merchant.settlement", -9), entry("merchant.available", -1)]),
        booked("DisputeLost", "d-1", [entry("merchant.disputed", -7), entry("platform.income", -7, None)]),
        booked("RefundSuccess", "r-1", [entry("merchant.settlement", -9), entry("merchant.settlement", 9)]),
    ],
)
def test_what_has_more_to_say_or_nothing_is_left_to_be_decoded_as_a_whole(event: TransactionCreated) -> None:
    assert quick(event) is None


def test_the_fields_are_those_that_an_item_is_made_of() -> None:
    """Each of another value makes another item."""
    event = capture(1, 10_000, 320)
    ids: dict[str, Any] = {
        "transaction_id": "txn_" + "a" * 32,
        "related_no": "cap_" + "b" * 32,
        "root_reference": "pay_" + "c" * 32,
    }
    taken = quick(dataclasses.replace(event, **ids, currency_code="JPY"))
    assert taken is not None
    assert taken.whole._asdict() == items_of(event)[0]._asdict() | ids | {"currency_code": "JPY"}


@pytest.mark.parametrize("field", ["transaction_id", "related_no", "root_reference"])
@pytest.mark.parametrize("other", ["ticket-1", "cap_" + "B" * 32, "stl_" + "1" * 32, "", "\u00e9" * 18])
def test_an_item_without_a_form_is_left_to_be_decoded_as_a_whole(field: str, other: str) -> None:
    changed: dict[str, Any] = {field: other}
    assert quick(dataclasses.replace(capture(1, 10_000, 320), **changed)) is None
