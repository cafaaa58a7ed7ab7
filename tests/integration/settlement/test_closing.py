"""Settlements closed by policy and on request, booked or refused by the ledger."""

import asyncio
from datetime import timedelta

from paykit.consume.delivery import Impossible
from paykit.consumption import Consumption
from paykit.errors import CurrencyUnknown, IllegalTransition
from paykit.merchants.standing import MerchantFrozen, MerchantSuspended, MerchantUnknown
from paystream.merchant.v1.events import MerchantStatus
from paystream.settlement.v1 import events
from paystream.settlement.v1.events import SettlementTrigger
from services.settlement.domain.closing import RETRY_AFTER
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.policy import Policy
from services.settlement.domain.settlement import (
    BookingMismatch,
    NothingToSettle,
    Settlement,
    SettlementNotDue,
    SettlementNotFound,
)
from services.settlement.domain.sums import Sums
from services.settlement.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import (
    ALICE,
    BOB,
    MANUAL,
    booking,
    capture,
    daily,
    hours,
    monthly,
    refund,
    rejected,
    stl,
    threshold,
    utc,
)

PENDING, CREATED, COMPLETED, FAILED, CARRIED = SettlementState


async def one(till: Till, state: SettlementState) -> Settlement:
    (each,) = await till.settlements(state=state)
    return each


async def test_a_threshold_closes_with_the_transaction_that_reaches_it(till: Till) -> None:
    await till.policy(threshold(USD=2_000))
    await till.consume(capture(1, 1_999))
    assert await till.close() == 0
    await till.consume(capture(2, 1))
    assert await till.close() == 1
    (event,) = await till.told()
    assert (event.trigger, event.total_minor, event.item_count) == (SettlementTrigger.THRESHOLD, 2_000, 2)
    assert event.correlation_id == event.settlement_id == (await one(till, CREATED)).settlement_id
    assert (event.aggregate_version, event.actor) == (1, None)


async def test_a_threshold_that_was_left_again_closes_nothing(till: Till) -> None:
    await till.policy(threshold(USD=1_000))
    await till.consume(capture(1, 1_000))
    await till.consume(refund(1, 1))
    assert await till.close() == 0
    assert (await one(till, PENDING)).due_at is None


async def test_a_cut_off_closes_what_was_collected_for_it_and_later_items_go_to_the_next(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 100, at=utc(1, 18)), capture(2, 200, at=utc(1, 18, 1)))
    till.clock.advance(timedelta(hours=6))
    await till.close()
    (event,) = await till.told()
    assert (event.trigger, event.cut_off_at, event.total_minor) == (SettlementTrigger.CUT_OFF, utc(1, 18), 100)
    assert (await one(till, PENDING)).sums.total_minor == 200


async def test_a_delay_settles_days_after_the_cut_off(till: Till) -> None:
    await till.policy(daily("18:00", delay_days=2))
    await till.consume(capture(1))
    till.clock.advance(timedelta(hours=53))
    assert await till.close() == 0
    till.clock.advance(timedelta(hours=1))
    assert await till.close() == 1
    assert (await one(till, CREATED)).close_time == utc(3, 18)


async def test_a_cut_off_waits_for_events_on_their_way_and_takes_them_along(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 100))
    till.clock.advance(timedelta(hours=6))
    await till.close(view=Consumption(utc(1, 18), (7, 3), {0: 7, 1: 2}))
    assert (await one(till, PENDING)).noticed_offsets == (7, 3)
    till.clock.advance(timedelta(seconds=1))
    await till.consume(capture(2, 200, at=utc(1, 17)))
    await till.close(view=Consumption(till.clock.now(), None, {0: 7, 1: 3}))
    assert (await one(till, CREATED)).sums.total_minor == 300


async def test_a_cut_off_closes_after_the_grace_whatever_is_on_its_way(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 100))
    till.clock.advance(timedelta(hours=6))
    behind = Consumption(utc(1, 18), (7,), {0: 6})
    await till.close(view=behind)
    till.clock.advance(timedelta(minutes=4, seconds=59))
    await till.close(view=behind)
    assert await till.told() == []
    till.clock.advance(timedelta(seconds=1))
    await till.close(view=behind)
    assert await till.told_names() == ["SettlementCreated"]


