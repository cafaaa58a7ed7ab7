"""Sums, reserves and the states of settlements, worked out by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import IllegalTransition
from paykit.money import AMOUNT_MINOR_MAX
from paystream.merchant.v1.events import ReserveBase
from paystream.settlement.v1 import events
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain import reserve
from services.settlement.domain import settlement as domain
from services.settlement.domain.fund_transfer import ASK_AGAIN_AFTER
from services.settlement.domain.item import ItemKind, SettlementItem, items_of
from services.settlement.domain.lifecycle import SettlementAction, SettlementState, next_state
from services.settlement.domain.settlement import BookingMismatch, NothingToSettle, Settlement
from services.settlement.domain.sums import Sums, parts_of, reserve_minor, sums_of
from tests.unit.settlement.builders import (
    ALICE,
    MANUAL,
    NOON,
    booked,
    capture,
    daily,
    entry,
    hours,
    refund,
    release,
    settlement,
    stl,
    utc,
)

PENDING, CREATED, COMPLETED, FAILED, CARRIED = SettlementState
RESERVED = daily(reserve_basis_points=500, reserve_days=90)


def closed(**fields: Any) -> Settlement:
    return domain.close(
        settlement(**fields), RESERVED, trigger=SettlementTrigger.REQUEST, correlation_id="cor_1", now=NOON
    )[0]


def completed() -> Settlement:
    return domain.complete(closed(), transaction_id="txn_1", booked_minor=1_000, now=NOON)[0]


IN_STATE: dict[SettlementState, Callable[[], Settlement]] = {
    PENDING: settlement,
    CREATED: closed,
    COMPLETED: completed,
    FAILED: lambda: domain.fail(closed(), reason="REFUSED", into=settlement(2), now=NOON)[0],
    CARRIED: lambda: domain.carry(settlement(), into=settlement(2), now=NOON)[0],
}

LEGAL = {
    (PENDING, SettlementAction.COLLECT): PENDING,
    (PENDING, SettlementAction.CLOSE): CREATED,
    (PENDING, SettlementAction.CARRY): CARRIED,
    (CREATED, SettlementAction.COMPLETE): COMPLETED,
    (CREATED, SettlementAction.FAIL): FAILED,
    (CREATED, SettlementAction.EXPORT): CREATED,
    (COMPLETED, SettlementAction.RELEASE_RESERVE): COMPLETED,
    (COMPLETED, SettlementAction.CONSUME_RESERVE): COMPLETED,
    (COMPLETED, SettlementAction.EXTEND_RESERVE): COMPLETED,
    (COMPLETED, SettlementAction.EXPORT): COMPLETED,
}


ACTIONS: dict[SettlementAction, Callable[[Settlement], Settlement]] = {
    SettlementAction.COLLECT: lambda each: domain.carry(settlement(2), into=each, now=NOON)[1],
    SettlementAction.CLOSE: lambda each: domain.close(
        each, MANUAL, trigger=SettlementTrigger.REQUEST, correlation_id="cor_1", now=NOON
    )[0],
    SettlementAction.CARRY: lambda each: domain.carry(each, into=settlement(2), now=NOON)[0],
    SettlementAction.COMPLETE: lambda each: domain.complete(each, transaction_id="txn_1", booked_minor=1_000, now=NOON)[
        0
    ],
    SettlementAction.FAIL: lambda each: domain.fail(each, reason="REFUSED", into=settlement(2), now=NOON)[0],
    SettlementAction.RELEASE_RESERVE: lambda each: reserve.release(each, transfer_id="rsr_1", now=NOON)[0],
    SettlementAction.CONSUME_RESERVE: lambda each: reserve.consume(
        each, shortfall_minor=7, transfer_id="rsc_1", now=NOON
    )[0],
    SettlementAction.EXTEND_RESERVE: lambda each: reserve.extend(
        each, release_at=NOON + timedelta(days=91), reason="risk", now=NOON
    )[0],
    SettlementAction.EXPORT: lambda each: replace(each, state=next_state(each.state, SettlementAction.EXPORT)),
}


@pytest.mark.parametrize("action", SettlementAction)
@pytest.mark.parametrize("state", SettlementState)
def test_every_action_in_every_state_leads_where_the_table_says_or_is_refused_with_both(
    state: SettlementState, action: SettlementAction
) -> None:
    each = IN_STATE[state]()
    assert each.state is state
    if (state, action) in LEGAL:
        assert ACTIONS[action](each).state is LEGAL[state, action]
    else:
        with pytest.raises(IllegalTransition) as refused:
            ACTIONS[action](each)
        assert refused.value.metadata == {"state": state.value, "action": action.value}


def test_items_sum_up_by_what_they_are() -> None:
    events_of = [
        capture(1, 10_000, 320),
        capture(2, 5_000, 175),
        refund(1, 4_000, 128),
        booked("DisputeOpened", "dsp_1", [entry("merchant.settlement", -5_000), entry("merchant.disputed", 5_000)]),
        release(stl(9), 250),
        booked("Goodwill", "ticket-1", [entry("merchant.settlement", 77), entry("platform.fees", -77, None)]),
    ]
    sums = sums_of([item for event in events_of for item in items_of(event)])
    assert sums == Sums(
        item_count=6,
        payments_minor=15_000,
        refunds_minor=-4_000,
        fees_minor=-367,
        disputes_minor=-5_000,
        reserve_released_minor=250,
        adjustments_minor=77,
    )
    assert sums.total_minor == 5_960


COUNTS = st.integers(-(10**15), 10**15)
SUMS = st.builds(
    Sums, item_count=st.integers(0, 9), **{name: COUNTS for name in Sums.__dataclass_fields__ if name != "item_count"}
)


@given(SUMS, SUMS, SUMS)
def test_sums_add_up_in_any_order(one: Sums, two: Sums, three: Sums) -> None:
    assert (one + two) + three == one + (three + two)
    assert (one + two).total_minor == one.total_minor + two.total_minor


@pytest.mark.parametrize(
    ("total_minor", "released_minor", "basis_points", "held_minor"),
    [
        (10_000, 0, 500, 500),
        (10_000, 2_000, 500, 400),  # What was held once is not held again.
        (1, 0, 500, 0),
        (10, 0, 500, 1),  # 0.5 is rounded up
        (9, 0, 500, 0),  # and 0.45 down.
        (29, 0, 500, 1),
        (30, 0, 500, 2),
        (10_000, 0, 0, 0),
        (10_000, 0, 10_000, 10_000),
        (100, 500, 500, 0),  # Less than what was released: nothing new to hold from.
        (AMOUNT_MINOR_MAX, 0, 9_999, 9_006_298_534_815_517),
    ],
)
def test_the_reserve_is_a_part_of_what_is_new_rounded_half_up(
    total_minor: int, released_minor: int, basis_points: int, held_minor: int
) -> None:
    sums = Sums(item_count=2, payments_minor=total_minor - released_minor, reserve_released_minor=released_minor)
    assert reserve_minor(sums, basis_points) == held_minor


@pytest.mark.parametrize(
    ("sums", "net_minor", "gross_minor"),
    [
        # 10 % of 10,000 captured, 4,000 refunded, 320 of fees: of 5,680 net, of 10,000 gross.
        (Sums(item_count=3, payments_minor=10_000, refunds_minor=-4_000, fees_minor=-320), 568, 1_000),
        (Sums(item_count=2, payments_minor=10_000, refunds_minor=-9_500), 50, 500),  # No more than the total.
        (Sums(item_count=2, payments_minor=10_000, refunds_minor=-9_900), 10, 100),
        (Sums(item_count=2, payments_minor=1_000, reserve_released_minor=5_000), 100, 100),
        (Sums(item_count=1, adjustments_minor=1_000), 100, 0),
    ],
)
def test_a_reserve_is_of_the_total_or_of_the_payments_before_what_takes_from_them(
    sums: Sums, net_minor: int, gross_minor: int
) -> None:
    assert reserve_minor(sums, 1_000) == net_minor
    assert reserve_minor(sums, 1_000, ReserveBase.GROSS) == gross_minor


def test_a_gross_reserve_is_at_most_the_total() -> None:
    sums = Sums(item_count=2, payments_minor=10_000, refunds_minor=-9_900)
    assert reserve_minor(sums, 5_000, ReserveBase.GROSS) == 100


def _item(amount_minor: int, fee_minor: int) -> SettlementItem:
    names = ("PaymentSuccess", "cap", "pay", NOON)
    return SettlementItem("txn", ALICE, "USD", ItemKind.PAYMENT, *names, amount_minor, fee_minor)


@pytest.mark.parametrize(
    ("effects", "sizes"),
    [
        ([], [0]),
        ([(AMOUNT_MINOR_MAX, 0)], [1]),
        ([(AMOUNT_MINOR_MAX, -5), (5, 0)], [2]),
        ([(AMOUNT_MINOR_MAX, 0), (1, 0)], [1, 1]),
        ([(AMOUNT_MINOR_MAX, 0), (0, 50)], [1, 1]),  # A fee comes back of what was wholly in suspense.
        ([(AMOUNT_MINOR_MAX, 0), (-50, 0), (0, 50), (0, 1)], [3, 1]),
    ],
)
def test_items_are_cut_where_a_settlement_can_hold_no_more(effects: list[tuple[int, int]], sizes: list[int]) -> None:
    assert [len(part) for part in parts_of([_item(*each) for each in effects])] == sizes


_EFFECTS = st.tuples(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.integers(-50, 50))


@given(effects=st.lists(_EFFECTS, min_size=1, max_size=8))
def test_no_part_is_more_than_a_settlement_can_hold(effects: list[tuple[int, int]]) -> None:
    items = [_item(min(amount, AMOUNT_MINOR_MAX - fee), fee) for amount, fee in effects]
    parts = parts_of(items)
    assert [item for part in parts for item in part] == items
    assert all(sums_of(part).total_minor <= AMOUNT_MINOR_MAX for part in parts)


@given(total=st.integers(1, AMOUNT_MINOR_MAX), basis_points=st.integers(0, 10_000))
def test_a_reserve_is_never_more_than_the_total_nor_half_a_unit_from_the_exact_part(
    total: int, basis_points: int
) -> None:
    held = reserve_minor(Sums(item_count=1, payments_minor=total), basis_points)
    assert 0 <= held <= total
    assert abs(held * 10_000 - total * basis_points) <= 5_000


def test_closing_holds_the_reserve_back_and_tells_all_of_it() -> None:
    sums = Sums(item_count=3, payments_minor=15_000, refunds_minor=-4_000, fees_minor=-367)
    each, event = domain.close(
        settlement(sums=sums, cut_off_at=utc(1, 18)),
        RESERVED,
        trigger=SettlementTrigger.CUT_OFF,
        correlation_id="cor_1",
        now=NOON + hours(8),
    )
    assert event == events.SettlementCreated(
        occurred_at=NOON + hours(8),
        merchant_id=ALICE,
        aggregate_version=1,
        settlement_id=stl(1),
        currency_code="USD",
        trigger=SettlementTrigger.CUT_OFF,
        cut_off_at=utc(1, 18),
        item_count=3,
        payments_minor=15_000,
        refunds_minor=-4_000,
        fees_minor=-367,
        disputes_minor=0,
        reserve_released_minor=0,
        adjustments_minor=0,
        total_minor=10_633,
        reserve_held_minor=532,  # 531.65
        net_minor=10_101,
        reserve_release_at=NOON + hours(8) + timedelta(days=90),
    )
    assert (each.net_minor, each.aggregate_version, each.close_time) == (10_101, 1, NOON + hours(8))


@pytest.mark.parametrize("payments_minor", [0, -1])
def test_a_total_that_the_ledger_could_not_book_is_not_closed(payments_minor: int) -> None:
    each = settlement(sums=Sums(item_count=2, payments_minor=payments_minor))
    with pytest.raises(NothingToSettle) as refused:
        domain.close(each, MANUAL, trigger=SettlementTrigger.REQUEST, correlation_id="cor_1", now=NOON)
    assert refused.value.metadata == {"pending_minor": str(payments_minor), "currency_code": "USD"}


def test_what_is_carried_counts_in_the_other_and_no_longer_here() -> None:
    one = settlement(1, sums=Sums(item_count=2, payments_minor=100, refunds_minor=-300))
    carried, into = domain.carry(one, into=settlement(2), now=NOON)
    assert (carried.sums, carried.holder_id, carried.due_at) == (Sums(), stl(2), None)
    assert into.sums == Sums(item_count=3, payments_minor=1_100, refunds_minor=-300)


def test_what_a_refused_settlement_held_counts_in_the_other_while_it_keeps_what_it_told() -> None:
    failed, into, event = domain.fail(closed(), reason="INSUFFICIENT_FUNDS", into=settlement(2), now=NOON)
    assert (failed.sums.total_minor, failed.holder_id, failed.failure_reason) == (1_000, stl(2), "INSUFFICIENT_FUNDS")
    assert into.sums == Sums(item_count=2, payments_minor=2_000)
    assert (event.reason, event.total_minor, event.reserve_held_minor, event.net_minor) == (
        "INSUFFICIENT_FUNDS", 1_000, 50, 950,
    )  # fmt: skip
    assert event.aggregate_version == 2


def test_completing_tells_what_can_be_withdrawn() -> None:
    done, event = domain.complete(closed(), transaction_id="txn_1", booked_minor=1_000, now=NOON)
    assert (done.transaction_id, done.aggregate_version) == ("txn_1", 2)
    assert (event.total_minor, event.reserve_held_minor, event.net_minor) == (1_000, 50, 950)


def test_a_booking_of_another_amount_completes_nothing() -> None:
    with pytest.raises(BookingMismatch):
        domain.complete(closed(), transaction_id="txn_1", booked_minor=999, now=NOON)


def test_a_reserve_is_released_in_full_and_by_one_transfer_at_a_time() -> None:
    released, transfer, event = reserve.release(completed(), transfer_id="rsr_1", now=NOON)
    assert (event.amount_minor, event.aggregate_version, event.settlement_id) == (50, 3, stl(1))
    assert (event.release_id, transfer.transfer_id, transfer.settlement_minor) == ("rsr_1", "rsr_1", 50)
    with pytest.raises(reserve.ReserveNotHeld):
        reserve.release(released, transfer_id="rsr_2", now=NOON)


@pytest.mark.parametrize(
    ("in_ledger_minor", "consumed_minor", "left_minor", "due"),
    [
        (50, 0, 50, ASK_AGAIN_AFTER),  # All of it seems to be there.
        (60, 0, 50, ASK_AGAIN_AFTER),
        (20, 30, 20, timedelta()),  # In part, at once.
        (0, 50, 0, None),
        (-5, 50, 0, None),
    ],
)
def test_a_release_that_the_ledger_refused_is_tried_again_with_what_the_ledger_holds(
    in_ledger_minor: int, consumed_minor: int, left_minor: int, due: timedelta | None
) -> None:
    released, transfer, _ = reserve.release(completed(), transfer_id="rsr_1", now=NOON)
    left = reserve.not_moved(released, transfer, in_ledger_minor=in_ledger_minor, reason="SHORT", now=NOON)
    assert (left.consumed_minor, left.reserve_left_minor, left.reserve_refusal) == (consumed_minor, left_minor, "SHORT")
    assert left.reserve_due_at == (None if due is None else NOON + due)


def test_what_is_consumed_of_a_reserve_is_no_more_than_is_missing_and_the_rest_waits_for_its_day() -> None:
    consuming, transfer, event = reserve.consume(completed(), shortfall_minor=20, transfer_id="rsc_1", now=NOON)
    assert (event.amount_minor, event.consumption_id, consuming.reserve_due_at) == (20, "rsc_1", None)
    left = reserve.moved(consuming, transfer, now=NOON)
    assert (left.consumed_minor, left.reserve_left_minor) == (20, 30)
    assert left.reserve_due_at == left.reserve_release_at
    _, whole, _ = reserve.consume(left, shortfall_minor=1_000, transfer_id="rsc_2", now=NOON)
    assert whole.settlement_minor == 30
