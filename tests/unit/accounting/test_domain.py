"""Captures and refunds become the entries that an accountant would write, in both charts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import CurrencyUnknown, FieldInvalid, InvariantError
from paykit.money import AMOUNT_MINOR_MAX
from paystream.accounting.v1 import events
from paystream.accounting.v1.events import Direction, Side
from services.accounting import charts, domain
from services.accounting.domain import InsufficientFunds, Transaction
from tests.unit.accounting.ledger import ALICE, NOON, capture, capture_id, payment_id, refund, refund_id

LATER = NOON + timedelta(seconds=2)
ASSET = charts.load("merchant_asset")
LIABILITY = charts.load("psp_liability")
DEBIT, CREDIT = Side.DEBIT, Side.CREDIT

Line = tuple[str, Side, int, int]
"""account kind, side, effect, amount."""


def lines(transaction: object) -> list[Line]:
    assert isinstance(transaction, Transaction)
    return [(each.account_kind, each.side, each.effect, each.amount_minor) for each in transaction.entries]


def booked(transaction: object) -> Transaction:
    assert isinstance(transaction, Transaction)
    return transaction


def test_a_capture_of_100_dollars_with_a_fee_of_3_20() -> None:
    event = capture(amount_minor=10_000, fee_minor=320)
    assert lines(domain.book_capture(ASSET, event, LATER)) == [
        ("merchant.settlement", DEBIT, +1, 10_000),
        ("platform.income", CREDIT, +1, 10_000),
        ("merchant.settlement", CREDIT, -1, 320),
        ("platform.fees", DEBIT, +1, 320),
    ]
    assert lines(domain.book_capture(LIABILITY, event, LATER)) == [
        ("channel.receivable", DEBIT, +1, 10_000),
        ("merchant.settlement", CREDIT, +1, 10_000),
        ("merchant.settlement", DEBIT, -1, 320),
        ("platform.fees", CREDIT, +1, 320),
    ]


def test_a_capture_of_500_yen_without_a_fee_books_two_entries() -> None:
    event = capture(amount_minor=500, fee_minor=0, currency_code="JPY")
    assert lines(domain.book_capture(ASSET, event, LATER)) == [
        ("merchant.settlement", DEBIT, +1, 500),
        ("platform.income", CREDIT, +1, 500),
    ]


def test_a_refund_of_1_234_dinar_with_0_025_of_the_fee_returned() -> None:
    event = refund(amount_minor=1_234, fee_returned_minor=25, currency_code="BHD")
    assert lines(domain.book_refund(ASSET, event, LATER)) == [
        ("platform.income", DEBIT, -1, 1_234),
        ("merchant.settlement", CREDIT, -1, 1_234),
        ("merchant.settlement", DEBIT, +1, 25),
        ("platform.fees", CREDIT, -1, 25),
    ]
    assert lines(domain.book_refund(LIABILITY, event, LATER)) == [
        ("merchant.settlement", DEBIT, -1, 1_234),
        ("channel.receivable", CREDIT, -1, 1_234),
        ("platform.fees", DEBIT, -1, 25),
        ("merchant.settlement", CREDIT, +1, 25),
    ]


def test_the_entries_are_on_accounts_of_the_currency_owned_by_the_merchant_where_the_kind_is() -> None:
    transaction = booked(domain.book_capture(ASSET, capture(currency_code="BHD"), LATER))
    assert {entry.currency_code for entry in transaction.entries} == {"BHD"}
    assert [entry.merchant_id for entry in transaction.entries] == [ALICE, None, ALICE, None]


def test_a_capture_says_what_moved_and_when() -> None:
    transaction = booked(domain.book_capture(ASSET, capture(7), LATER))
    assert transaction.transaction_id == domain.transaction_id("PaymentSuccess", capture_id(7))
    assert (transaction.transaction_type, transaction.related_no) == ("PaymentSuccess", capture_id(7))
    assert transaction.root_reference == payment_id(7)
    assert (transaction.direction, transaction.amount_minor) == (Direction.CREDIT, 10_000)
    assert (transaction.effective_at, transaction.create_time) == (NOON, LATER)


def test_a_refund_is_outbound_and_named_by_its_refund_id() -> None:
    transaction = booked(domain.book_refund(ASSET, refund(7), LATER))
    assert (transaction.transaction_type, transaction.related_no) == ("RefundSuccess", refund_id(7))
    assert (transaction.direction, transaction.amount_minor) == (Direction.DEBIT, 4_000)


def test_the_largest_amount_is_booked_exactly() -> None:
    event = capture(amount_minor=9_007_199_254_740_991, fee_minor=9_007_199_254_740_991)
    assert {entry.amount_minor for entry in booked(domain.book_capture(ASSET, event, LATER)).entries} == {2**53 - 1}


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"amount_minor": 0}, FieldInvalid, "amount_minor"),
        ({"amount_minor": -1}, FieldInvalid, "amount_minor"),
        ({"amount_minor": 2**53}, FieldInvalid, "amount_minor"),
        ({"fee_minor": -1}, FieldInvalid, "fee_minor"),
        ({"fee_minor": 10_001}, FieldInvalid, "fee_minor"),
        ({"merchant_id": None}, FieldInvalid, "merchant_id"),
        ({"currency_code": "XXX"}, CurrencyUnknown, "currency_code"),
        ({"currency_code": "usd"}, CurrencyUnknown, "currency_code"),
    ],
)
def test_an_impossible_capture_is_refused_naming_the_field(changes: Any, refusal: type, field: str) -> None:
    result = domain.book_capture(ASSET, capture(**changes), LATER)
    assert isinstance(result, refusal)
    assert getattr(result, "field", None) == field


def test_a_refund_that_returns_more_fee_than_it_pays_out_is_refused() -> None:
    result = domain.book_refund(ASSET, refund(amount_minor=100, fee_returned_minor=101), LATER)
    assert isinstance(result, FieldInvalid)
    assert result.field == "fee_returned_minor"


@given(amount=st.integers(1, AMOUNT_MINOR_MAX), data=st.data(), name=st.sampled_from(charts.names()))
def test_debits_equal_credits_for_all_amounts(amount: int, data: st.DataObject, name: str) -> None:
    fee = data.draw(st.integers(0, amount))
    made = domain.book_capture(charts.load(name), capture(amount_minor=amount, fee_minor=fee), LATER)
    entries = booked(made).entries
    debits = sum(entry.amount_minor for entry in entries if entry.side is DEBIT)
    credits_ = sum(entry.amount_minor for entry in entries if entry.side is CREDIT)
    assert debits == credits_ == amount + fee


def test_the_same_capture_later_is_a_replay() -> None:
    first = booked(domain.book_capture(ASSET, capture(), NOON))
    assert domain.is_replay(first, booked(domain.book_capture(ASSET, capture(), LATER)), dated=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 9_999},
        {"fee_minor": 321},
        {"currency_code": "EUR"},
        {"payment_id": "pay_" + "f" * 32},
        {"merchant_id": "mer_" + "f" * 32},
        {"occurred_at": LATER},
    ],
)
def test_the_same_capture_id_with_other_content_is_no_replay(changes: Any) -> None:
    first = booked(domain.book_capture(ASSET, capture(), LATER))
    other = booked(domain.book_capture(ASSET, capture(**changes), LATER))
    assert other.transaction_id == first.transaction_id
    assert not domain.is_replay(first, other, dated=True)


def drawn(amount: int) -> Transaction:
    """Take an amount out of Alice's available funds, back into settlement."""
    kinds = ASSET.kinds
    capture_ = booked(domain.book_capture(ASSET, capture(), LATER))
    legs = (
        domain.make_entry(kinds["merchant.available"], ALICE, "USD", CREDIT, amount),
        domain.make_entry(kinds["merchant.settlement"], ALICE, "USD", DEBIT, amount),
    )
    return replace(capture_, entries=legs)