async def test_a_negative_total_is_carried_forward_with_its_items(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(refund(1, 500, at=utc(1, 12)), capture(1, 800, at=utc(1, 19)))
    till.clock.advance(timedelta(hours=6))
    await till.close()
    carried, pending = await one(till, CARRIED), await one(till, PENDING)
    assert (carried.holder_id, carried.sums) == (pending.settlement_id, Sums())
    till.clock.advance(timedelta(hours=24))
    await till.close()
    carrying, event = await till.told()
    assert (carrying.settlement_id, carrying.into_settlement_id) == (carried.settlement_id, pending.settlement_id)
    assert (carrying.carried_minor, carrying.item_count) == (-500, 1)
    assert (event.total_minor, event.refunds_minor, event.payments_minor, event.item_count) == (300, -500, 800, 2)
    assert [placed.item.amount_minor for placed in await till.items(pending.settlement_id)] == [-500, 800]
    assert await till.items(carried.settlement_id) == []


async def test_a_policy_that_changes_applies_to_what_is_pending(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 600, at=utc(1, 12)), capture(2, 600, at=utc(1, 19)))
    await till.policy(threshold(USD=1_200), version=2)
    await till.close()
    carrying, event = await till.told()
    assert (carrying.carried_minor, event.total_minor) == (600, 1_200)
    await till.consume(capture(3, 100))
    await till.policy(daily("20:00", delay_days=1), version=3)
    await till.close()
    left = await one(till, PENDING)
    assert (left.cut_off_at, left.due_at, left.sums.total_minor) == (utc(1, 20), utc(2, 20), 100)


async def test_what_comes_to_a_place_where_one_settlement_cannot_hold_both_takes_it_and_the_other_is_full(
    till: Till,
) -> None:
    largest = 2**53 - 1
    await till.policy(daily("18:00"))
    await till.consume(capture(1, largest, at=utc(9, 12)))
    await till.consume(capture(2, 5, at=utc(15, 12)))
    await till.policy(monthly(15, "18:00"), version=2)
    await till.close()
    left = await till.settlements(state=PENDING)
    assert [(each.cut_off_at, each.sums.total_minor, each.is_full) for each in left] == [
        (utc(15, 18), largest, False),
        (utc(15, 18), 5, True),
    ]
    till.clock.advance(hours(14 * 24 + 6))  # To 18:00 on 15 March.
    await till.close()
    assert sorted(each.sums.total_minor for each in await till.settlements(state=CREATED)) == [5, largest]


async def test_a_threshold_reached_by_what_came_before_and_after_a_change_of_policy_is_settled(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 999))
    await till.policy(threshold(USD=1_000), version=2)
    await till.consume(capture(2, 2))
    assert await till.close() == 1
    carrying, event = await till.told()
    assert (carrying.carried_minor, carrying.cut_off_at) == (999, utc(1, 18))
    assert (event.trigger, event.total_minor, event.item_count) == (SettlementTrigger.THRESHOLD, 1_001, 2)


async def test_a_zone_unknown_here_leaves_its_merchant_pending_and_the_others_alone(till: Till) -> None:
    await till.policy(daily("18:00", "Mars/Olympus_Mons"))
    await till.policy(daily("18:00"), merchant_id=BOB)
    await till.consume(capture(1), capture(2, merchant_id=BOB))
    till.clock.advance(timedelta(hours=30))
    await till.close()
    assert [each.state for each in await till.settlements()] == [PENDING]
    assert [each.state for each in await till.settlements(BOB)] == [CREATED]


async def test_a_request_settles_all_that_is_pending_whatever_the_policy(till: Till) -> None:
    await till.policy(daily("18:00", thresholds={"USD": 10_000}))
    await till.consume(capture(1, 100, at=utc(1, 12)), capture(2, 200, at=utc(1, 19)))
    each = await till.create()
    assert isinstance(each, Settlement)
    assert (each.state, each.sums.total_minor, each.trigger) == (CREATED, 300, SettlementTrigger.REQUEST)
    carrying, event = await till.told()
    assert (carrying.into_settlement_id, carrying.carried_minor) == (each.settlement_id, 200)
    assert (event.trigger, event.cut_off_at, event.actor) == (SettlementTrigger.REQUEST, None, "tester")
    assert event.correlation_id == each.correlation_id == "cor_test"
    assert len(await till.items(each.settlement_id)) == 2


