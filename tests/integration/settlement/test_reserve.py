"""Reserves: released, in part where part of them was consumed, consumed, and held longer."""

from datetime import timedelta

from paykit.consume.delivery import Impossible
from paykit.errors import FieldInvalid, IllegalTransition
from paystream.settlement.v1 import events
from services.settlement import commands
from services.settlement.commands.transferring import ExtendReserve
from services.settlement.domain.fund_transfer import ASK_AGAIN_AFTER, TransferNotFound
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.reserve import ReserveNotHeld
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.sums import Sums
from tests.integration.settlement.till import CAUSE, Till
from tests.unit.settlement.builders import capture, daily, journal, moved, refund, rejected, settled, stl, utc

DAYS = timedelta(days=10)


async def held(till: Till, number: int = 1, amount_minor: int = 50_000) -> Settlement:
    """Give a settlement, COMPLETED, with a reserve of a tenth for ten days."""
    if number == 1:
        await till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=10))
    await till.consume(capture(number, amount_minor))
    made = await till.create()
    assert isinstance(made, Settlement)
    await till.consume(settled(await till.last(events.SettlementCreated)))
    return await now_of(till, made.settlement_id)


async def now_of(till: Till, settlement_id: str) -> Settlement:
    return next(each for each in await till.settlements() if each.settlement_id == settlement_id)


async def released(till: Till) -> events.ReserveReleased:
    """Release what is due; one release is asked for."""
    assert await till.release() == 1
    return await till.last(events.ReserveReleased)


async def test_a_reserve_is_held_released_when_its_days_are_over_and_settled_again(till: Till) -> None:
    kept = await held(till, amount_minor=1_000)
    assert (kept.reserve_held_minor, kept.net_minor, kept.reserve_release_at) == (100, 900, utc(11, 12))
    till.clock.advance(DAYS - timedelta(seconds=1))
    assert await till.release() == 0
    till.clock.advance(timedelta(seconds=1))
    event = await released(till)
    assert await till.release() == 0
    assert (event.amount_minor, event.settlement_id, event.aggregate_version) == (100, kept.settlement_id, 3)
    asked = await now_of(till, kept.settlement_id)
    assert (asked.released_minor, asked.reserve_released_at) == (0, None)  # Not before the ledger has booked it.
    await till.consume(moved(event), moved(event))
    done = await now_of(till, kept.settlement_id)
    assert (done.released_minor, done.reserve_left_minor, done.reserve_released_at) == (100, 0, utc(11, 12))
    await till.consume(capture(2, 1_000, at=utc(11, 12)))
    each = await till.create()
    assert isinstance(each, Settlement)
    assert each.sums == Sums(item_count=2, payments_minor=1_000, reserve_released_minor=100)
    assert (each.reserve_held_minor, each.net_minor) == (100, 1_000)  # Ten percent of what is new.


async def test_a_release_that_the_ledger_refuses_is_tried_in_part(till: Till) -> None:
    # A reserve of 5,000, of which a journal took 3,000: 2,000 can be released.
    kept = await held(till)
    assert kept.reserve_held_minor == 5_000
    await till.consume(journal(1, reserve=-3_000))
    till.clock.advance(DAYS)
    whole = await released(till)
    assert whole.amount_minor == 5_000
    refusal = rejected(whole.release_id or "", "ReserveReleased")
    assert await till.consume(refusal, refusal) == [None, None]
    told = await now_of(till, kept.settlement_id)
    assert (told.released_minor, told.consumed_minor, told.reserve_refusal) == (0, 3_000, "INSUFFICIENT_FUNDS")
    part = await released(till)
    assert (part.amount_minor, part.aggregate_version) == (2_000, 5)
    await till.consume(moved(part))
    done = await now_of(till, kept.settlement_id)
    assert (done.released_minor, done.consumed_minor, done.reserve_left_minor) == (2_000, 3_000, 0)
    assert (done.reserve_due_at, await till.release()) == (None, 0)


async def test_a_reserve_that_is_gone_is_released_no_more(till: Till) -> None:
    kept = await held(till)
    await till.consume(journal(1, reserve=-5_000))
    till.clock.advance(DAYS)
    whole = await released(till)
    await till.consume(rejected(whole.release_id or "", "ReserveReleased"))
    done = await now_of(till, kept.settlement_id)
    assert (done.released_minor, done.consumed_minor, done.reserve_due_at) == (0, 5_000, None)
    assert await till.release() == 0


