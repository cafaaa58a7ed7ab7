"""Negative balances: made up for from available funds, then from reserves, and told of."""

import asyncio

from paystream.settlement.v1 import events
from services.settlement import store
from services.settlement.domain.balance import LOOK_AGAIN_AFTER
from services.settlement.domain.fund_transfer import ASK_AGAIN_AFTER
from services.settlement.domain.settlement import Settlement
from services.settlement.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import (
    ALICE,
    BOB,
    MANUAL,
    capture,
    daily,
    hours,
    journal,
    moved,
    refund,
    rejected,
    settled,
)


async def settled_capture(till: Till, amount_minor: int = 10_000, fee_minor: int = 320) -> None:
    """Have a capture settled and booked."""
    await till.consume(capture(1, amount_minor, fee_minor))
    assert isinstance(await till.create(), Settlement)
    await till.book()


async def test_a_refund_after_settlement_is_made_up_for_from_available_funds(till: Till) -> None:
    # 10,000 less a fee of 320 settled, 10,000 refunded: 9,680 come back, 320 stay missing.
    await till.policy(MANUAL)
    await settled_capture(till)
    await till.consume(refund(1, 10_000))
    before = await till.position()
    assert (before.settlement_minor, before.available_minor, before.total_minor) == (-10_000, 9_680, -320)
    assert await till.recover() == 1
    event = await till.last(events.BalanceRecovered)
    assert (event.amount_minor, event.settlement_minor, event.receivable_minor) == (9_680, 9_680, 0)
    assert (event.settlement_id, event.aggregate_version, event.actor) == (event.recovery_id, 1, None)
    await till.recover()
    assert (await till.told_names()).count("BalanceRecovered") == 1  # One in flight.
    await till.consume(moved(event), moved(event))
    after = await till.position()
    assert (after.settlement_minor, after.available_minor, after.total_minor) == (-320, 0, -320)
    await till.recover()
    assert (await till.told_names()).count("BalanceRecovered") == 1


async def test_a_balance_below_zero_is_told_once_and_listed_until_it_is_lifted(till: Till) -> None:
    await till.policy(MANUAL)
    await settled_capture(till)
    await till.consume(refund(1, 10_000))
    await till.book()
    await till.recover()
    event = await till.last(events.MerchantBalanceNegative)
    assert (event.balance_minor, event.receivable_minor, event.aggregate_version) == (-320, 0, 1)
    assert event.settlement_id == f"{ALICE}:USD"
    assert await listed(till) == [(ALICE, -320)]
    assert await till.runtime.read(store.count_negative) == (1, 0.0)
    await till.consume(capture(2, 320))
    till.clock.advance(LOOK_AGAIN_AFTER)
    await till.recover()
    assert (await listed(till), (await till.told_names()).count("MerchantBalanceNegative")) == ([], 1)
    await till.consume(refund(2, 1))
    await till.recover()
    again = await till.last(events.MerchantBalanceNegative)
    assert (again.balance_minor, again.aggregate_version) == (-1, 2)


async def listed(till: Till) -> list[tuple[str, int]]:
    rows = await till.runtime.read(lambda tx: store.negative_balances(tx, "", after=None, limit=10))
    return [(each.position.merchant_id, each.position.total_minor) for each in rows]


async def test_what_available_funds_do_not_cover_comes_from_the_oldest_reserve(till: Till) -> None:
    # Two settlements of 10,000 hold 1,000 each; 18,000 are available, of which a journal leaves 500.
    await till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=30))
    await till.consume(capture(1, 10_000))
    await till.create()
    await till.book()
    till.clock.advance(hours(1))
    await till.consume(capture(2, 10_000))
    await till.create()
    await till.book()
    await till.consume(journal(1, available=-17_500))
    await till.consume(refund(1, 2_000))
    await till.recover()
    await till.book()
    recovered = [each for each in await till.told() if isinstance(each, events.BalanceRecovered)]
    consumed = [each for each in await till.told() if isinstance(each, events.ReserveConsumed)]
    assert [each.amount_minor for each in recovered] == [500]
    assert [each.amount_minor for each in consumed] == [1_000, 500]
    first, second = [each for each in await till.told() if isinstance(each, events.SettlementCreated)]
    assert [each.settlement_id for each in consumed] == [first.settlement_id, second.settlement_id]
    position = await till.position()
    assert (position.settlement_minor, position.available_minor, position.reserve_minor) == (0, 0, 500)
    assert "MerchantBalanceNegative" not in await till.told_names()


async def sold_again_and_refunded(till: Till) -> events.SettlementCreated:
    """Have 9,000 available and 1,000 in reserve, and 30,000 be settled and refunded before the ledger books it."""
    await till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=30))
    await settled_capture(till, fee_minor=0)
    till.clock.advance(hours(1))
    await till.consume(capture(2, 30_000))
    await till.create()
    await till.consume(refund(2, 30_000))
    await till.recover()
    recovered = await till.last(events.BalanceRecovered)
    assert recovered.amount_minor == 9_000
    await till.consume(moved(recovered))
    await till.recover()
    return await till.last(events.SettlementCreated)


async def test_no_reserve_is_consumed_while_the_ledger_is_about_to_make_funds_available(till: Till) -> None:
    # 21,000 are missing when nothing is available, and 27,000 come: 6,000 stay, and both reserves.
    closed = await sold_again_and_refunded(till)
    position = await till.position()
    assert (position.pending_minor, position.settling_minor, position.available_minor) == (-21_000, 30_000, 0)
    assert "ReserveConsumed" not in await till.told_names()
    await till.consume(settled(closed))
    await till.recover()
    await till.consume(moved(await till.last(events.BalanceRecovered)))
    position = await till.position()
    assert (position.settlement_minor, position.available_minor, position.reserve_minor) == (0, 6_000, 4_000)
    assert "ReserveConsumed" not in await till.told_names()


