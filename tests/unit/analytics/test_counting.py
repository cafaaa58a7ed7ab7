"""What each event counts as."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paystream.payment.v1 import events as payment
from paystream.settlement.v1 import events as settlement
from paystream.withdrawal.v1 import events as withdrawal
from services.accounting.domain.booked_event import BOOKED_EVENTS
from services.analytics.domain import counting, figure
from services.analytics.domain.counting import COUNTED, CountedEvent, PaymentOrigin
from services.analytics.domain.figure import FigureKey, Measure, Tally
from tests.unit.analytics.builders import NOON, example

ORIGIN = PaymentOrigin(payment_id="pay_1", method="WALLET", create_time=NOON - timedelta(seconds=90))

UNCOUNTED = {
    "WithdrawalRejected": "the amount never left",
    "WithdrawalCancelled": "the amount never left",
    "SettlementCreated": "SettlementCompleted tells of the same when the ledger has booked it",
    "ReserveConsumed": "moves what a reserve holds, which is no business of the day",
    "BalanceRecovered": "moves what is owed between accounts of one merchant",
    "PaymentContradictionResolved": "what people decided, not what customers did",
    "ChannelStatementClosed": "of no merchant",
    "CorrectionApproved": "of no merchant",
}
"""What the ledger books and analytics does not count, and why."""


def counts(event: Any, **known: Any) -> dict[str, tuple[int, int]]:
    """Return count and amount by measure, and by reason where there is one."""
    counted_event = CountedEvent(event, 0, **known)
    return {
        key.measure + (f" {key.reason}" if key.reason else ""): (tally.count, tally.amount_minor)
        for key, tally in counting.counted(counted_event)
    }


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (example(payment.PaymentCreated, amount_minor=1_000), {"CREATED": (1, 1_000)}),
        (example(payment.PaymentAuthorized, amount_minor=1_000), {"AUTHORIZED": (1, 1_000)}),
        (
            example(payment.PaymentSuccess, amount_minor=1_000, fee_minor=59),
            {"CAPTURED": (1, 1_000), "FEES": (1, 59)},
        ),
        (example(payment.PaymentSuccess, amount_minor=1_000, fee_minor=0), {"CAPTURED": (1, 1_000)}),
        (
            example(payment.PaymentFailed, amount_minor=700, reason=payment.FailureReason.INSUFFICIENT_FUNDS),
            {"FAILED INSUFFICIENT_FUNDS": (1, 700)},
        ),
        (
            example(payment.PaymentReversed, amount_minor=1_000, fee_returned_minor=59),
            {"REVERSED": (1, 1_000), "FEES_RETURNED": (1, 59)},
        ),
        (
            example(
                payment.RefundSuccess,
                amount_minor=400,
                fee_returned_minor=11,
                suspense_minor=0,
                reason=payment.RefundReason.OTHER,
            ),
            {"REFUNDED": (1, 400), "FEES_RETURNED": (1, 11)},
        ),
        (
            example(
                payment.RefundSuccess,
                amount_minor=400,
                fee_returned_minor=0,
                suspense_minor=0,
                reason=payment.RefundReason.CONTRADICTION,
            ),
            {},
        ),
        (
            example(payment.RefundReturned, amount_minor=400, fee_minor=11),
            {"REFUND_RETURNED": (1, 400), "FEES": (1, 11)},
        ),
        (
            example(payment.DisputeOpened, amount_minor=1_000, fee_minor=1_500),
            {"DISPUTE_OPENED": (1, 1_000), "DISPUTE_FEES": (1, 1_500)},
        ),
        (
            example(payment.DisputeWon, amount_minor=1_000, fee_returned_minor=0),
            {"DISPUTE_WON": (1, 1_000)},
        ),
        (example(payment.DisputeLost, amount_minor=1_000), {"DISPUTE_LOST": (1, 1_000)}),
        (
            example(payment.DisputeOverturned, amount_minor=1_000, outcome=payment.DisputeDecision.WON),
            {"DISPUTE_OVERTURNED_WON": (1, 1_000)},
        ),
        (
            example(settlement.SettlementCompleted, net_minor=900, reserve_held_minor=50),
            {"SETTLED": (1, 900), "RESERVE_HELD": (1, 50)},
        ),
        (example(withdrawal.WithdrawalPaidLate, amount_minor=900), {"WITHDRAWN": (1, 900)}),
        (
            example(withdrawal.WithdrawalReturned, amount_minor=900, bank_fee_minor=5),
            {"WITHDRAWAL_RETURNED": (1, 900), "BANK_FEES": (1, 5)},
        ),
        (example(withdrawal.WithdrawalBounced, amount_minor=900), {"WITHDRAWAL_RETURNED": (1, 900)}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_an_event_counts_as(event: Any, expected: dict[str, tuple[int, int]]) -> None:
    assert counts(event) == expected


def test_the_first_capture_of_a_payment_is_its_success_and_is_timed_from_its_creation() -> None:
    event = example(payment.PaymentSuccess, amount_minor=1_000, fee_minor=0)
    assert counts(event, origin=ORIGIN, first_capture=True) == {"CAPTURED": (1, 1_000), "SUCCEEDED": (1, 1_000)}
    tallies = {
        key.measure: tally for key, tally in counting.counted(CountedEvent(event, 0, origin=ORIGIN, first_capture=True))
    }
    assert tallies[Measure.SUCCEEDED] == Tally(1, 1_000, 90_000)


def test_a_refund_has_the_channel_it_names_and_the_method_of_its_payment() -> None:
    event = example(
        payment.RefundSuccess,
        merchant_id="mer_1",
        currency_code="JPY",
        channel="simulator",
        occurred_at=datetime(2026, 3, 10, 12, 44, 59, 999_999, tzinfo=UTC),
        fee_returned_minor=0,
        reason=payment.RefundReason.OTHER,
    )
    ((key, _),) = counting.counted(CountedEvent(event, 3, origin=ORIGIN))
    half_past = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
    assert key == FigureKey("mer_1", "JPY", half_past, "simulator", "WALLET", Measure.REFUNDED, "", 3)


def test_every_event_that_moves_a_merchant_s_money_is_counted() -> None:
    booked = {event.event.__name__ for event in BOOKED_EVENTS}
    assert booked - {event.__name__ for event in COUNTED} == set(UNCOUNTED)


@pytest.mark.parametrize("event", COUNTED, ids=lambda event: event.__name__)
def test_every_worked_example_is_counted_in_its_merchant_s_currency(event: Any) -> None:
    told = example(event)
    for key, tally in counting.counted(CountedEvent(told, 0)):
        assert (key.merchant_id, key.currency_code, key.quarter_time) == (told.merchant_id, told.currency_code, NOON)
        assert tally.count == 1


keys = st.builds(
    FigureKey,
    st.sampled_from(["mer_1", "mer_2"]),
    st.sampled_from(["USD", "JPY"]),
    st.sampled_from([NOON, NOON + figure.QUARTER]),
    st.just("simulator"),
    st.just("CARD"),
    st.sampled_from([Measure.CAPTURED, Measure.FEES]),
    st.just(""),
    st.just(0),
)
tallies = st.builds(Tally, st.just(1), st.integers(1, 9_007_199_254_740_991), st.integers(0, 10_000))
parts = st.lists(st.tuples(keys, tallies), max_size=20)


@given(parts, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_split_into_batches_and_any_order_give_equal_sums(
    counted: list[tuple[FigureKey, Tally]], random: Any, size: int
) -> None:
    shuffled = random.sample(counted, len(counted))
    batches = [figure.summed(shuffled[at : at + size]) for at in range(0, len(shuffled), size)]
    added = figure.summed(part for batch in batches for part in batch.items())
    assert added == figure.summed(counted)
    assert list(added) == sorted(added)
    assert sum(tally.amount_minor for tally in added.values()) == sum(tally.amount_minor for _, tally in counted)
