"""Payouts that the bank sends back, and how a statement counts them and disputes."""

from datetime import timedelta

from paystream.channel.v1 import events
from services.channel import jobs
from services.channel.commands.statement import GRACE_S
from tests.integration.channel.conftest import House, all_of


async def test_a_payout_of_a_fixed_amount_comes_back_once(house: House) -> None:
    paid = await house.pay(19_010)
    kept = await house.pay(1_000)
    assert paid.captured
    for _ in range(2):
        await house.pass_time(seconds=2)

    found = (await house.inquire(paid.attempt_id)).transaction
    assert (found.outcome, found.return_time.seconds - found.create_time.seconds) == (paid.outcome, 2)
    assert not (await house.inquire(kept.attempt_id)).transaction.HasField("return_time")
    assert [(line.operation, line.amount_minor, line.related_no) for line in await house.lines()] == [
        ("PAY", 19_010, "wdr_1"),
        ("PAY", 1_000, "wdr_1"),
        ("RETURN", 19_010, "wdr_1"),
    ]


async def test_processes_side_by_side_bring_each_about_once(house: House) -> None:
    await all_of(*(house.pay(9_010) for _ in range(10)), *(house.authorize(9_011) for _ in range(10)))
    house.clock.advance(timedelta(seconds=2))
    await all_of(*(house.pass_time() for _ in range(4)))
    operations = [line.operation for line in await house.lines()]
    assert (operations.count("RETURN"), operations.count("DISPUTE")) == (10, 10)
    assert await house.count("sequel") == 0


async def test_a_statement_counts_disputes_and_returns_on_the_days_of_their_lines(house: House) -> None:
    await house.authorize(9_011)  # 1.5 % of it is 135.165.
    await house.authorize(9_012)
    await house.pay(9_010)
    await house.pass_time(seconds=3)  # It is after midnight now: all three are undone.
    for reference in await house.references():
        await house.respond(reference, contested=True)
    await house.pass_time(days=1)  # One of the two is won on the third day.
    await house.pass_time(days=1)
    house.clock.advance(timedelta(seconds=GRACE_S))
    await jobs.close_statements(house.runtime)

    closed = [line for line in await house.lines() if isinstance(line, events.ChannelStatementClosed)]
    told = [
        (each.statement_date, each.line_count, each.captured_minor, each.disputed_minor, each.paid_minor)
        for each in closed
    ]
    assert told == [
        ("2026-03-01", 4, 18_023, 0, 9_010),
        ("2026-03-02", 4, 0, 18_023, 0),
        ("2026-03-03", 2, 0, -9_011, 0),
    ]
    assert [(each.returned_minor, each.channel_fee_minor, each.net_minor) for each in closed] == [
        (0, 270, 18_023 - 9_010 - 270),
        (9_010, 0, 9_010 - 18_023),
        (0, 0, 9_011),
    ]
