"""The states of an order, and what each change says of it."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import FieldInvalid, IllegalTransition, InvariantError
from paykit.reasons.stated_reason import StatedReason
from paystream.order.v1 import events
from services.order import domain
from services.order.domain import (
    AmountsMoved,
    LineItem,
    LineItemAmountMismatch,
    Order,
    OrderAction,
    OrderNotPaid,
    OrderState,
    OrderTotalMismatch,
)
from tests.unit.order.builders import ITEMS, LATER, MERCHANT_ID, NOON, ORDER_ID, PAYMENT_ID, REFUND_ID, order

# Rows: the state; columns: COUNT PAY COMPLETE REFUND CANCEL EXPIRE; "-" is illegal.
TABLE = """
CREATED    CREATED    PAID  PAID  CREATED    CANCELLED  EXPIRED
PAID       PAID       -     -     PAID       -          -
CANCELLED  CANCELLED  -     -     CANCELLED  -          -
EXPIRED    EXPIRED    -     -     EXPIRED    -          -
"""
ACTIONS = ["COUNT", "PAY", "COMPLETE", "REFUND", "CANCEL", "EXPIRE"]
CELLS = [
    (row[0], action, after)
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, after in zip(ACTIONS, row[1:], strict=True)
]
STATED = StatedReason(stated_reason="out of stock", stated_by="shop", stated_time=LATER)
ABOUT: dict[str, Any] = {
    "merchant_id": MERCHANT_ID,
    "correlation_id": "cor_1",
    "order_id": ORDER_ID,
    "merchant_reference": "basket-7",
    "total_minor": 2_000,
    "currency_code": "USD",
    "locale": "de-AT",
}


REFUNDED = {"payment_id": PAYMENT_ID, "refund_id": REFUND_ID}


@pytest.mark.parametrize(("state", "action", "after"), CELLS)
def test_every_action_in_every_state(state: str, action: str, after: str) -> None:
    if after != "-":
        assert domain.next_state(OrderState(state), OrderAction(action)) == after
        return
    with pytest.raises(IllegalTransition) as refused:
        domain.next_state(OrderState(state), OrderAction(action))
    assert refused.value.metadata == {"state": state, "action": action}


def test_the_table_names_every_state_and_action() -> None:
    assert {(state, action) for state, action, _ in CELLS} == set(itertools.product(OrderState, OrderAction))


def test_a_new_order_says_so_as_version_one() -> None:
    assert domain.created(order(expire_time=LATER)) == events.OrderCreated(
        **ABOUT, occurred_at=NOON, aggregate_version=1, item_count=2, expires_at=LATER
    )


def test_a_capture_of_a_part_changes_what_is_paid_and_the_etag_and_tells_nothing() -> None:
    after, event = domain.count(order(), AmountsMoved(captured_minor=1_999), now=LATER)
    assert event is None
    assert after == order(captured_minor=1_999, update_time=LATER)
    assert (order().etag, after.etag) == ("b-a-a-a", "b-bjjj-a-a")


def test_the_capture_that_reaches_the_total_pays_the_order() -> None:
    after, event = domain.count(order(captured_minor=1_500), AmountsMoved(captured_minor=500), now=LATER)
    assert after == order(captured_minor=2_000, state=OrderState.PAID, update_time=LATER, aggregate_version=2)
    assert event == events.OrderPaid(
        **ABOUT, occurred_at=LATER, aggregate_version=2, paid_minor=2_000, captured_minor=2_000
    )


def test_the_capture_that_passes_the_total_pays_the_order() -> None:
    after, event = domain.count(order(captured_minor=1_500), AmountsMoved(captured_minor=501), now=LATER)
    assert (after.state, after.paid_minor) == (OrderState.PAID, 2_001)
    assert event is not None
    assert event.paid_minor == 2_001


@pytest.mark.parametrize("state", [OrderState.PAID, OrderState.CANCELLED, OrderState.EXPIRED])
def test_a_capture_for_an_order_that_has_ended_is_recorded_and_changes_no_state(state: OrderState) -> None:
    before = order(state=state, captured_minor=2_000, aggregate_version=2)
    after, event = domain.count(before, AmountsMoved(captured_minor=700), now=LATER)
    assert event is None
    assert after == replace(before, captured_minor=2_700, update_time=LATER)


@pytest.mark.parametrize("state", OrderState)
def test_a_refund_is_told_in_every_state_and_changes_none(state: OrderState) -> None:
    before = order(state=state, captured_minor=1_000, refunded_minor=100, aggregate_version=4)
    after, event = domain.refund(before, AmountsMoved(refunded_minor=300), **REFUNDED, now=LATER)
    assert after == replace(before, refunded_minor=400, update_time=LATER, aggregate_version=5)
    assert event == events.OrderRefunded(
        **ABOUT,
        occurred_at=LATER,
        aggregate_version=5,
        paid_minor=600,
        captured_minor=1_000,
        payment_id=PAYMENT_ID,
        refund_id=REFUND_ID,
        amount_minor=300,
        refunded_minor=400,
        fully_refunded=False,
    )


def test_an_order_is_fully_refunded_when_all_that_was_captured_has_gone_back() -> None:
    before = order(state=OrderState.CANCELLED, captured_minor=1_000, refunded_minor=100)
    after, event = domain.refund(before, AmountsMoved(refunded_minor=900), **REFUNDED, now=LATER)
    assert event.fully_refunded
    assert after.fully_refunded
    assert not order().fully_refunded


def test_what_goes_back_of_an_open_order_is_to_be_paid_again() -> None:
    part, _ = domain.count(order(), AmountsMoved(captured_minor=1_000), now=LATER)
    back, _ = domain.refund(part, AmountsMoved(refunded_minor=1_000), **REFUNDED, now=LATER)
    more = AmountsMoved(captured_minor=1_000, returned_before_minor=1_000)
    again, told = domain.count(back, more, now=LATER)
    whole, paid = domain.count(again, more, now=LATER)

    assert (back.state, back.paid_minor, again.state, again.paid_minor, told) == ("CREATED", 0, "CREATED", 1_000, None)
    assert (whole.state, whole.paid_minor, paid and paid.paid_minor) == ("PAID", 2_000, 2_000)


@pytest.mark.parametrize("gone", [AmountsMoved(lost_minor=600), AmountsMoved(captured_minor=-600)])
def test_what_is_lost_or_bounces_of_an_open_order_is_to_be_paid_again(gone: AmountsMoved) -> None:
    part, _ = domain.count(order(captured_minor=1_000), gone, now=LATER)
    lost_minor = gone.lost_minor
    short, _ = domain.count(part, AmountsMoved(captured_minor=1_000, returned_before_minor=lost_minor), now=LATER)
    whole, _ = domain.count(short, AmountsMoved(captured_minor=600, returned_before_minor=lost_minor), now=LATER)

    assert [(each.state, each.paid_minor) for each in (part, short, whole)] == [
        ("CREATED", 400),
        ("CREATED", 1_400),
        ("PAID", 2_000),
    ]


def test_what_bounced_after_it_was_refunded_is_to_be_paid_twice() -> None:
    short, _ = domain.count(
        order(captured_minor=1_000, refunded_minor=400), AmountsMoved(captured_minor=-1_000), now=LATER
    )
    whole, _ = domain.count(short, AmountsMoved(captured_minor=2_399, returned_before_minor=400), now=LATER)
    paid, _ = domain.count(whole, AmountsMoved(captured_minor=1, returned_before_minor=400), now=LATER)

    assert [(each.state, each.paid_minor) for each in (short, whole, paid)] == [
        ("CREATED", 0),
        ("CREATED", 1_999),
        ("PAID", 2_000),
    ]


@pytest.mark.parametrize("state", [OrderState.PAID, OrderState.CANCELLED, OrderState.EXPIRED])
def test_what_goes_of_an_order_that_has_ended_leaves_its_state(state: OrderState) -> None:
    before = order(state=state, captured_minor=2_000)

    after, told = domain.count(before, AmountsMoved(lost_minor=500), now=LATER)

    assert (after.state, after.paid_minor, told) == (state, 1_500, None)


@pytest.mark.parametrize("back", [AmountsMoved(refunded_minor=-1_000), AmountsMoved(lost_minor=-1_000)])
def test_what_comes_back_to_an_open_order_can_pay_it(back: AmountsMoved) -> None:
    gone = replace(AmountsMoved(), refunded_minor=-back.refunded_minor, lost_minor=-back.lost_minor)
    short, _ = domain.count(order(captured_minor=1_000), gone, now=LATER)
    short, _ = domain.count(short, AmountsMoved(captured_minor=1_000, returned_before_minor=1_000), now=LATER)
    after, paid = domain.count(short, back, now=LATER)

    assert (short.state, after.state, paid and paid.paid_minor) == ("CREATED", "PAID", 2_000)


def test_a_refund_heard_of_before_the_capture_that_had_paid_the_order_leaves_it_paid() -> None:
    # Both captures of 1,000 were made, then 100 of the first went back; the second capture came by another partition.
    part, _ = domain.count(order(), AmountsMoved(captured_minor=1_000), now=LATER)
    back, _ = domain.refund(part, AmountsMoved(refunded_minor=100), **REFUNDED, now=LATER)
    whole, paid = domain.count(back, AmountsMoved(captured_minor=1_000), now=LATER)

    assert (back.state, whole.state, whole.paid_minor, paid and paid.paid_minor) == ("CREATED", "PAID", 1_900, 1_900)


def test_a_capture_heard_of_before_the_refund_that_made_room_for_it_does_not_pay_the_order() -> None:
    # The refund of the first 1,000 is still on its way, in another partition.
    early, told = domain.count(
        order(captured_minor=1_000), AmountsMoved(captured_minor=1_000, returned_before_minor=1_000), now=LATER
    )
    after, _ = domain.refund(early, AmountsMoved(refunded_minor=1_000), **REFUNDED, now=LATER)

    assert (told, early.state, after.state, after.paid_minor) == (None, "CREATED", "CREATED", 1_000)


def test_a_final_capture_settles_an_order_below_its_total() -> None:
    settled, paid = domain.count(order(total_minor=10_000), AmountsMoved(captured_minor=5_000, final=True), now=LATER)

    assert (settled.state, settled.paid_minor, paid and paid.paid_minor) == ("PAID", 5_000, 5_000)


def test_an_order_is_completed_at_what_is_paid_of_it() -> None:
    settled, paid = domain.complete(order(captured_minor=1_500, refunded_minor=300), now=LATER)

    assert (settled.state, settled.aggregate_version, paid.paid_minor) == ("PAID", 2, 1_200)
    with pytest.raises(OrderNotPaid):
        domain.complete(order(captured_minor=300, refunded_minor=300), now=LATER)


def test_an_order_paid_in_part_can_be_cancelled_and_says_what_is_to_go_back() -> None:
    after, event = domain.cancel(order(captured_minor=1_200), stated=STATED, now=LATER)
    assert after == order(
        state=OrderState.CANCELLED, captured_minor=1_200, update_time=LATER, aggregate_version=2, stated=STATED
    )
    assert event == events.OrderCancelled(
        **ABOUT,
        occurred_at=LATER,
        aggregate_version=2,
        paid_minor=1_200,
        captured_minor=1_200,
        stated_reason="out of stock",
    )


def test_an_order_expires_at_its_time() -> None:
    after, event = domain.expire(order(expire_time=LATER), now=LATER)
    assert after == order(expire_time=LATER, state=OrderState.EXPIRED, update_time=LATER, aggregate_version=2)
    assert event == events.OrderExpired(
        **ABOUT, occurred_at=LATER, aggregate_version=2, paid_minor=0, captured_minor=0, expired_at=LATER
    )


@pytest.mark.parametrize("expire_time", [None, LATER])
def test_an_order_that_has_time_does_not_expire(expire_time: datetime | None) -> None:
    with pytest.raises(InvariantError, match="has time until"):
        domain.expire(order(expire_time=expire_time), now=LATER - timedelta(microseconds=1))


def test_an_order_told_of_by_a_clock_that_is_behind_does_not_run_backwards() -> None:
    after, _ = domain.count(order(update_time=LATER), AmountsMoved(captured_minor=1), now=NOON)
    assert after.update_time == LATER


def test_items_that_make_the_total_pass() -> None:
    domain.check_items(ITEMS, total_minor=2_000)


def test_an_item_that_is_not_its_product_is_named_with_what_it_should_be() -> None:
    items = (ITEMS[0], LineItem(name="Cup", quantity=3, unit_price_minor=400, amount_minor=1_250))
    with pytest.raises(LineItemAmountMismatch) as refused:
        domain.check_items(items, total_minor=2_000)
    assert refused.value.field == "line_items[1].amount.amount_minor"
    assert refused.value.metadata == {"amount_minor": "1200"}


@pytest.mark.parametrize("total_minor", [1_999, 2_001])
def test_a_total_that_is_not_the_sum_is_refused_with_the_sum(total_minor: int) -> None:
    with pytest.raises(OrderTotalMismatch) as refused:
        domain.check_items(ITEMS, total_minor=total_minor)
    assert (refused.value.field, refused.value.metadata) == ("total.amount_minor", {"total_minor": "2000"})


@pytest.mark.parametrize(
    ("expire_time", "ttl", "until"),
    [
        (None, None, None),
        (LATER, None, LATER),
        (None, timedelta(minutes=5), LATER),
        (NOON + timedelta(days=366), None, NOON + timedelta(days=366)),
    ],
)
def test_an_order_can_be_paid_until_its_time(
    expire_time: datetime | None, ttl: timedelta | None, until: datetime | None
) -> None:
    assert domain.expiry(expire_time, ttl, now=NOON) == until


@pytest.mark.parametrize("expire_time", [NOON, NOON - timedelta(days=1), NOON + timedelta(days=366, microseconds=1)])
def test_a_time_that_is_past_or_too_far_ahead_is_refused(expire_time: datetime) -> None:
    with pytest.raises(FieldInvalid) as refused:
        domain.expiry(expire_time, None, now=NOON)
    assert refused.value.field == "expire_time"


STEPS = st.lists(
    st.tuples(st.sampled_from(["capture", "refund", "cancel", "expire"]), st.integers(1, 1_500)), max_size=12
)


@given(STEPS)
def test_whatever_happens_an_order_ends_once_and_its_versions_have_no_gap(steps: list[tuple[str, int]]) -> None:
    at, told, states = order(expire_time=NOON + timedelta(seconds=1)), 1, ["CREATED"]
    for step, amount_minor in steps:
        before = at
        try:
            at, event = take(at, step, amount_minor)
        except IllegalTransition:
            assert step in {"cancel", "expire"}
            assert before.state is not OrderState.CREATED
            continue
        told += event is not None
        states += [at.state] if at.state != before.state else []
        assert at.aggregate_version == told
        assert (at.etag == before.etag) == (at == before)
        assert 0 <= at.refunded_minor <= at.captured_minor
    assert len(states) <= 2
    assert (at.state is OrderState.CREATED) <= (at.paid_minor < at.total_minor)
    assert (at.state is OrderState.PAID) <= (at.captured_minor >= at.total_minor)


def take(at: Order, step: str, amount_minor: int) -> tuple[Order, Any]:
    if step == "capture":
        return domain.count(at, AmountsMoved(captured_minor=amount_minor), now=LATER)
    if step == "refund":
        left = min(amount_minor, at.paid_minor)
        if not left:
            return at, None
        return domain.refund(at, AmountsMoved(refunded_minor=left), **REFUNDED, now=LATER)
    return domain.cancel(at, stated=STATED, now=LATER) if step == "cancel" else domain.expire(at, now=LATER)