async def test_a_request_honours_the_days_of_delay_unless_it_says_why_not(till: Till) -> None:
    await till.policy(daily("18:00", delay_days=2, thresholds={"USD": 10_000}))
    await till.consume(capture(1, 100, at=utc(1, 12)), capture(2, 200, at=utc(1, 19)))
    early = await till.create(override_reason=None)
    assert isinstance(early, SettlementNotDue)
    assert early.metadata == {"due_time": "2026-03-03T18:00:00Z"}
    till.clock.advance(hours(54))  # To 18:00 on 3 March: T+2 of the first, a day too early for the second.
    due = await till.create(override_reason=None)
    assert isinstance(due, Settlement)
    assert (due.sums.total_minor, due.override_reason) == (100, None)
    rest = await till.create(override_reason="closing shop")
    assert isinstance(rest, Settlement)
    assert (rest.sums.total_minor, rest.override_reason) == (200, "closing shop")


async def test_what_is_pending_of_a_suspended_or_frozen_merchant_is_held_until_it_is_active(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1))
    await till.policy(daily("18:00"), version=2, status=MerchantStatus.SUSPENDED)
    till.clock.advance(hours(24))
    await till.consume(capture(2, at=utc(2, 11)))
    assert await till.close() == 1
    assert isinstance(await till.create(), MerchantSuspended)
    assert [(each.state, each.due_at) for each in await till.settlements()] == [(PENDING, None), (PENDING, utc(2, 18))]
    assert await till.told() == []
    await till.policy(daily("18:00"), version=3, frozen=True)
    await till.close()
    assert isinstance(await till.create(), MerchantFrozen)
    assert await till.told() == []
    await till.policy(daily("18:00"), version=4)
    await till.close()
    assert [each.state for each in await till.settlements()] == [CREATED, PENDING]


async def test_a_pending_total_too_large_for_one_settlement_is_settled_in_parts(till: Till) -> None:
    largest = 2**53 - 1
    await till.policy(daily("18:00"))
    await till.consume(capture(1, largest), capture(2, 5), capture(3, largest - 5))
    await till.consume(capture(4, 7))
    totals = sorted(each.sums.total_minor for each in await till.settlements())
    assert totals == [7, largest, largest]
    till.clock.advance(hours(6))
    await till.close()
    parts = await till.settlements(state=CREATED)
    assert sorted(each.sums.total_minor for each in parts) == [7, largest, largest]
    assert [len(await till.items(each.settlement_id)) for each in parts].count(1) == 2
    # What the ledger refuses is pending again, and in parts.
    await till.consume(*(rejected(each.settlement_id) for each in parts))
    assert sum(each.sums.total_minor for each in await till.settlements(state=PENDING)) == 2 * largest + 7
    till.clock.advance(hours(48))
    await till.close()
    assert len(await till.settlements(state=CREATED)) >= 3
    assert await till.settlements(state=PENDING) == []


async def test_a_request_settles_of_a_total_too_large_what_one_settlement_can_hold(till: Till) -> None:
    largest = 2**53 - 1
    await till.policy(MANUAL)
    await till.consume(refund(1, 500))
    await till.consume(capture(1, largest), capture(2, 501))
    first, second = await till.create(), await till.create()
    assert isinstance(first, Settlement)
    assert isinstance(second, Settlement)
    assert (first.sums.total_minor, second.sums.total_minor) == (1, largest)


async def test_a_request_is_refused_for_what_is_not_known_or_not_there(till: Till) -> None:
    await till.policy(MANUAL)
    assert isinstance(await till.create(BOB), MerchantUnknown)
    assert isinstance(await till.create(currency_code="QQQ"), CurrencyUnknown)
    nothing = await till.create()
    assert isinstance(nothing, NothingToSettle)
    assert nothing.metadata == {"pending_minor": "0", "currency_code": "USD"}
    await till.consume(refund(1, 500))
    negative = await till.create()
    assert isinstance(negative, NothingToSettle)
    assert negative.metadata["pending_minor"] == "-500"
    assert await till.told() == []


async def test_a_booked_settlement_is_completed_once(till: Till) -> None:
    await till.policy(threshold(USD=1_000))
    await till.consume(capture(1))
    await till.close()
    settlement_id = (await one(till, CREATED)).settlement_id
    booked = booking(settlement_id, 1_000)
    assert await till.consume(booked, booked) == [None, None]
    assert await till.consume(booked) == [None]
    done = await one(till, COMPLETED)
    assert (done.transaction_id, done.aggregate_version) == (booked.transaction_id, 2)
    _, event = await till.told()
    assert isinstance(event, events.SettlementCompleted)
    assert (event.net_minor, event.transaction_id, event.causation_id) == (
        1_000,
        booked.transaction_id,
        booked.event_id,
    )
    assert event.correlation_id == booked.correlation_id


