"""Events become the entries that an accountant would write, in both charts."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import CurrencyUnknown, DomainError, FieldInvalid
from paykit.events.event import Event
from paykit.money import AMOUNT_MINOR_MAX
from paystream.accounting.v1.events import Direction, Side
from paystream.channel.v1.events import ChannelStatementClosed
from paystream.payment.v1.events import (
    DisputeDecision,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
    PaymentSuccess,
    RefundReason,
)
from paystream.reconciliation.v1.events import CorrectionApproved
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting import store
from services.accounting.domain import booking, chart
from services.accounting.domain import transaction as domain
from services.accounting.domain.booked_event import BOOKED_EVENTS, BY_CLASS, AmountsDisagree
from services.accounting.domain.booking import book
from services.accounting.domain.transaction import InsufficientFunds, Transaction
from tests.unit.accounting.bookings import BOOKINGS, Effects
from tests.unit.accounting.ledger import (
    ALICE,
    NOON,
    capture,
    capture_id,
    consumption,
    dispute,
    dispute_id,
    late,
    overturned,
    payment_id,
    recovery,
    refund,
    refund_id,
    refund_returned,
    release,
    resolved,
    reversed_,
    settlement,
    settlement_id,
    statement,
    withdrawal,
    withdrawal_id,
)

LATER = NOON + timedelta(seconds=2)
ASSET = store.load_chart("merchant_asset")
LIABILITY = store.load_chart("psp_liability")
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
    assert lines(book(ASSET, event, LATER)) == [
        ("merchant.settlement", DEBIT, +1, 10_000),
        ("platform.income", CREDIT, +1, 10_000),
        ("merchant.settlement", CREDIT, -1, 320),
        ("platform.fees", DEBIT, +1, 320),
    ]
    assert lines(book(LIABILITY, event, LATER)) == [
        ("channel.receivable", DEBIT, +1, 10_000),
        ("merchant.settlement", CREDIT, +1, 10_000),
        ("merchant.settlement", DEBIT, -1, 320),
        ("platform.fees", CREDIT, +1, 320),
    ]


def test_a_capture_of_500_yen_without_a_fee_books_two_entries() -> None:
    event = capture(amount_minor=500, fee_minor=0, currency_code="JPY")
    assert lines(book(ASSET, event, LATER)) == [
        ("merchant.settlement", DEBIT, +1, 500),
        ("platform.income", CREDIT, +1, 500),
    ]


def test_a_refund_of_1_234_dinar_with_0_025_of_the_fee_returned() -> None:
    event = refund(amount_minor=1_234, fee_returned_minor=25, currency_code="BHD")
    assert lines(book(ASSET, event, LATER)) == [
        ("platform.income", DEBIT, -1, 1_234),
        ("merchant.settlement", CREDIT, -1, 1_234),
        ("merchant.settlement", DEBIT, +1, 25),
        ("platform.fees", CREDIT, -1, 25),
    ]
    assert lines(book(LIABILITY, event, LATER)) == [
        ("merchant.settlement", DEBIT, -1, 1_234),
        ("channel.receivable", CREDIT, -1, 1_234),
        ("platform.fees", DEBIT, -1, 25),
        ("merchant.settlement", CREDIT, +1, 25),
    ]


def test_the_entries_are_on_accounts_of_the_currency_owned_by_the_merchant_where_the_kind_is() -> None:
    transaction = booked(book(ASSET, capture(currency_code="BHD"), LATER))
    assert {entry.currency_code for entry in transaction.entries} == {"BHD"}
    assert [entry.merchant_id for entry in transaction.entries] == [ALICE, None, ALICE, None]


def test_a_capture_says_what_moved_and_when() -> None:
    transaction = booked(book(ASSET, capture(7), LATER))
    assert transaction.transaction_id == domain.transaction_id("PaymentSuccess", capture_id(7))
    assert (transaction.transaction_type, transaction.related_no) == ("PaymentSuccess", capture_id(7))
    assert transaction.root_reference == payment_id(7)
    assert (transaction.direction, transaction.amount_minor) == (Direction.CREDIT, 10_000)
    assert (transaction.effective_at, transaction.create_time) == (NOON, LATER)


def test_a_refund_is_outbound_and_named_by_its_refund_id() -> None:
    transaction = booked(book(ASSET, refund(7), LATER))
    assert (transaction.transaction_type, transaction.related_no) == ("RefundSuccess", refund_id(7))
    assert (transaction.direction, transaction.amount_minor) == (Direction.DEBIT, 4_000)


def test_the_largest_amount_is_booked_exactly() -> None:
    event = capture(amount_minor=9_007_199_254_740_991, fee_minor=9_007_199_254_740_991)
    assert {entry.amount_minor for entry in booked(book(ASSET, event, LATER)).entries} == {2**53 - 1}


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
def test_an_impossible_capture_is_refused_naming_the_field(
    changes: Any, refusal: type[DomainError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        book(ASSET, capture(**changes), LATER)
    assert getattr(refused.value, "field", None) == field


def test_a_refund_that_returns_more_fee_than_it_pays_out_is_refused() -> None:
    with pytest.raises(FieldInvalid) as refused:
        book(ASSET, refund(amount_minor=100, fee_returned_minor=101), LATER)
    assert refused.value.field == "fee_returned_minor"


@given(amount=st.integers(1, AMOUNT_MINOR_MAX), data=st.data(), name=st.sampled_from(store.chart_names()))
def test_debits_equal_credits_for_all_amounts(amount: int, data: st.DataObject, name: str) -> None:
    fee = data.draw(st.integers(0, amount))
    made = book(store.load_chart(name), capture(amount_minor=amount, fee_minor=fee), LATER)
    entries = booked(made).entries
    debits = sum(entry.amount_minor for entry in entries if entry.side is DEBIT)
    credits_ = sum(entry.amount_minor for entry in entries if entry.side is CREDIT)
    assert debits == credits_ == amount + fee


def named(event: object) -> str | None:
    return type(event).__name__ if type(event) in BY_CLASS else None


def effects(transaction: object) -> Effects:
    return [(entry.account_kind, entry.effect, entry.amount_minor) for entry in booked(transaction).entries]


@pytest.mark.parametrize(
    ("event", "in_assets", "in_debts"), [booking[1:] for booking in BOOKINGS], ids=[name for name, *_ in BOOKINGS]
)
def test_what_an_event_books_in_each_chart(event: Event, in_assets: Effects, in_debts: Effects) -> None:
    assert effects(book(ASSET, event, LATER)) == in_assets
    assert effects(book(LIABILITY, event, LATER)) == in_debts


def test_every_event_is_among_the_bookings() -> None:
    elsewhere = {PaymentSuccess, ChannelStatementClosed, CorrectionApproved}
    assert {type(event) for _, event, *_ in BOOKINGS} == BY_CLASS.keys() - elsewhere


def test_a_statement_of_a_capture_of_100_00_with_a_fee_of_1_50_and_a_payout_of_96_80() -> None:
    # The acquirer pays 98.50 into the bank; the payout is booked by its own event, and leaves 1.70 there.
    event = statement(captured_minor=10_000, channel_fee_minor=150, paid_minor=9_680, net_minor=170)
    assert book(ASSET, event, LATER) is None
    transaction = booked(book(LIABILITY, event, LATER))
    assert effects(transaction) == [
        ("platform.bank", +1, 9_850),
        ("channel.receivable", -1, 9_850),
        ("channel.fees", +1, 150),
        ("channel.receivable", -1, 150),
    ]
    assert (transaction.merchant_id, transaction.direction, transaction.amount_minor) == (None, None, 10_000)
    assert transaction.related_no == transaction.root_reference == event.statement_id


def test_a_statement_of_all_that_can_be_and_of_more_refunds_than_captures() -> None:
    event = statement(
        captured_minor=1_000,
        reversed_minor=100,
        refunded_minor=2_000,
        refund_returned_minor=50,
        disputed_minor=300,
        channel_fee_minor=-7,
    )
    # 1,000 - 100 - 2,000 + 50 - 300 + 7 = -1,343 leave the bank; 7 of the fees come back.
    assert effects(book(LIABILITY, event, LATER)) == [
        ("platform.bank", -1, 1_343),
        ("channel.receivable", +1, 1_343),
        ("channel.fees", -1, 7),
        ("channel.receivable", +1, 7),
    ]


def test_a_statement_of_payouts_alone_moves_nothing() -> None:
    assert book(LIABILITY, statement(paid_minor=9_680, returned_minor=5, net_minor=-9_675), LATER) is None


@pytest.mark.parametrize(
    ("event", "related_no", "root_reference", "direction", "amount_minor"),
    [
        (dispute(DisputeOpened, 7), dispute_id(7), payment_id(7), None, 2_500),
        (dispute(DisputeWon, 7), dispute_id(7), payment_id(7), None, 2_500),
        (dispute(DisputeLost, 7), dispute_id(7), payment_id(7), Direction.DEBIT, 2_500),
        (settlement(7, net=9_000, reserve=1_000), settlement_id(7), settlement_id(7), None, 10_000),
        (release(7), settlement_id(7), settlement_id(7), None, 1_000),
        (release(7, release_id="rsr_7"), "rsr_7", settlement_id(7), None, 1_000),
        (consumption(7), f"rsc_{7:032x}", settlement_id(7), None, 1_000),
        (recovery(7, settlement=1, receivable=2), f"rec_{7:032x}", f"rec_{7:032x}", None, 3),
        (late(LateCaptureReceived, 7), capture_id(7), payment_id(7), None, 1_234),
        (late(LateCaptureAccepted, 7), capture_id(7), payment_id(7), None, 1_234),
        (reversed_(7), capture_id(7), payment_id(7), Direction.DEBIT, 10_000),
        (refund_returned(7), refund_id(7), payment_id(7), Direction.CREDIT, 4_000),
        (resolved(7, charged_minor=1), f"ctr_{7:032x}", payment_id(7), Direction.DEBIT, 4_000),
        (resolved(7, written_off_minor=1), f"ctr_{7:032x}", payment_id(7), None, 4_000),
        (overturned(DisputeDecision.WON, 7), f"ovt_{7:032x}", payment_id(7), Direction.CREDIT, 2_500),
        (overturned(DisputeDecision.LOST, 7), f"ovt_{7:032x}", payment_id(7), Direction.DEBIT, 2_500),
        (withdrawal(WithdrawalCancelled, 7), withdrawal_id(7), withdrawal_id(7), None, 6_000),
        (withdrawal(WithdrawalPaidLate, 7), withdrawal_id(7), withdrawal_id(7), Direction.DEBIT, 6_000),
        (withdrawal(WithdrawalBounced, 7), withdrawal_id(7), withdrawal_id(7), Direction.CREDIT, 6_000),
        (withdrawal(WithdrawalCreated, 7), withdrawal_id(7), withdrawal_id(7), None, 6_000),
        (withdrawal(WithdrawalRejected, 7), withdrawal_id(7), withdrawal_id(7), None, 6_000),
        (withdrawal(WithdrawalFailed, 7), withdrawal_id(7), withdrawal_id(7), None, 6_000),
        (withdrawal(WithdrawalCompleted, 7), withdrawal_id(7), withdrawal_id(7), Direction.DEBIT, 6_000),
        (withdrawal(WithdrawalReturned, 7), withdrawal_id(7), withdrawal_id(7), Direction.CREDIT, 6_000),
    ],
    ids=named,
)
def test_what_a_transaction_says_of_its_event(
    event: Event, related_no: str, root_reference: str, direction: Direction | None, amount_minor: int
) -> None:
    made = booked(book(ASSET, event, LATER))
    assert made.transaction_id == domain.transaction_id(type(event).__name__, related_no)
    assert (made.transaction_type, made.related_no) == (type(event).__name__, related_no)
    assert (made.root_reference, made.merchant_id) == (root_reference, ALICE)
    assert (made.direction, made.amount_minor) == (direction, amount_minor)
    assert (made.effective_at, made.create_time) == (NOON, LATER)
    assert getattr(event, event.KEY) == root_reference


def test_a_settlement_without_reserve_books_two_entries_and_one_of_reserve_alone_two_others() -> None:
    assert lines(book(ASSET, settlement(net=500, reserve=0), LATER)) == [
        ("merchant.settlement", CREDIT, -1, 500),
        ("merchant.available", DEBIT, +1, 500),
    ]
    assert lines(book(ASSET, settlement(net=0, reserve=500), LATER)) == [
        ("merchant.settlement", CREDIT, -1, 500),
        ("merchant.reserve", DEBIT, +1, 500),
    ]


def test_a_settlement_whose_amounts_do_not_add_up_is_refused_by_a_rule_of_business() -> None:
    with pytest.raises(AmountsDisagree) as components:
        book(ASSET, settlement(net=900, reserve=100, fees_minor=-321), LATER)
    assert components.value.metadata == {"total_minor": "1000", "sum_minor": "999"}
    with pytest.raises(AmountsDisagree) as parts:
        book(ASSET, settlement(net=900, reserve=100, net_minor=899), LATER)
    assert parts.value.metadata == {"total_minor": "1000", "sum_minor": "999"}


def test_a_recovery_or_new_decision_whose_parts_do_not_add_up_is_refused_likewise() -> None:
    with pytest.raises(AmountsDisagree):
        book(ASSET, recovery(settlement=5, receivable=3, amount_minor=9), LATER)
    with pytest.raises(AmountsDisagree):
        book(ASSET, overturned(DisputeDecision.WON, settlement_minor=2_499), LATER)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (settlement(net=-1, reserve=2), "net_minor"),
        (settlement(net=2, reserve=-1), "net_minor"),
        (settlement(net=0, reserve=0), "total_minor"),
        (settlement(net=2**53 - 1, reserve=1), "total_minor"),
        (withdrawal(WithdrawalCreated, amount_minor=0), "amount_minor"),
        (dispute(DisputeOpened, merchant_id=None), "merchant_id"),
        (dispute(DisputeOpened, excess_minor=2_501), "excess_minor"),
        (dispute(DisputeOpened, fee_minor=2**53), "fee_minor"),
        (dispute(DisputeLost, returned_minor=1_500, excess_lost_minor=1_001), "lost"),
        (refund(suspense_minor=4_001), "suspense_minor"),
        (refund_returned(fee_minor=4_001), "fee_minor"),
        (withdrawal(WithdrawalReturned, bank_fee_minor=6_001), "returned"),
        (recovery(settlement=-1, receivable=3), "settlement_minor"),
    ],
)
def test_what_no_correct_service_sends_is_refused_naming_the_field(event: Event, field: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        book(ASSET, event, LATER)
    assert refused.value.field == field


def test_what_moves_nothing_books_nothing() -> None:
    assert book(ASSET, withdrawal(WithdrawalFailed, funds_held=False, reason="INSUFFICIENT_FUNDS"), LATER) is None
    assert book(ASSET, withdrawal(WithdrawalCancelled, funds_held=False), LATER) is None
    assert book(ASSET, refund(reason=RefundReason.CONTRADICTION), LATER) is None
    assert book(ASSET, resolved(), LATER) is None
    assert book(ASSET, dispute(DisputeOpened, excess_minor=2_500), LATER) is None
    assert book(ASSET, withdrawal(WithdrawalReturned, bank_fee_minor=6_000), LATER) is None


@pytest.mark.parametrize("name", store.chart_names())
def test_every_event_of_a_chart_has_a_rule_that_finds_its_amounts(name: str) -> None:
    types = store.load_chart(name).types.values()
    by_chart = [booked for booked in BOOKED_EVENTS if booked.accounts is None]
    rules = {booked.transaction_type: frozenset(booked.amounts) for booked in by_chart}
    assert rules == chart.EVENT_AMOUNTS
    assert rules == {each.name: {rule.amount for rule in each.rules} | each.ignores for each in types}


def test_a_refusal_is_told_with_its_reason() -> None:
    event = booking.rejected(withdrawal(WithdrawalCreated, 7), InsufficientFunds("no"))
    assert (event.transaction_type, event.related_no, event.reason) == (
        "WithdrawalCreated",
        withdrawal_id(7),
        "INSUFFICIENT_FUNDS",
    )
    assert (event.root_reference, event.merchant_id, event.occurred_at) == (withdrawal_id(7), ALICE, NOON)
