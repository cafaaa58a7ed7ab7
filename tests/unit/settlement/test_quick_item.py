"""The fast lane of transactions against the way of whole events, for anything that their schema allows."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import classes as catalogue
from paykit.events import compiler
from paykit.events.partial_decoding import partial_decoder
from paystream.accounting.v1.events import TransactionCreated
from services.settlement.domain.balance import changes_of
from services.settlement.domain.fund_transfer import KINDS as TRANSFERS
from services.settlement.domain.item import BOOKING, items_of
from services.settlement.domain.quick_item import FIELDS, QuickItem, quick_item
from tests.unit.contracts.test_compiler import values
from tests.unit.settlement.builders import ALICE, BOB, NOON, booked, booking, capture, entry, refund, release, stl

SCHEMA = catalogue.own_files()[TransactionCreated.RECORD].schema
READ = partial_decoder(SCHEMA, FIELDS)
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


def quick(event: TransactionCreated) -> QuickItem | None:
    data = ENCODE(event, {})
    read, end = READ(data, 0)
    assert end == len(data)
    return quick_item(read)


@settings(max_examples=300, deadline=None)
@given(record=values(SCHEMA, {}), transaction_type=TYPES, entries=ENTRIES)
def test_what_the_fast_lane_takes_is_the_item_of_the_whole_event_and_all_there_is_to_it(
    record: dict[str, Any], transaction_type: str, entries: list[dict[str, Any]]
) -> None:
    event = TransactionCreated.from_record({**record, "transaction_type": transaction_type, "entries": entries})
    taken = quick(event)
    if taken is not None:
        assert (taken.recorded_at, [taken.item]) == (event.recorded_at, items_of(event))
        assert changes_of(event) == []
        assert transaction_type not in {BOOKING, *TRANSFERS}


@pytest.mark.parametrize(
    "event",
    [
        capture(1),
        capture(1, 10_000, 320),
        capture(1, 500, 500),
        refund(1, 4_000, 128),
        booked("DisputeOpened", "dsp_1", [entry("merchant.settlement", -700), entry("merchant.disputed", 700)]),
    ],
)
def test_payments_refunds_and_disputes_take_the_fast_lane(event: TransactionCreated) -> None:
    taken = quick(event)
    assert taken is not None
    assert [taken.item] == items_of(event)
    assert (taken.recorded_at, taken.TOPIC) == (NOON, "accounting.events")


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
    other = dataclasses.replace(event, transaction_id="t", related_no="r", root_reference="p", currency_code="JPY")
    taken = quick(other)
    assert taken is not None
    assert (taken.item.transaction_id, taken.item.related_no, taken.item.root_reference) == ("t", "r", "p")
    assert (taken.item.currency_code, taken.item.amount_minor, taken.item.fee_minor) == ("JPY", 10_000, -320)