def test_funds_can_be_spent_to_the_last_unit_and_no_further() -> None:
    available = drawn(1).entries[0].account_id
    assert domain.spend(ASSET, drawn(500), {available: 500}) == {available: 0}
    refusal = domain.spend(ASSET, drawn(501), {available: 500})
    assert isinstance(refusal, InsufficientFunds)
    assert refusal.metadata == {
        "account_id": available,
        "account_kind": "merchant.available",
        "available_minor": "500",
        "requested_minor": "501",
    }


def test_an_account_never_booked_on_has_nothing_to_spend() -> None:
    assert isinstance(domain.spend(ASSET, drawn(1), {}), InsufficientFunds)


def test_accounts_without_a_floor_are_not_looked_at() -> None:
    assert domain.spend(ASSET, booked(domain.book_refund(ASSET, refund(), LATER)), {}) == {}


def test_the_event_tells_the_whole_transaction() -> None:
    transaction = booked(domain.book_capture(ASSET, capture(), LATER))
    event = domain.created_event(transaction)
    assert isinstance(event, events.TransactionCreated)
    assert event.entries == transaction.entries
    assert (event.root_reference, event.effective_at, event.occurred_at) == (payment_id(1), NOON, NOON)
    assert (event.merchant_id, event.direction, event.aggregate_version) == (ALICE, Direction.CREDIT, 1)


def test_a_refusal_is_told_with_its_reason() -> None:
    transaction = booked(domain.book_refund(ASSET, refund(), LATER))
    event = domain.rejected_event(transaction, InsufficientFunds("no"))
    assert (event.transaction_type, event.related_no, event.reason) == (
        "RefundSuccess",
        refund_id(1),
        "INSUFFICIENT_FUNDS",
    )


def test_an_account_opened_for_a_transaction_is_described_by_its_entry() -> None:
    transaction = booked(domain.book_capture(ASSET, capture(), LATER))
    account = domain.opened(ASSET, transaction, transaction.entries[0].account_id, now=LATER)
    event = domain.opened_event(account)
    assert (event.account_kind, event.merchant_id, event.normal_side) == ("merchant.settlement", ALICE, DEBIT)
    with pytest.raises(InvariantError):
        domain.opened(ASSET, transaction, "acc_unknown", now=LATER)