async def test_bookings_that_cannot_be_are_dead_letters(till: Till) -> None:
    await till.policy(threshold(USD=1_000))
    await till.consume(capture(1))
    await till.close()
    settlement_id = (await one(till, CREATED)).settlement_id
    unknown, other = await till.consume(booking(stl(9), 1_000), booking(settlement_id, 999))
    assert isinstance(unknown, Impossible)
    assert isinstance(unknown.error, SettlementNotFound)
    assert isinstance(other, Impossible)
    assert isinstance(other.error, BookingMismatch)
    await till.consume(booking(settlement_id, 1_000))
    (late,) = await till.consume(rejected(settlement_id))
    assert isinstance(late, Impossible)
    assert isinstance(late.error, IllegalTransition)


async def test_the_items_of_a_refused_settlement_return_and_are_settled_later(till: Till) -> None:
    await till.policy(threshold(USD=1_000))
    await till.consume(capture(1))
    await till.close()
    first = await one(till, CREATED)
    assert await till.consume(rejected(first.settlement_id), rejected(first.settlement_id)) == [None, None]
    failed, pending = await one(till, FAILED), await one(till, PENDING)
    assert (failed.failure_reason, failed.holder_id) == ("INSUFFICIENT_FUNDS", pending.settlement_id)
    assert pending.sums == Sums(item_count=1, payments_minor=1_000)
    assert [type(event) for event in await till.told()] == [events.SettlementCreated, events.SettlementFailed]
    assert await till.close() == 0  # Not at once, or it would go on for ever.
    till.clock.advance(RETRY_AFTER)
    assert await till.close() == 1
    again = await one(till, CREATED)
    assert [placed.item.amount_minor for placed in await till.items(again.settlement_id)] == [1_000]
    assert await till.items(first.settlement_id) == []


async def test_what_a_refused_settlement_had_been_carried_returns_as_well(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(refund(1, 500, at=utc(1, 12)), capture(1, 800, at=utc(1, 19)))
    till.clock.advance(timedelta(hours=30))
    await till.close()
    failed = await one(till, CREATED)
    await till.consume(rejected(failed.settlement_id))
    pending = await one(till, PENDING)
    assert pending.cut_off_at == utc(3, 18)
    assert pending.sums == Sums(item_count=2, payments_minor=800, refunds_minor=-500)
    assert [placed.item.amount_minor for placed in await till.items(pending.settlement_id)] == [-500, 800]


async def test_refusals_of_other_transactions_are_nothing_to_settlements(till: Till) -> None:
    assert await till.consume(rejected("wdr_1", "WithdrawalCreated"), rejected("ref_1", "RefundSuccess")) == [
        None,
        None,
    ]
    assert await till.settlements() == []


async def test_jobs_of_two_processes_close_and_release_everything_once(till: Till, runtime_of: RuntimeOf) -> None:
    tills = [till, Till(await runtime_of(SERVICE, clock=till.clock), till.clock)] * 3
    policy = Policy(
        schedule=threshold().schedule, thresholds={"USD": 1_000}, reserve_basis_points=1_000, reserve_days=1
    )
    merchants = [f"mer_{number:032x}" for number in range(40)]
    for number, merchant_id in enumerate(merchants):
        await till.policy(policy, merchant_id=merchant_id)
        await till.consume(capture(number, merchant_id=merchant_id))
    await asyncio.gather(*(each.close() for each in tills))
    created = await till.told()
    assert sorted(event.merchant_id for event in created) == merchants
    await till.consume(*(booking(each.settlement_id, 1_000, merchant_id=each.merchant_id) for each in created))
    till.clock.advance(hours(24))
    assert sum(await asyncio.gather(*(each.release() for each in tills))) == 40
    assert (await till.told_names()).count("ReserveReleased") == 40


async def test_closing_collecting_and_asking_at_once_lose_nothing(till: Till) -> None:
    await till.policy(threshold(USD=3_000))
    batches = [[capture(100 * turn + number) for number in range(10)] for turn in range(8)]
    work = [till.consume(*batch) for batch in batches]
    await asyncio.gather(*work, *(till.close() for _ in range(8)), *(till.create() for _ in range(8)))
    settlements = await till.settlements(ALICE)
    assert sum(each.sums.total_minor for each in settlements) == 80_000
    listed = [placed for each in settlements for placed in await till.items(each.settlement_id)]
    assert len({placed.item.transaction_id for placed in listed}) == len(listed) == 80
