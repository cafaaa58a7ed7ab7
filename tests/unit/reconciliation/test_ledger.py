"""Which events the ledger books of what moves at channels: reconciliation holds the same of them as the ledger."""

from typing import Any

import pytest

from paystream.payment.v1 import events as payment
from paystream.withdrawal.v1 import events as withdrawals
from services.accounting import store
from services.accounting.domain.booked_event import BOOKED_EVENTS, BY_CLASS
from services.accounting.domain.booking import book
from services.reconciliation.domain import ledger
from services.reconciliation.domain.movement import FACTS, ChannelMovement
from tests.unit.accounting.ledger import (
    NOON,
    capture,
    dispute,
    late,
    overturned,
    refund,
    refund_returned,
    reversed_,
    withdrawal,
)

WON, LOST = payment.DisputeDecision.WON, payment.DisputeDecision.LOST
CHARTS = [store.load_chart(name) for name in ("merchant_asset", "psp_liability")]
AWAITED: list[Any] = [
    capture(),
    late(payment.LateCaptureReceived),
    reversed_(),
    refund(),
    refund(suspense_minor=4_000, reason=payment.RefundReason.CONTRADICTION),
    refund_returned(),
    dispute(payment.DisputeOpened),
    dispute(payment.DisputeOpened, excess_minor=2_500, fee_minor=1),
    dispute(payment.DisputeWon),
    dispute(payment.DisputeWon, excess_minor=2_500, fee_returned_minor=1),
    dispute(payment.DisputeLost, returned_minor=1),
    dispute(payment.DisputeLost, excess_lost_minor=1, excess_returned_minor=2_499),
    overturned(WON),
    overturned(LOST, settlement_minor=0, receivable_minor=2_500),
    withdrawal(withdrawals.WithdrawalCompleted),
    withdrawal(withdrawals.WithdrawalPaidLate),
    withdrawal(withdrawals.WithdrawalReturned),
    withdrawal(withdrawals.WithdrawalReturned, bank_fee_minor=5_999, returned_minor=1),
    withdrawal(withdrawals.WithdrawalBounced),
]
NOT_AWAITED: list[Any] = [
    # All of it is beyond what the payment had: one chart has no account for that.
    dispute(payment.DisputeOpened, excess_minor=2_500),
    dispute(payment.DisputeWon, excess_minor=2_500),
    dispute(payment.DisputeLost, excess_returned_minor=2_500),
    # What gave back a capture that was never booked, before version 2.
    refund(reason=payment.RefundReason.CONTRADICTION),
    # The bank kept all of it.
    withdrawal(withdrawals.WithdrawalReturned, bank_fee_minor=6_000, returned_minor=0),
]
NOTHING_MOVES = {
    *("LateCaptureAccepted", "PaymentContradictionResolved"),
    *("SettlementCreated", "ReserveReleased", "ReserveConsumed", "BalanceRecovered"),
    *("WithdrawalCreated", "WithdrawalRejected", "WithdrawalFailed", "WithdrawalCancelled"),
    *("ChannelStatementClosed", "CorrectionApproved"),
}
"""What the ledger books of which nothing moves at a channel then; a statement's closing stands for its lines."""


def name(event: Any) -> str:
    return type(event).__name__


def test_every_event_that_moves_money_at_a_channel_is_one_that_the_ledger_books() -> None:
    moving = {type(event) for event in AWAITED if isinstance(FACTS[type(event)](event), ChannelMovement)}

    assert moving == ledger.BOOKED.keys()
    assert {booked.event.__name__ for booked in BOOKED_EVENTS} - NOTHING_MOVES == {each.__name__ for each in moving}
    # Other facts tell of calls that moved nothing.
    assert {each.__name__ for each in FACTS.keys() - moving} == {
        *("PaymentFailed", "PaymentUnknown", "CaptureFailed", "RefundFailed", "RefundUnknown", "WithdrawalFailed")
    }


@pytest.mark.parametrize("event", [*AWAITED, *NOT_AWAITED], ids=name)
def test_a_booking_has_the_names_that_the_ledger_gives_it(event: Any) -> None:
    booking = ledger.of_event(event)

    assert booking is not None
    assert booking.transaction_type == BY_CLASS[type(event)].transaction_type
    assert (booking.related_no, booking.root_reference) == BY_CLASS[type(event)].names(event)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
@pytest.mark.parametrize("event", AWAITED, ids=name)
def test_what_is_awaited_is_booked_in_every_chart(event: Any, chart: Any) -> None:
    assert ledger.is_awaited(event)
    assert book(chart, event, NOON) is not None


@pytest.mark.parametrize("event", NOT_AWAITED, ids=name)
def test_what_some_chart_does_not_book_is_not_awaited(event: Any) -> None:
    assert not ledger.is_awaited(event)
    assert None in [book(chart, event, NOON) for chart in CHARTS]


@pytest.mark.parametrize("event", [late(payment.LateCaptureAccepted), withdrawal(withdrawals.WithdrawalCreated)])
def test_what_moves_nothing_at_a_channel_is_no_booking_of_a_movement(event: Any) -> None:
    assert ledger.of_event(event) is None
    assert not ledger.is_awaited(event)