async def test_balances_that_waited_for_a_settlement_are_looked_at_once_the_ledger_refuses_it(till: Till) -> None:
    # What it held makes up for what was missing, but for a dispute of 10,000, of which 1,000 are in reserve.
    closed = await sold_again_and_refunded(till)
    await till.consume(refund(1, 10_000))
    await till.recover()
    assert "ReserveConsumed" not in await till.told_names()
    await till.consume(rejected(closed.settlement_id))
    await till.recover()
    assert (await till.last(events.ReserveConsumed)).amount_minor == 1_000


async def test_no_reserve_is_consumed_while_another_is_on_its_way_back(till: Till) -> None:
    # Of two reserves of 1,000 the first is released while 600 are missing: it makes up for them, and the second stays.
    await till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=30))
    for number in (1, 2):
        await till.consume(capture(number, 10_000))
        await till.create()
        await till.book()
        till.clock.advance(hours(24))
    await till.consume(journal(1, available=-18_000))
    till.clock.advance(hours(30 * 24 - 30))
    assert await till.release() == 1
    await till.consume(refund(1, 600))
    await till.recover()
    assert "ReserveConsumed" not in await till.told_names()
    await till.book()
    position = await till.position()
    assert (position.pending_minor, position.available_minor, position.reserve_minor) == (400, 0, 1_000)
    assert "ReserveConsumed" not in await till.told_names()


async def test_funds_that_come_pay_first_what_is_missing_and_then_what_is_owed(till: Till) -> None:
    await till.policy(MANUAL)
    await till.consume(refund(1, 400), journal(1, receivable=250))
    await till.recover()
    assert await till.told_names() == ["MerchantBalanceNegative"]
    await till.consume(journal(2, available=500))
    await till.recover()
    event = await till.last(events.BalanceRecovered)
    assert (event.amount_minor, event.settlement_minor, event.receivable_minor) == (500, 400, 100)
    await till.consume(moved(event))
    position = await till.position()
    assert (position.pending_minor, position.available_minor, position.receivable_minor) == (0, 0, 150)
    assert await listed(till) == [(ALICE, 0)]
    await till.consume(journal(3, available=1_000))
    await till.book()
    position = await till.position()
    assert (position.available_minor, position.receivable_minor) == (850, 0)


async def test_a_recovery_that_the_ledger_refuses_is_tried_again_later_or_when_funds_come(till: Till) -> None:
    await till.policy(MANUAL)
    await settled_capture(till)
    await till.consume(refund(1, 10_000))
    await till.recover()
    first = await till.last(events.BalanceRecovered)
    # A withdrawal took the funds before the ledger was asked; it is told of later.
    await till.consume(rejected(first.recovery_id, "BalanceRecovered"))
    till.clock.advance(LOOK_AGAIN_AFTER / 2)
    await till.recover()
    assert await till.last(events.BalanceRecovered) == first
    await till.consume(journal(1, available=-9_000))
    await till.recover()
    second = await till.last(events.BalanceRecovered)
    assert (second.amount_minor, second.recovery_id != first.recovery_id) == (680, True)
    await till.consume(rejected(second.recovery_id, "BalanceRecovered"))
    till.clock.advance(ASK_AGAIN_AFTER)
    await till.recover()
    assert (await till.told_names()).count("BalanceRecovered") == 3


async def test_what_is_pending_may_make_up_for_itself_and_nothing_is_taken(till: Till) -> None:
    await till.policy(MANUAL)
    await settled_capture(till)
    await till.consume(capture(2, 5_000))
    await till.consume(refund(1, 4_000))
    await till.recover()
    assert "BalanceRecovered" not in await till.told_names()


async def test_merchants_and_currencies_recover_apart(till: Till) -> None:
    for merchant_id in (ALICE, BOB):
        await till.policy(MANUAL, merchant_id=merchant_id)
    await till.consume(refund(1, 100), refund(2, 50, merchant_id=BOB))
    await till.consume(journal(1, available=70), journal(2, available=70, merchant_id=BOB))
    await till.recover()
    recovered = [each for each in await till.told() if isinstance(each, events.BalanceRecovered)]
    assert sorted((each.merchant_id or "", each.amount_minor) for each in recovered) == [(ALICE, 70), (BOB, 50)]


async def test_processes_side_by_side_ask_once(till: Till, runtime_of: RuntimeOf) -> None:
    tills = [till, Till(await runtime_of(SERVICE, clock=till.clock), till.clock)] * 3
    merchants = [f"mer_{number:032x}" for number in range(30)]
    for number, merchant_id in enumerate(merchants):
        await till.consume(refund(number, 100, merchant_id=merchant_id))
        await till.consume(journal(number, available=60, merchant_id=merchant_id))
    await asyncio.gather(*(each.recover() for each in tills))
    recovered = [each for each in await till.told() if isinstance(each, events.BalanceRecovered)]
    assert sorted(each.merchant_id or "" for each in recovered) == merchants


async def test_what_was_told_before_changes_no_balance(till: Till) -> None:
    moves = [journal(1, available=70), journal(2, reserve=30)]
    await till.consume(*moves, *moves)
    await till.consume(*reversed(moves))
    position = await till.position()
    assert (position.available_minor, position.reserve_minor) == (70, 30)
