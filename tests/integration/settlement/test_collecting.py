"""What the ledger books becomes items of settlements that collect, on a real database."""

import asyncio
from datetime import timedelta

from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.sums import Sums
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import (
    ALICE,
    BOB,
    NOON,
    booked,
    capture,
    daily,
    entry,
    hours,
    merchant,
    refund,
    threshold,
    utc,
    weekly,
)


async def test_captures_fees_and_refunds_are_summed_up_per_merchant_and_currency(till: Till) -> None:
    await till.policy(daily())
    await till.consume(
        capture(1, 10_000, 320),
        capture(2, 500, currency_code="JPY"),
        refund(1, 4_000, 128),
        capture(3, 700, merchant_id=BOB),
    )
    yen, dollars = sorted(await till.settlements(), key=lambda each: each.currency_code)
    assert (dollars.currency_code, yen.currency_code) == ("USD", "JPY")
    assert dollars.sums == Sums(item_count=2, payments_minor=10_000, refunds_minor=-4_000, fees_minor=-192)
    assert dollars.sums.total_minor == 5_808
    assert yen.sums == Sums(item_count=1, payments_minor=500)
    assert [each.sums.total_minor for each in await till.settlements(BOB)] == [700]
    assert {each.state for each in (yen, dollars)} == {SettlementState.PENDING}


async def test_a_transaction_delivered_again_changes_nothing(till: Till) -> None:
    await till.policy(daily())
    await till.consume(capture(1))
    assert await till.consume(capture(1), capture(2), capture(1), capture(2)) == [None] * 4
    (each,) = await till.settlements()
    assert each.sums == Sums(item_count=2, payments_minor=2_000)
    assert len(await till.items(each.settlement_id)) == 2


async def test_a_transaction_delivered_again_after_its_settlement_closed_changes_nothing(till: Till) -> None:
    await till.policy(threshold(USD=1_000))
    await till.consume(capture(1))
    await till.close()
    await till.consume(capture(1))
    assert [each.sums.item_count for each in await till.settlements()] == [1]


async def test_a_journal_between_merchants_is_an_item_of_each(till: Till) -> None:
    move = booked("Move", "m-1", [entry("merchant.settlement", -9, ALICE), entry("merchant.settlement", 9, BOB)])
    await till.consume(move)
    assert [each.sums.adjustments_minor for each in await till.settlements(ALICE)] == [-9]
    assert [each.sums.adjustments_minor for each in await till.settlements(BOB)] == [9]


async def test_transactions_that_touch_no_settlement_account_are_no_items(till: Till) -> None:
    hold = [entry("merchant.available", -5), entry("merchant.withdrawing", 5)]
    assert await till.consume(booked("WithdrawalCreated", "wdr_1", hold)) == [None]
    assert await till.settlements() == []


async def test_each_item_is_collected_for_the_cut_off_that_follows_its_effective_time(till: Till) -> None:
    await till.policy(daily("18:00", "Europe/Berlin", delay_days=1))  # 17:00 UTC in winter.
    at = [utc(1, 11), utc(1, 17), utc(1, 17, 1), utc(28, 16, month=2)]
    await till.consume(*(capture(number, 100 + number, at=moment) for number, moment in enumerate(at)))
    assert [(each.cut_off_at, each.due_at, each.sums.total_minor) for each in await till.settlements()] == [
        (utc(28, 17, month=2), utc(1, 17), 103),
        (utc(1, 17), utc(2, 17), 100 + 101),
        (utc(2, 17), utc(3, 17), 102),
    ]


async def test_an_item_that_comes_when_its_cut_off_is_settled_goes_to_the_earliest_left(till: Till) -> None:
    await till.policy(daily("18:00", delay_days=1))
    await till.consume(capture(1, 100, at=utc(1, 12)))
    till.clock.advance(hours(30))  # 2 March, 18:00: the cut-off of 1 March is settled.
    await till.close()
    await till.consume(capture(2, 200, at=utc(1, 13)), capture(3, 300, at=utc(2, 19)))
    assert [(each.cut_off_at, each.state, each.sums.total_minor) for each in await till.settlements()] == [
        (utc(1, 18), SettlementState.CREATED, 100),
        (utc(2, 18), SettlementState.PENDING, 200),
        (utc(3, 18), SettlementState.PENDING, 300),
    ]


async def test_an_item_that_comes_while_its_cut_off_is_due_and_not_closed_still_counts_there(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 100, at=utc(1, 12)))
    till.clock.advance(hours(6.5))
    await till.consume(capture(2, 200, at=utc(1, 13)), capture(3, 300, at=utc(1, 18, 10)))
    assert [(each.cut_off_at, each.sums.total_minor) for each in await till.settlements()] == [
        (utc(1, 18), 300),
        (utc(2, 18), 300),
    ]


async def test_what_comes_before_its_merchant_is_known_waits_for_the_policy(till: Till) -> None:
    await till.consume(capture(1, 100), capture(2, 200))
    assert [(each.cut_off_at, each.due_at) for each in await till.settlements()] == [(None, None)]
    await till.policy(weekly(1, "09:00"))
    await till.consume(capture(3, 300))
    await till.close()
    (each,) = [each for each in await till.settlements() if each.state is SettlementState.PENDING]
    assert (each.cut_off_at, each.due_at, each.sums.total_minor) == (utc(2, 9), utc(2, 9), 600)


async def test_items_are_listed_in_the_order_of_their_times_wherever_they_came_in(till: Till) -> None:
    await till.consume(capture(1, 100, at=NOON - hours(1)))
    await till.policy(daily("18:00"))
    await till.consume(capture(2, 200, at=NOON - hours(3)), capture(3, 300, at=NOON))
    await till.close()
    (each,) = [each for each in await till.settlements() if each.state is SettlementState.PENDING]
    items = await till.items(each.settlement_id)
    assert [placed.item.amount_minor for placed in items] == [200, 100, 300]
    assert {placed.settlement_id for placed in items} == {each.settlement_id}


async def test_two_consumers_that_begin_to_collect_at_once_share_one_settlement(till: Till) -> None:
    await till.policy(daily())
    batches = [[capture(100 * partition + number, 10) for number in range(20)] for partition in range(6)]
    await asyncio.gather(*(till.consume(*batch) for batch in batches))
    assert [each.sums for each in await till.settlements()] == [Sums(item_count=120, payments_minor=1_200)]


async def test_totals_beyond_64_bits_are_kept_exactly(till: Till) -> None:
    largest = 2**53 - 1
    for start in range(0, 1_100, 100):
        await till.consume(*(refund(number, largest) for number in range(start, start + 100)))
    (each,) = await till.settlements()
    assert each.sums.total_minor == -1_100 * largest < -(2**63)


async def test_a_newer_policy_is_kept_and_an_older_one_changes_nothing(till: Till) -> None:
    await till.consume(merchant(daily("18:00"), version=2), merchant(daily("07:00"), version=1))
    await till.consume(merchant(daily("08:00"), version=1))
    assert await till.rows("SELECT cut_off_time, aggregate_version FROM merchant") == [("18:00", 2)]


async def test_an_event_of_the_merchant_leaves_what_is_pending_open_until_its_time(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1))
    await till.policy(daily("18:00"), version=2)
    await till.close()
    (each,) = await till.settlements()
    assert (each.state, each.cut_off_at, each.due_at) == (SettlementState.PENDING, utc(1, 18), utc(1, 18))
    till.clock.advance(timedelta(hours=6))
    await till.close()
    assert [each.state for each in await till.settlements()] == [SettlementState.CREATED]
