"""What a look at pending settlements comes to."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.consumption import Consumption
from paykit.merchants.standing import MerchantStanding
from paykit.money import AMOUNT_MINOR_MAX
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain import closing
from services.settlement.domain.closing import GRACE, LOOK_AGAIN, RETRY_AFTER
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.policy import ZONE_UNKNOWN, Policy
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.sums import Sums
from tests.unit.settlement.builders import MANUAL, NOON, daily, hours, settlement, stl, threshold, utc, weekly

DAILY = daily("18:00")
EVENING = utc(1, 18)
SEEN = Consumption(EVENING, (5, 0), {0: 5})
"""Everything is consumed."""


def collecting(number: int, cut_off: datetime | None, total_minor: int = 1_000, **fields: Any) -> Settlement:
    """Give a settlement that is due at its cut-off."""
    given_fields: dict[str, Any] = {
        "cut_off_at": cut_off,
        "due_at": cut_off,
        "sums": Sums(item_count=1, payments_minor=total_minor),
    }
    return settlement(number, **given_fields | fields)


def ids(settlements: list[Settlement]) -> list[str]:
    return [each.settlement_id for each in settlements]


def test_a_settlement_whose_cut_off_has_passed_is_closed() -> None:
    found = closing.review(DAILY, [collecting(1, EVENING)], view=SEEN, now=EVENING)
    ((each, event),) = found.closed
    assert (each.settlement_id, each.state, event.total_minor) == (stl(1), SettlementState.CREATED, 1_000)
    assert (event.trigger, event.cut_off_at) == (SettlementTrigger.CUT_OFF, EVENING)
    assert each.correlation_id == stl(1)
    assert (found.carried, found.kept) == ([], [])


def test_what_is_not_due_yet_is_left_alone() -> None:
    tomorrow = collecting(2, utc(2, 18))
    found = closing.review(DAILY, [collecting(1, EVENING), tomorrow], view=SEEN, now=EVENING)
    assert ids([each for each, _ in found.closed]) == [stl(1)]
    assert (found.carried, found.kept) == ([], [])


@pytest.mark.parametrize("total_minor", [0, -500])
def test_a_total_not_above_zero_is_carried_into_the_next_settlement(total_minor: int) -> None:
    today, tomorrow = collecting(1, EVENING, total_minor), collecting(2, utc(2, 18))
    found = closing.review(DAILY, [tomorrow, today], view=SEEN, now=EVENING)
    (carried,) = found.carried
    assert (carried.settlement_id, carried.state, carried.holder_id) == (stl(1), SettlementState.CARRIED, stl(2))
    (into,) = found.kept
    assert into.sums == Sums(item_count=2, payments_minor=1_000 + total_minor)
    assert into.due_at == utc(2, 18)


def test_without_a_next_settlement_it_goes_on_collecting_for_the_next_cut_off() -> None:
    found = closing.review(DAILY, [collecting(1, EVENING, -500)], view=SEEN, now=EVENING)
    (kept,) = found.kept
    assert (kept.settlement_id, kept.cut_off_at, kept.due_at) == (stl(1), utc(2, 18), utc(2, 18))
    assert (found.closed, found.carried) == ([], [])


def test_a_total_below_the_threshold_is_carried_at_a_cut_off_and_one_that_reaches_it_is_closed() -> None:
    policy = daily("18:00", thresholds={"USD": 1_000})
    assert not closing.review(policy, [collecting(1, EVENING, 999)], view=SEEN, now=EVENING).closed
    assert closing.review(policy, [collecting(1, EVENING, 1_000)], view=SEEN, now=EVENING).closed
    in_yen = collecting(1, EVENING, 1, currency_code="JPY")  # For which there is none.
    assert closing.review(policy, [in_yen], view=SEEN, now=EVENING).closed


def test_days_missed_are_gone_through_in_order() -> None:
    pending = [collecting(1, utc(1, 18), -700), collecting(2, utc(2, 18), 500), collecting(3, utc(3, 18), 400)]
    now = utc(3, 20)
    found = closing.review(DAILY, pending, view=Consumption(now, (), {}), now=now)
    assert [(each.settlement_id, each.holder_id) for each in found.carried] == [(stl(1), stl(3)), (stl(2), stl(3))]
    assert [(each.settlement_id, event.total_minor) for each, event in found.closed] == [(stl(3), 200)]


def test_a_settlement_is_due_after_the_days_of_delay() -> None:
    policy = daily("18:00", delay_days=2)
    waiting = collecting(1, EVENING, due_at=utc(3, 18))
    assert closing.review(policy, [waiting], view=SEEN, now=utc(3, 17)) == closing.Review()
    assert closing.review(policy, [waiting], view=SEEN, now=utc(3, 18)).closed


def test_with_a_delay_a_negative_total_is_carried_to_the_cut_off_settled_next() -> None:
    policy = daily("18:00", delay_days=2)
    found = closing.review(policy, [collecting(1, EVENING, -5, due_at=utc(3, 18))], view=SEEN, now=utc(3, 18))
    assert [(each.cut_off_at, each.due_at) for each in found.kept] == [(utc(2, 18), utc(4, 18))]


# Events on their way.

BEHIND = Consumption(EVENING, (5, 7), {0: 5, 1: 6})


def test_a_cut_off_waits_for_partitions_that_are_not_consumed_past_it() -> None:
    found = closing.review(DAILY, [collecting(1, EVENING)], view=BEHIND, now=EVENING)
    (kept,) = found.kept
    assert (kept.noticed_at, kept.noticed_offsets, kept.due_at) == (EVENING, (5, 7), EVENING + LOOK_AGAIN)
    assert found.closed == []


def test_what_was_told_later_is_not_waited_for() -> None:
    noticed = collecting(1, EVENING, noticed_at=EVENING, noticed_offsets=(5, 7))
    later = Consumption(EVENING + LOOK_AGAIN, (5, 900), {0: 5, 1: 7})
    assert closing.review(DAILY, [noticed], view=later, now=EVENING + LOOK_AGAIN).closed


@pytest.mark.parametrize(
    ("consumed", "closed"), [((5, 6), False), ((5,), False), ((), False), ((5, 7), True), ((9, 9, 9), True)]
)
def test_every_partition_counts_and_one_never_consumed_is_at_its_beginning(
    consumed: tuple[int, ...], *, closed: bool
) -> None:
    view = Consumption(EVENING, (5, 7), dict(enumerate(consumed)))
    assert bool(closing.review(DAILY, [collecting(1, EVENING)], view=view, now=EVENING).closed) is closed


def test_ends_that_were_read_before_the_cut_off_prove_nothing() -> None:
    early = Consumption(EVENING - timedelta(microseconds=1), (5,), {0: 5})
    found = closing.review(DAILY, [collecting(1, EVENING)], view=early, now=EVENING)
    assert [(each.noticed_at, each.noticed_offsets) for each in found.kept] == [(EVENING, None)]


@pytest.mark.parametrize("view", [BEHIND, Consumption(EVENING, None, {0: 5, 1: 6})])
def test_after_the_grace_it_is_closed_all_the_same(view: Consumption) -> None:
    noticed = collecting(1, EVENING, noticed_at=EVENING)
    before = EVENING + GRACE - timedelta(seconds=1)
    assert not closing.review(DAILY, [noticed], view=view, now=before).closed
    assert closing.review(DAILY, [noticed], view=view, now=EVENING + GRACE).closed


def test_a_clock_that_leaps_over_the_cut_off_gives_the_grace_from_when_it_is_noticed() -> None:
    found = closing.review(DAILY, [collecting(1, EVENING)], view=BEHIND, now=utc(9, 18))
    assert [each.noticed_at for each in found.kept] == [utc(9, 18)]


def test_a_total_that_may_still_grow_is_not_carried_before_everything_is_consumed() -> None:
    found = closing.review(DAILY, [collecting(1, EVENING, -5)], view=BEHIND, now=EVENING)
    assert [(each.cut_off_at, each.noticed_at) for each in found.kept] == [(EVENING, EVENING)]


# Thresholds and requests.


def test_a_threshold_closes_at_once_whatever_is_on_its_way() -> None:
    found = closing.review(threshold(USD=1_000), [collecting(1, None, due_at=NOON)], view=BEHIND, now=NOON)
    assert [event.trigger for _, event in found.closed] == [SettlementTrigger.THRESHOLD]


def test_a_total_that_fell_below_its_threshold_again_goes_on_collecting() -> None:
    found = closing.review(threshold(USD=1_001), [collecting(1, None, due_at=NOON)], view=SEEN, now=NOON)
    assert (found.closed, [each.due_at for each in found.kept]) == ([], [None])


@pytest.mark.parametrize(
    ("total_minor", "due_at", "expected"),
    [(999, None, None), (1_000, None, NOON), (1_000, NOON + hours(1), NOON + hours(1)), (999, NOON, None)],
)
def test_a_threshold_is_looked_at_when_it_is_reached_and_not_when_it_is_left_again(
    total_minor: int, due_at: datetime | None, expected: datetime | None
) -> None:
    policy = threshold(USD=1_000)
    assert closing.due_after_collecting(policy, "USD", total_minor=total_minor, due_at=due_at, now=NOON) == expected


def test_a_manual_policy_and_an_unknown_one_close_nothing() -> None:
    found = closing.review(MANUAL, [collecting(1, None, due_at=NOON)], view=SEEN, now=NOON)
    assert (found.closed, [each.due_at for each in found.kept]) == ([], [None])
    assert closing.first_due_at(None, None) is None


def test_what_the_ledger_refused_is_not_tried_again_at_once() -> None:
    policy = threshold(USD=1_000)
    due = closing.due_after_refusal(policy, "USD", total_minor=1_000, due_at=None, now=NOON)
    assert due == NOON + RETRY_AFTER
    assert closing.due_after_refusal(policy, "USD", total_minor=999, due_at=None, now=NOON) is None
    tomorrow = utc(2, 18)
    assert closing.due_after_refusal(DAILY, "USD", total_minor=1, due_at=tomorrow, now=NOON) == tomorrow


def test_a_total_too_large_for_the_ledger_stays_pending_and_is_tried_later() -> None:
    found = closing.review(DAILY, [collecting(1, EVENING, AMOUNT_MINOR_MAX + 1)], view=SEEN, now=EVENING)
    assert (found.closed, [each.due_at for each in found.kept]) == ([], [EVENING + RETRY_AFTER])


# Another policy: what is pending is looked at when it comes into force.


def look(policy: Policy, *pending: Settlement, now: datetime = NOON) -> closing.Review:
    return closing.review(policy, pending, view=Consumption(now, (), {}), now=now)


def test_another_time_of_day_moves_what_is_pending_to_the_cut_off_that_follows_its_own() -> None:
    found = look(daily("20:00"), collecting(1, EVENING, due_at=NOON))
    assert [(each.cut_off_at, each.due_at) for each in found.kept] == [(utc(1, 20), utc(1, 20))]


def test_two_that_come_to_one_cut_off_become_one() -> None:
    pending = [collecting(1, EVENING, due_at=NOON), collecting(2, utc(2, 18), due_at=NOON)]
    found = look(weekly(3, "18:00"), *pending)
    assert [(each.settlement_id, each.holder_id) for each in found.carried] == [(stl(2), stl(1))]
    assert [(each.settlement_id, each.cut_off_at, each.sums.total_minor) for each in found.kept] == [
        (stl(1), utc(4, 18), 2_000)
    ]


def test_a_policy_without_cut_offs_gathers_all_and_closes_if_the_threshold_is_reached() -> None:
    pending = [collecting(1, EVENING, due_at=NOON), collecting(2, utc(2, 18), due_at=NOON)]
    found = look(threshold(USD=2_000), *pending)
    assert [(each.settlement_id, event.total_minor) for each, event in found.closed] == [(stl(1), 2_000)]
    assert [(each.cut_off_at, each.due_at) for each in look(MANUAL, *pending).kept] == [(None, None)]


def test_a_threshold_that_two_reach_together_is_closed_though_one_of_them_was_not_to_be_looked_at() -> None:
    pending = [collecting(1, EVENING, 999, due_at=NOON), collecting(2, None, 2)]
    found = look(threshold(USD=1_000), *pending)
    assert [(each.settlement_id, each.holder_id) for each in found.carried] == [(stl(1), stl(2))]
    assert [(each.settlement_id, event.total_minor) for each, event in found.closed] == [(stl(2), 1_001)]
    below = look(threshold(USD=1_002), *pending)
    assert [(each.settlement_id, each.sums.total_minor, each.due_at) for each in below.kept] == [(stl(2), 1_001, None)]


def test_a_first_policy_with_cut_offs_has_the_next_one_close_what_is_pending() -> None:
    found = look(daily("18:00", delay_days=2), collecting(1, None, due_at=NOON))
    assert [(each.cut_off_at, each.due_at) for each in found.kept] == [(EVENING, utc(3, 18))]


def test_a_policy_that_changed_otherwise_leaves_the_cut_off_and_brings_the_delay_up_to_date() -> None:
    found = look(daily("18:00", delay_days=1), collecting(1, EVENING, due_at=NOON))
    assert [(each.cut_off_at, each.due_at) for each in found.kept] == [(EVENING, utc(2, 18))]


def test_on_request_all_that_is_pending_becomes_one() -> None:
    pending = [collecting(1, EVENING), collecting(2, utc(2, 18), -400), collecting(3, None, 5)]
    whole, carried = closing.merge(pending, now=NOON)
    assert (whole.settlement_id, whole.sums.total_minor, whole.sums.item_count) == (stl(1), 605, 3)
    assert [(each.settlement_id, each.holder_id) for each in carried] == [(stl(2), stl(1)), (stl(3), stl(1))]


def test_nothing_of_a_merchant_on_hold_is_closed_or_carried() -> None:
    held = daily("18:00", hold_reason=MerchantStanding.SUSPENDED)
    found = closing.review(held, [collecting(1, EVENING), collecting(2, utc(2, 18), -5)], view=SEEN, now=EVENING)
    assert (found.closed, found.carried) == ([], [])
    assert [(each.settlement_id, each.due_at) for each in found.kept] == [(stl(1), None)]


def test_what_is_due_in_a_zone_that_is_not_known_stays_at_its_cut_off_and_is_looked_at_again() -> None:
    found = closing.review(ZONE_UNKNOWN, [collecting(1, EVENING), collecting(2, utc(2, 18))], view=SEEN, now=EVENING)
    assert (found.closed, found.carried) == ([], [])
    assert [(each.cut_off_at, each.due_at) for each in found.kept] == [(EVENING, EVENING + RETRY_AFTER)]


@pytest.mark.parametrize(("due_at", "expected"), [(None, NOON + RETRY_AFTER), (NOON, NOON)])
def test_what_collects_in_a_zone_that_is_not_known_is_looked_at_again(
    due_at: datetime | None, expected: datetime
) -> None:
    assert closing.due_after_collecting(ZONE_UNKNOWN, "USD", total_minor=1, due_at=due_at, now=NOON) == expected


def test_what_is_full_is_closed_at_its_time_beside_what_collects_there() -> None:
    full = collecting(1, EVENING, AMOUNT_MINOR_MAX, is_full=True)
    found = closing.review(DAILY, [full, collecting(2, EVENING, 5)], view=SEEN, now=EVENING)
    assert [event.total_minor for _, event in found.closed] == [5, AMOUNT_MINOR_MAX]
    assert (found.carried, found.kept) == ([], [])


def test_what_two_cut_offs_collected_stays_apart_where_one_cannot_hold_both() -> None:
    changed = daily("18:00", delay_days=0)
    pending = [collecting(1, utc(1, 10), AMOUNT_MINOR_MAX), collecting(2, EVENING, 5)]
    found = closing.review(changed, pending, view=Consumption(EVENING, (), {}), now=EVENING)
    assert sorted(event.total_minor for _, event in found.closed) == [5, AMOUNT_MINOR_MAX]
    assert found.carried == []


def test_what_is_too_small_for_its_threshold_stays_apart_where_the_next_cannot_hold_it() -> None:
    high = daily("18:00", thresholds={"USD": AMOUNT_MINOR_MAX})
    pending = [collecting(1, EVENING, 10), collecting(2, utc(2, 18), AMOUNT_MINOR_MAX)]
    found = closing.review(high, pending, view=SEEN, now=EVENING)
    (kept,) = found.kept
    assert (kept.settlement_id, kept.is_full, kept.cut_off_at, kept.due_at) == (stl(1), True, utc(2, 18), utc(2, 18))
    assert (found.closed, found.carried) == ([], [])


def test_a_request_settles_what_takes_from_the_merchant_first_and_as_much_as_one_can_hold() -> None:
    pending = [
        collecting(1, None, AMOUNT_MINOR_MAX, is_full=True),
        collecting(2, None, AMOUNT_MINOR_MAX - 3, is_full=True),
        collecting(3, None, -4),
        collecting(4, EVENING, 5),
    ]
    whole, carried = closing.merge(pending, now=NOON)
    # -4 + 5 + (2^53 - 4) = 2^53 - 3; with the first it would be too much.
    assert (whole.settlement_id, whole.sums.total_minor) == (stl(2), AMOUNT_MINOR_MAX - 2)
    assert ids(carried) == [stl(3), stl(4)]


@pytest.mark.parametrize(
    ("policy", "cut_off", "now", "is_due"),
    [
        (DAILY, EVENING, EVENING - LOOK_AGAIN, False),
        (DAILY, EVENING, EVENING, True),
        (daily("18:00", delay_days=2), EVENING, utc(3, 17), False),
        (daily("18:00", delay_days=2), EVENING, utc(3, 18), True),
        (daily("18:00", delay_days=1, business_days=True), EVENING, utc(2, 17), False),  # A Sunday; due on Monday.
        (daily("18:00", delay_days=1, business_days=True), EVENING, utc(2, 18), True),
        (DAILY, None, NOON, False),  # Collected before the policy had cut-offs.
        (MANUAL, None, NOON, True),
        (threshold(USD=5), None, NOON, True),
    ],
)
def test_a_request_may_settle_what_has_passed_its_days_of_delay(
    policy: Policy,
    cut_off: datetime | None,
    now: datetime,
    is_due: bool,  # noqa: FBT001
) -> None:
    pending = [collecting(1, cut_off)]
    assert closing.settleable(policy, pending, now=now) == (pending if is_due else [])


CUT_OFFS = st.lists(st.integers(1, 12), unique=True, min_size=1, max_size=6)
POLICIES = st.sampled_from(
    [daily("18:00"), daily("18:00", delay_days=3), daily("07:00", "Asia/Tokyo"), weekly(3), threshold(USD=500), MANUAL]
)


@given(
    policy=POLICIES,
    days=CUT_OFFS,
    totals=st.lists(st.integers(-1_000, 1_000), min_size=6, max_size=6),
    now=st.integers(0, 24 * 14).map(lambda after: NOON + hours(after)),
)
def test_nothing_is_lost_or_counted_twice_and_no_two_are_left_at_one_place(
    policy: Policy, days: list[int], totals: list[int], now: datetime
) -> None:
    pending = [collecting(day, utc(day, 18), totals[i]) for i, day in enumerate(days)]
    found = closing.review(policy, pending, view=Consumption(now, (), {}), now=now)
    after = {each.settlement_id: each for each in pending}
    after |= {each.settlement_id: each for each in [*found.carried, *found.kept, *(each for each, _ in found.closed)]}
    assert len(after) == len(pending)
    assert sum(each.sums.total_minor for each in after.values()) == sum(totals[: len(days)])
    assert sum(each.sums.item_count for each in after.values()) == len(days)
    left = [each.cut_off_at for each in after.values() if each.state is SettlementState.PENDING]
    assert len(left) == len(set(left))
    holders = {after[each.holder_id].state for each in found.carried}
    assert holders <= {SettlementState.PENDING, SettlementState.CREATED}


@given(
    days=CUT_OFFS,
    totals=st.lists(st.integers(-1_000, 1_000), min_size=6, max_size=6),
    since_minor=st.none() | st.integers(-1_000, 499),
)
def test_a_threshold_that_is_reached_after_a_change_of_policy_is_never_left_without_a_time(
    days: list[int], totals: list[int], since_minor: int | None
) -> None:
    pending = [collecting(day, utc(day, 18), totals[i], due_at=NOON) for i, day in enumerate(days)]
    if since_minor is not None:  # Below the threshold, so that nothing has it looked at.
        pending.append(collecting(99, None, since_minor))
    found = look(threshold(USD=500), *pending)
    whole_minor = sum(totals[: len(days)]) + (since_minor or 0)
    assert [event.total_minor for _, event in found.closed] == [whole_minor] * (whole_minor >= 500)
