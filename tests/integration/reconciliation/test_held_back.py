"""Nothing is called missing that lies in a topic which this service has not consumed yet."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from paykit.clock import OffsetClock, SystemClock
from paykit.testing.runtimes import START
from services.reconciliation import jobs
from services.reconciliation.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.reconciliation.matching import Matcher, Topics, consume
from tests.integration.reconciliation.resolving import Desk, booked, entry
from tests.integration.reconciliation.test_ledger import WITHIN_S, booking_of
from tests.unit.accounting.ledger import capture

PAYMENTS, WITHDRAWALS, CHANNELS, LEDGER = "payment.events", "withdrawal.events", "channel.events", "accounting.events"


@pytest.mark.parametrize("ends", [(7,), None], ids=["lagging", "Kafka away"])
@pytest.mark.parametrize("topic", [PAYMENTS, WITHDRAWALS])
async def test_a_line_is_not_called_missing_while_what_moved_may_still_be_told(
    matcher: Matcher, topic: str, ends: tuple[int, ...] | None
) -> None:
    matcher.topics.ends[topic] = ends
    await consume(matcher.runtime, topic, 6)
    await matcher.report(matcher.line(1), matcher.line(2))
    await matcher.match()
    matcher.pass_time(hours=9)
    await matcher.match()
    assert (await matcher.found(), await matcher.statuses()) == ({}, {})

    await matcher.record(matcher.movement(1))
    await consume(matcher.runtime, topic, 7)
    matcher.topics.ends[topic] = (7,)
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1, "MISSING_INTERNAL": 1}
    assert await matcher.found() == {"MISSING_INTERNAL": 1}


async def test_a_movement_is_not_called_missing_while_its_line_may_still_be_told(matcher: Matcher) -> None:
    matcher.topics.ends[CHANNELS] = (3,)
    await matcher.record(matcher.movement(1), matcher.movement(2))
    await matcher.match()
    matcher.pass_time(hours=80)
    await matcher.match()
    assert await matcher.found() == {}

    await matcher.report(matcher.line(1))
    await consume(matcher.runtime, CHANNELS, 3)
    await matcher.match()
    assert await matcher.statuses() == {"MATCHED": 1}
    assert await matcher.found() == {"MISSING_CHANNEL": 1}


async def test_what_nobody_lags_with_is_found_while_another_topic_is_held_back(matcher: Matcher) -> None:
    matcher.topics.ends[CHANNELS] = (3,)
    await matcher.record(matcher.movement(1))
    await matcher.report(matcher.line(2))
    await matcher.match()
    matcher.pass_time(hours=80)
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 1}


async def test_a_topic_that_is_never_consumed_to_its_end_holds_nothing_back_for_ever(matcher: Matcher) -> None:
    matcher.topics.ends[PAYMENTS] = (10,)
    await consume(matcher.runtime, PAYMENTS, 9)
    await matcher.report(matcher.line(1))
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()
    assert await matcher.found() == {}
    # What stood there when the time was over has been consumed, and more has come.
    matcher.topics.ends[PAYMENTS] = (20,)
    await consume(matcher.runtime, PAYMENTS, 11)
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 1}


async def test_lines_that_came_and_were_not_looked_at_keep_their_movements_from_being_called_missing(
    matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MATCHED_AT_ONCE_MAX", 2)
    await matcher.record(*(matcher.movement(number) for number in range(4)))
    await matcher.match()
    matcher.pass_time(hours=80)
    await matcher.report(*(matcher.line(number) for number in range(4)))
    await matcher.match()
    rows = await matcher.runtime.read(lambda tx: tx.fetch("SELECT count(*) FROM discrepancy"))
    assert (rows[0][0], await matcher.statuses()) == (0, {"MATCHED": 4})


@pytest.mark.parametrize(("topic", "told_first"), [(LEDGER, True), (PAYMENTS, False), (WITHDRAWALS, False)])
async def test_what_one_side_has_told_is_not_listed_while_the_other_lags(
    desk: Desk, topic: str, *, told_first: bool
) -> None:
    topics, event = Topics(), capture()
    first, second = (event, booking_of(event)) if told_first else (booking_of(event), event)
    await desk.deliver(first)
    sql = "UPDATE open_booking SET arrive_time = arrive_time - $1::float8 * interval '1 s'"
    await desk.runtime.transaction(lambda tx: tx.run(sql, 3 * WITHIN_S))
    topics.ends[topic] = (5,)
    for _ in range(3):
        await jobs.list_one_sided(desk.runtime, ends_of=topics.ends_of)
    assert await desk.told() == []

    await desk.deliver(second)
    await consume(desk.runtime, topic, 5)
    await jobs.list_one_sided(desk.runtime, ends_of=topics.ends_of)
    assert await desk.told() == []


async def test_a_side_that_was_behind_is_waited_for_by_as_much_longer(desk: Desk) -> None:
    topics, clock = Topics(), desk.runtime.clock
    await desk.deliver(capture())
    await jobs.list_one_sided(desk.runtime, ends_of=topics.ends_of)
    sql = "UPDATE open_booking SET arrive_time = arrive_time - $1::float8 * interval '1 s'"
    await desk.runtime.transaction(lambda tx: tx.run(sql, WITHIN_S + 60))
    topics.ends[LEDGER] = (5,)
    await jobs.list_one_sided(desk.runtime, ends_of=topics.ends_of)
    # Two minutes later it has consumed what stood there two minutes ago, and not what came since.
    clock.advance(timedelta(seconds=120))  # type: ignore[attr-defined]  # A manual clock.
    await consume(desk.runtime, LEDGER, 5)
    topics.ends[LEDGER] = (9,)
    await jobs.list_one_sided(desk.runtime, ends_of=topics.ends_of)
    assert await desk.told() == []
    await desk.runtime.transaction(lambda tx: tx.run(sql, 90))
    await jobs.list_one_sided(desk.runtime, ends_of=topics.ends_of)
    assert [event.kind for event in await desk.told()] == ["NOT_BOOKED"]


async def test_amounts_that_may_have_cleared_meanwhile_are_not_counted_as_overdue(desk: Desk) -> None:
    def overdue() -> float | None:
        labels = {"account_kind": "suspense", "currency_code": "USD"}
        return REGISTRY.get_sample_value("paystream_uncleared_overdue", labels)

    topics, clock = Topics(), desk.runtime.clock
    since = START - timedelta(days=6)
    await desk.deliver(booked("LateCaptureReceived", "cap_1", entry("suspense", -1, 500), effective_at=since))
    await jobs.report_uncleared(desk.runtime, ends_of=topics.ends_of)
    assert overdue() == 0
    topics.ends[LEDGER] = (5,)
    clock.advance(timedelta(days=2))  # type: ignore[attr-defined]  # A manual clock.
    await jobs.report_uncleared(desk.runtime, ends_of=topics.ends_of)
    assert overdue() == 0
    await consume(desk.runtime, LEDGER, 5)
    await jobs.report_uncleared(desk.runtime, ends_of=topics.ends_of)
    assert overdue() == 1


async def test_nothing_is_missing_by_a_clock_that_was_moved_a_moment_ago(runtime_of: RuntimeOf) -> None:
    clock = OffsetClock(SystemClock())
    matcher = Matcher(await runtime_of(SERVICE, clock=clock))
    await matcher.report(matcher.line(1))
    await matcher.match()
    move = "INSERT INTO clock (offset_us) VALUES ($1)"
    await matcher.runtime.transaction(lambda tx: tx.run(move, 2 * 3600 * 1_000_000))
    await matcher.runtime.business_clock.refresh()
    await matcher.match()
    assert await matcher.found() == {}
    matcher.runtime.business_clock._moved_at_s = 0.0  # As if that were long ago.
    await matcher.match()
    assert await matcher.found() == {"MISSING_INTERNAL": 1}
