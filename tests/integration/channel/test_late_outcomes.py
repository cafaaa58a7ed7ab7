"""Late outcomes on the channel's books, in its statements and in what it calls back; each value worked out by hand."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from paykit.errors import DomainError
from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import events
from services.channel import jobs
from services.channel.commands.statement import GRACE_S
from services.channel.jobs import callbacks
from tests.integration.channel.conftest import House, all_of
from tests.integration.channel.listening import Listener

_TO_NEXT_DAY = timedelta(days=1)
_GRACE = timedelta(seconds=GRACE_S)


async def pass_time(house: House) -> None:
    """Let every late word be said, and told."""
    for _ in range(2):
        await house.pass_time(seconds=2)
        await all_of(*(callbacks.deliver_callbacks(house.runtime) for _ in range(3)))


def results(listener: Listener) -> list[tuple[int, int]]:
    return [(told.outcome, told.amount.amount_minor) for told in listener.told]


async def lines(house: House) -> list[tuple[str, int]]:
    return [(str(each.operation), each.amount_minor) for each in await house.lines()]


async def test_a_part_is_approved_and_inquiries_and_lines_say_so(house: House) -> None:
    part = await house.authorize(19_013)
    assert (part.outcome, part.amount.amount_minor, part.channel_fee_minor) == (pb.OUTCOME_APPROVED, 15_000, 225)
    assert (await house.inquire(part.attempt_id)).transaction == part
    assert await lines(house) == [("CAPTURE", 15_000)]
    assert (await house.refund(part.channel_reference, 15_001)).decline_code == "refund_exceeds_captured"


async def test_a_capture_that_bounces_is_told_once_with_its_amount(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    made = await house.authorize(9_015, callback_address=address)
    await pass_time(house)
    assert [(told.outcome, told.decline_code) for told in listener.told] == [(2, "reversed")]
    assert (await house.inquire(made.attempt_id)).transaction.outcome == pb.OUTCOME_DECLINED
    assert await lines(house) == [("CAPTURE", 9_015), ("CAPTURE_REVERSED", 9_015)]


async def test_a_second_approval_is_told_under_its_reference_and_can_be_refunded(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    made = await house.authorize(9_014, callback_address=address)
    await pass_time(house)
    (told,) = listener.told
    found = (await house.inquire(made.attempt_id)).transaction
    assert told.channel_reference == found.second_reference != made.channel_reference
    assert results(listener) == [(1, 9_014)]
    refund = await house.refund(found.second_reference, 9_000)
    assert refund.outcome == pb.OUTCOME_APPROVED
    assert await lines(house) == [("CAPTURE", 9_014), ("CAPTURE", 9_014), ("REFUND", 9_000)]


async def test_a_second_approval_over_another_amount_is_told_as_such_even_if_the_first_was_undone_meanwhile(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    made = await house.authorize(10_000, callback_address=address)
    await house.set_outcome(made.attempt_id, "APPROVED_AGAIN", 2_345)
    undone = await house.set_outcome(made.attempt_id, "DECLINED")
    assert (undone.outcome, undone.second_amount.amount_minor) == (pb.OUTCOME_DECLINED, 2_345)
    await pass_time(house)
    assert sorted(results(listener)) == [(1, 2_345), (2, 10_000)]


async def test_a_refund_declined_is_done_after_all_and_called_back(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    charge = await house.authorize(20_000)
    await house.call.DeclineRefunds(
        pb.DeclineRefundsRequest(request_id=str(uuid.uuid4()), attempt_id=charge.attempt_id, count=1), None
    )
    declined = await house.refund(charge.channel_reference, 20_000, callback_address=address)
    assert declined.decline_code == "refund_not_allowed"
    second = await house.refund(charge.channel_reference, 20_000)
    assert second.outcome == pb.OUTCOME_APPROVED
    done = await house.set_outcome(declined.attempt_id, "APPROVED")
    assert done.captured
    await pass_time(house)
    assert results(listener) == [(1, 20_000)]
    assert await lines(house) == [("CAPTURE", 20_000), ("REFUND", 20_000), ("REFUND", 20_000)]


async def test_a_refund_that_came_back_is_told_as_declined(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    charge = await house.authorize(20_000)
    await house.refund(charge.channel_reference, 9_015, callback_address=address)
    await pass_time(house)
    assert results(listener) == [(2, 9_015)]
    assert await lines(house) == [("CAPTURE", 20_000), ("REFUND", 9_015), ("REFUND_RETURNED", 9_015)]


async def test_a_payout_comes_back_short_and_the_bank_says_what_came(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    await house.pay(19_016, callback_address=address)
    await pass_time(house)
    assert [(told.outcome, told.amount.amount_minor) for told in listener.payouts] == [(3, 17_516)]
    assert await lines(house) == [("PAY", 19_016), ("RETURN", 17_516)]


async def test_a_payout_fails_after_all_and_one_that_failed_is_paid_after_all(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    await house.pay(9_015, callback_address=address)
    failed = await house.pay(9_001, callback_address=address)
    await house.set_outcome(failed.attempt_id, "APPROVED")
    await pass_time(house)
    assert sorted((told.outcome, told.amount.amount_minor) for told in listener.payouts) == [(1, 9_001), (2, 9_015)]
    assert await lines(house) == [("PAY", 9_015), ("PAY", 9_001), ("RETURN", 9_015)]


async def test_voids_are_contradicted_both_ways(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    first = await house.authorize(9_018, capture=False)
    second = await house.authorize(9_019, capture=False)
    declined = await house.cancel(first.channel_reference, callback_address=address)
    done = await house.cancel(second.channel_reference, callback_address=address)
    assert (declined.decline_code, done.outcome) == ("processing_error", pb.OUTCOME_APPROVED)
    await pass_time(house)
    assert sorted((told.attempt_id, told.outcome) for told in listener.told) == sorted(
        [(declined.attempt_id, 1), (done.attempt_id, 2)]
    )
    assert (await house.capture(first.channel_reference, 9_018)).decline_code == "authorization_cancelled"
    assert (await house.capture(second.channel_reference, 19)).outcome == pb.OUTCOME_APPROVED
    assert (await house.cancel(second.channel_reference)).outcome == pb.OUTCOME_APPROVED
    await pass_time(house)
    assert (await house.capture(second.channel_reference, 1)).decline_code == "authorization_cancelled"
    assert await lines(house) == [("CAPTURE", 19)]


async def test_the_automatic_refund_of_9017_is_declined_twice(house: House) -> None:
    made = await house.authorize(9_017)
    assert made.outcome == pb.OUTCOME_DECLINED
    await house.pass_time(seconds=2)
    outcomes = [(await house.refund(made.channel_reference, 9_017)).outcome for _ in range(3)]
    assert outcomes == [pb.OUTCOME_DECLINED, pb.OUTCOME_DECLINED, pb.OUTCOME_APPROVED]


@pytest.mark.parametrize("outcome", ["APPROVED", "RETURNED"])
async def test_what_cannot_be_said_is_refused_and_leaves_nothing(house: House, outcome: str) -> None:
    made = await house.authorize(1_000)
    before = await house.lines()
    with pytest.raises(DomainError) as refused:
        await house.set_outcome(made.attempt_id, outcome)
    assert refused.value.reason == "OUTCOME_IMPOSSIBLE"
    with pytest.raises(DomainError) as unknown:
        await house.set_outcome("att_none", outcome)
    assert unknown.value.reason == "ATTEMPT_NOT_FOUND"
    assert await house.lines() == before


async def test_statements_tell_the_acquirers_money_from_the_banks(house: House) -> None:
    """Day one: 30,000 captured, fee 450, 10,000 refunded, 12,000 paid out. Day two: all of it is contradicted."""
    charge = await house.authorize(20_000)
    bounced = await house.authorize(10_000)
    refund = await house.refund(charge.channel_reference, 10_000)
    payout = await house.pay(12_000)
    house.clock.advance(_TO_NEXT_DAY)
    await house.set_outcome(bounced.attempt_id, "DECLINED")
    await house.set_outcome(refund.attempt_id, "DECLINED")
    await house.set_outcome(payout.attempt_id, "RETURNED", 10_500)
    await house.set_outcome(charge.attempt_id, "APPROVED_AGAIN", 2_000)  # 1.5 % of it is 30.
    house.clock.advance(_TO_NEXT_DAY)
    house.clock.advance(_GRACE)
    await jobs.close_statements(house.runtime)
    first, second = [each for each in await house.lines() if isinstance(each, events.ChannelStatementClosed)]
    assert _sums(first) == (30_000, 0, 10_000, 0, 12_000, 0, 450)
    assert (first.acquirer_net_minor, first.bank_net_minor, first.net_minor) == (19_550, -12_000, 7_550)
    assert _sums(second) == (2_000, 10_000, 0, 10_000, 0, 10_500, 30)
    assert (second.acquirer_net_minor, second.bank_net_minor, second.net_minor) == (1_970, 10_500, 12_470)


def _sums(closed: Any) -> tuple[int, ...]:
    return (
        closed.captured_minor,
        closed.reversed_minor,
        closed.refunded_minor,
        closed.refund_returned_minor,
        closed.paid_minor,
        closed.returned_minor,
        closed.channel_fee_minor,
    )
