"""One id for each pair, which sorts by time and says what it is of."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.ids import named_id, new_id
from services.accounting.domain import transaction_key
from services.accounting.domain.booked_event import BOOKED_TYPES
from services.accounting.domain.transaction_key import TRANSACTION_TYPES, month_of, pair_of, transaction_id

# 2026-03-01T12:00:00.000Z is 1,772,366,400,000 ms, which is 0x019ca9450a00.
CAPTURE = "cap_019ca9450a0071238456789abcdef012"


@pytest.mark.parametrize(
    ("transaction_type", "related_no", "expected"),
    [
        # 0 is 0000 00: version 0, variant 00, beside which the two lowest bits of 8 stay.
        ("PaymentSuccess", CAPTURE, "txn_019ca9450a0001230456789abcdef012"),
        # 3 is 0000 11.
        ("LateCaptureAccepted", CAPTURE, "txn_019ca9450a000123c456789abcdef012"),
        # 21 is 0101 01, and of b = 10 11 the two lowest stay: 01 11 is 7.
        ("WithdrawalReturned", "wdr_019ca9450a007123b456789abcdef012", "txn_019ca9450a0051237456789abcdef012"),
        # 24 is 0110 00.
        ("Correction", "crp_019ca9450a0071239456789abcdef012", "txn_019ca9450a0061231456789abcdef012"),
    ],
)
def test_an_id_is_that_of_what_moved_the_money_with_the_type_in_its_fixed_bits(
    transaction_type: str, related_no: str, expected: str
) -> None:
    assert transaction_id(transaction_type, related_no) == expected
    assert pair_of(expected) == (transaction_type, related_no)
    assert month_of(expected) == 2026 * 12 + 2


@pytest.mark.parametrize(
    ("transaction_type", "related_no"),
    [
        ("Adjustment", CAPTURE),
        ("PaymentSuccess", "ref_019ca9450a0071238456789abcdef012"),
        ("PaymentSuccess", "cap_019ca9450a0041238456789abcdef012"),
        ("PaymentSuccess", "cap_019ca9450a007123c456789abcdef012"),
        ("PaymentSuccess", CAPTURE.upper()),
        ("PaymentSuccess", CAPTURE + "0"),
        ("PaymentSuccess", CAPTURE[:-1]),
        ("PaymentSuccess", "cap_00000000000071238456789abcdef012"),
        ("PaymentSuccess", "cap_ffffffffffff71238456789abcdef012"),
        ("PaymentSuccess", ""),
        ("Reversal", "txn_019ca9450a0001230456789abcdef012"),
        ("ReserveReleased", "stl_019ca9450a0071238456789abcdef012"),
    ],
)
def test_whatever_else_is_known_by_a_name(transaction_type: str, related_no: str) -> None:
    named = transaction_id(transaction_type, related_no)
    assert named == named_id("txn", transaction_type, related_no)
    assert (pair_of(named), month_of(named)) == (None, transaction_key.NAMED_MONTH)
    assert transaction_key.former_id(named) == named


@pytest.mark.parametrize(
    ("first", "month"),
    [(datetime(2000, 1, 1, tzinfo=UTC), 24_000), (datetime(2026, 11, 1, tzinfo=UTC), 24_322)],
)
def test_a_month_begins_with_its_first_millisecond(first: datetime, month: int) -> None:
    milliseconds = int(first.timestamp()) * 1_000
    within = f"cap_{milliseconds:012x}7000" + "8" + "0" * 15
    before = f"cap_{milliseconds - 1:012x}7fff" + "b" + "f" * 15
    assert month_of(transaction_id("PaymentSuccess", within)) == month
    earlier = month - 1 if month > 24_000 else transaction_key.NAMED_MONTH
    assert month_of(transaction_id("PaymentSuccess", before)) == earlier


UUID7 = st.builds(
    lambda at, a, variant, b: f"{at:012x}7{a:03x}{variant}{b:015x}",
    st.integers(946_684_800_000, 7_258_118_399_999),
    st.integers(0, 0xFFF),
    st.sampled_from("89ab"),
    st.integers(0, 16**15 - 1),
)


@given(st.sampled_from(TRANSACTION_TYPES), st.sampled_from(TRANSACTION_TYPES), UUID7, UUID7)
def test_two_pairs_never_have_one_id_and_ids_sort_by_time(
    one: transaction_key.TransactionType, other: transaction_key.TransactionType, first: str, second: str
) -> None:
    pairs = [
        (each.transaction_type, f"{each.related_prefix}_{digits}") for each, digits in ((one, first), (other, second))
    ]
    ids = [transaction_id(*pair) for pair in pairs]
    assert [pair_of(each) for each in ids] == pairs
    assert (ids[0] == ids[1]) == (pairs[0] == pairs[1])
    if first[:12] != second[:12]:
        assert (ids[0] < ids[1]) == (first < second)
    assert transaction_key.former_id(ids[0]) == named_id("txn", *pairs[0])


@given(st.text(max_size=40))
def test_no_text_that_is_no_id_says_anything(text: str) -> None:
    if not transaction_key.is_id(text):
        assert pair_of(text) is None


def test_numbers_are_distinct_none_is_that_of_a_name_and_all_that_events_book_has_one() -> None:
    numbers = [each.number for each in TRANSACTION_TYPES]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= set(range(64)) - {transaction_key.NAMED_NUMBER}
    assert transaction_key.number_of(named_id("txn", "Adjustment", "ticket-1")) == transaction_key.NAMED_NUMBER
    assert {each.transaction_type for each in TRANSACTION_TYPES} == BOOKED_TYPES - {"ChannelStatementClosed"}
    assert month_of(transaction_id("PaymentSuccess", new_id("cap"))) > 24_000


def test_months_follow_each_other_without_a_gap_and_hold_the_ids_of_their_transactions() -> None:
    ranges = transaction_key.month_ranges()
    # 2000-01-01T00:00:00Z is 946,684,800,000 ms, 0xdc6acfac00; a month is year * 12 + month - 1.
    assert ranges[0][:2] == (24_000, "00dc6acfac00" + "0" * 20)
    assert ranges[-1][0] == 2_199 * 12 + 11
    assert [behind for _, _, behind in ranges[:-1]] == [first for _, first, _ in ranges[1:]]
    for month, first, behind in ranges:
        last = f"{int(behind[:12], 16) - 1:012x}"
        for milliseconds in (first[:12], last):
            key = transaction_key.transaction_id("PaymentSuccess", f"cap_{milliseconds}7fff8{'f' * 15}")
            assert transaction_key.month_of(key) == month
            assert first <= key[4:] < behind
