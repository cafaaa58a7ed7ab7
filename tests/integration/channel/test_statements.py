"""A day's statement is closed once, when no line of it can come any more."""

from datetime import timedelta

from paystream.channel.v1 import events
from paystream.common.v1.money_pb2 import Money
from services.channel import jobs
from services.channel.commands.statement import GRACE_S
from tests.integration.channel.conftest import House, all_of


async def closed(house: House) -> list[events.ChannelStatementClosed]:
    return [line for line in await house.lines() if isinstance(line, events.ChannelStatementClosed)]


async def test_a_statement_sums_its_day_by_currency(house: House) -> None:
    reference = (await house.authorize(2_000)).channel_reference
    await house.authorize(19_006)
    await house.authorize(9_001)
    await house.authorize(500, capture=False)
    await house.refund(reference, 700)
    await house.authorize(3_000, amount=Money(amount_minor=3_000, currency_code="JPY"))
    house.clock.advance(timedelta(seconds=3))
    await house.authorize(123)  # It is after midnight now.

    house.clock.advance(timedelta(seconds=GRACE_S))
    await all_of(*(jobs.close_statements(house.runtime) for _ in range(4)))
    jpy, usd = await closed(house)
    assert (jpy.currency_code, jpy.statement_date, jpy.line_count) == ("JPY", "2026-03-01", 2)
    assert (jpy.captured_minor, jpy.channel_fee_minor, jpy.net_minor) == (3_000, 45, 2_955)
    assert (usd.line_count, usd.captured_minor, usd.refunded_minor, usd.paid_minor) == (4, 21_006, 700, 0)
    # 1.5 % of 2,000 is 30, and of 19,006 285 and one too much.
    assert (usd.channel_fee_minor, usd.net_minor) == (316, 21_006 - 700 - 316)


async def test_a_day_is_not_closed_within_its_grace_nor_twice(house: House) -> None:
    await house.authorize(100)
    house.clock.advance(timedelta(seconds=GRACE_S))
    await jobs.close_statements(house.runtime)
    assert await closed(house) == []
    house.clock.advance(timedelta(seconds=3))
    for _ in range(3):
        await jobs.close_statements(house.runtime)
    assert len(await closed(house)) == 1


async def test_days_without_lines_have_no_statement_and_do_not_hold_up_later_ones(house: House) -> None:
    await house.authorize(100)
    house.clock.advance(timedelta(days=3))
    await jobs.close_statements(house.runtime)
    await house.authorize(200)
    house.clock.advance(timedelta(days=2))
    await jobs.close_statements(house.runtime)
    assert [each.statement_date for each in await closed(house)] == ["2026-03-01", "2026-03-04"]