async def test_a_release_refused_though_the_reserve_seems_whole_is_asked_for_again_later(till: Till) -> None:
    kept = await held(till)
    till.clock.advance(DAYS)
    whole = await released(till)
    await till.consume(rejected(whole.release_id or "", "ReserveReleased", "ACCOUNT_CLOSED"))
    assert await till.release() == 0
    till.clock.advance(ASK_AGAIN_AFTER)
    again = await released(till)
    assert (again.amount_minor, again.release_id != whole.release_id) == (5_000, True)
    assert (await now_of(till, kept.settlement_id)).reserve_refusal == "ACCOUNT_CLOSED"


async def test_of_two_reserves_the_part_that_is_on_its_way_is_not_counted_for_the_other(till: Till) -> None:
    first, second = await held(till, 1), await held(till, 2)
    await till.consume(journal(1, reserve=-3_000))  # 7,000 are left of both.
    till.clock.advance(DAYS)
    assert await till.release() == 2
    one, other = [each for each in await till.told() if isinstance(each, events.ReserveReleased)]
    # The refusal of the second comes before the booking of the first.
    await till.consume(rejected(other.release_id or "", "ReserveReleased"))
    part = await released(till)
    assert part.amount_minor == 2_000
    await till.consume(moved(one), moved(part))
    left = [await now_of(till, each.settlement_id) for each in (first, second)]
    assert sorted((each.released_minor, each.consumed_minor) for each in left) == [(2_000, 3_000), (5_000, 0)]
    assert (await till.position()).reserve_minor == 0


async def test_a_transfer_that_nobody_asked_for_is_a_dead_letter_and_one_of_version_1_is_an_item(till: Till) -> None:
    await held(till)
    (unknown,) = await till.consume(rejected("rsr_" + "0" * 32, "ReserveReleased"))
    assert isinstance(unknown, Impossible)
    assert isinstance(unknown.error, TransferNotFound)
    till.clock.advance(DAYS)
    whole = await released(till)
    await till.consume(moved(whole))
    (late,) = await till.consume(rejected(whole.release_id or "", "ReserveReleased"))
    assert isinstance(late, Impossible)
    assert isinstance(late.error, IllegalTransition)


async def extend(till: Till, settlement_id: str, days: int) -> object:
    item = ExtendReserve(
        settlement_id=settlement_id,
        release_at=till.clock.now() + timedelta(days=days),
        reason="chargebacks rise",
        cause=CAUSE,
    )
    return (await till.runtime.transaction(lambda tx: commands.transferring.extend_reserves(tx, [item])))[0]


async def test_a_reserve_is_held_longer_with_a_reason(till: Till) -> None:
    kept = await held(till)
    await extend(till, kept.settlement_id, 30)
    event = await till.last(events.ReserveExtended)
    assert (event.amount_minor, event.reserve_release_at, event.reason) == (5_000, utc(31, 12), "chargebacks rise")
    assert (event.actor, event.aggregate_version) == ("tester", 3)
    till.clock.advance(DAYS)
    assert await till.release() == 0
    till.clock.advance(timedelta(days=20))
    assert (await released(till)).amount_minor == 5_000
    assert isinstance(await extend(till, kept.settlement_id, 30), ReserveNotHeld)  # It is being released.


async def test_a_reserve_is_never_held_shorter_nor_for_ever(till: Till) -> None:
    kept = await held(till)
    assert isinstance(await extend(till, kept.settlement_id, 10), FieldInvalid)
    assert isinstance(await extend(till, kept.settlement_id, 3_651), FieldInvalid)
    assert isinstance(await extend(till, kept.settlement_id, 11), Settlement)
    assert (await till.told_names()).count("ReserveExtended") == 1


async def test_what_is_consumed_of_a_reserve_is_not_released(till: Till) -> None:
    # 50,000 settled: 45,000 paid out by a journal, 5,000 in the reserve. A refund of 3,000 is made up for from there.
    kept = await held(till)
    await till.consume(journal(1, available=-45_000))
    await till.consume(refund(1, 3_000))
    await till.recover()
    consumed = await till.last(events.ReserveConsumed)
    assert (consumed.amount_minor, consumed.settlement_id) == (3_000, kept.settlement_id)
    till.clock.advance(DAYS)
    assert await till.release() == 0  # One transfer at a time.
    await till.consume(moved(consumed))
    assert (await released(till)).amount_minor == 2_000
    assert (await now_of(till, kept.settlement_id)).state is SettlementState.COMPLETED
    assert stl(1) != kept.settlement_id
