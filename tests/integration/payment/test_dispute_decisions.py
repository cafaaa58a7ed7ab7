"""What channels decide of disputes, in rows and events: in part, anew, above what is left, and against it all."""

from datetime import timedelta
from typing import Any

import pytest

from paykit.testing.runtimes import START
from paystream.common.v1 import contradiction_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.refund import RefundExceedsRefundable
from tests.integration.payment.conftest import House
from tests.integration.payment.contradicting import RESOLUTION, approve, only_contradiction, propose
from tests.integration.payment.disputing import DUE, LOST, OPENED, WON, accept, channel, charge, contest, report, usd

__all__ = ["channel"]

INQUIRY, PRE_ARBITRATION = pb.DISPUTE_STAGE_INQUIRY, pb.DISPUTE_STAGE_PRE_ARBITRATION


async def told(house: House, payment_id: str) -> list[Any]:
    """The events after the payment's own."""
    return [event for event in await house.told(payment_id) if "Dispute" in type(event).__name__]


async def told_types(house: House, payment_id: str) -> list[str]:
    return [type(event).__name__ for event in await told(house, payment_id)]


async def part_captures(house: House) -> tuple[str, list[str]]:
    """A payment of 2,000 in two captures of 1,000: its id, and those of their attempts."""
    authorized = await house.authorized(amount=usd(2_000))
    for _ in range(2):
        await house.capture(authorized.payment_id, 1_000)
        await house.submit()
    attempts = await house.attempts(authorized.payment_id)
    captures = [attempt.attempt_id for attempt in attempts if attempt.action == pb.ATTEMPT_ACTION_CAPTURE]
    return authorized.payment_id, captures


async def test_two_disputes_of_1_000_on_the_first_of_two_captures_the_second_is_above_what_is_left(
    house: House,
) -> None:
    payment_id, [first, second] = await part_captures(house)
    once = await report(house, first, OPENED, dispute_reference="chd_1", amount=usd(1_000))
    again = await report(house, first, OPENED, dispute_reference="chd_2", amount=usd(1_000))

    assert (once.held_minor, once.excess_minor) == (1_000, 0)
    assert (again.held_minor, again.excess_minor) == (0, 1_000)
    assert once.capture_id == again.capture_id
    assert (await house.get(payment_id)).disputed_minor == 1_000
    other = await report(house, second, OPENED, dispute_reference="chd_3", amount=usd(1_000))
    assert (other.held_minor, other.excess_minor) == (1_000, 0)
    rows = await house.runtime.read(lambda tx: tx.fetch("SELECT disputed_minor FROM capture ORDER BY capture_id"))
    assert [row[0] for row in rows] == [1_000, 1_000]
    # Lost, the merchant owes what could not be held.
    lost = await report(house, first, LOST, dispute_reference="chd_2", amount=usd(1_000))
    assert (lost.lost_minor, lost.owed_minor) == (1_000, 1_000)
    event = (await told(house, payment_id))[-1]
    assert (event.excess_lost_minor, event.returned_minor, event.excess_returned_minor) == (1_000, 0, 0)


async def test_above_what_is_left_a_dispute_is_recorded_with_its_deadline(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    await house.refund(payment_id, 7_000)
    opened = await report(house, attempt_id, OPENED, amount=usd(5_000))
    assert (opened.held_minor, opened.excess_minor, opened.state) == (3_000, 2_000, pb.DISPUTE_STATE_OPENED)
    assert opened.respond_by_time.ToDatetime(DUE.tzinfo) == DUE
    event, exceeded = await told(house, payment_id)
    assert (event.amount_minor, event.excess_minor) == (5_000, 2_000)
    assert (exceeded.amount_minor, exceeded.held_minor, exceeded.excess_minor) == (5_000, 3_000, 2_000)
    lost = await accept(house, opened.dispute_id)
    assert (lost.lost_minor, lost.owed_minor) == (5_000, 2_000)


async def test_5_000_lost_for_2_000_are_2_000_lost_and_3_000_back(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    await report(house, attempt_id, OPENED, amount=usd(5_000))
    lost = await report(house, attempt_id, LOST, amount=usd(2_000))

    assert (lost.state, lost.lost_minor, lost.contradicted) == (pb.DISPUTE_STATE_LOST, 2_000, False)
    assert (await house.get(payment_id)).disputed_minor == 2_000
    _, event = await told(house, payment_id)
    assert (event.amount_minor, event.returned_minor) == (5_000, 3_000)
    await house.refund(payment_id, 8_000)
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(payment_id, 1)


async def test_lost_then_won_books_back_and_then_lost_again_in_pre_arbitration(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    await report(house, attempt_id, OPENED)
    await report(house, attempt_id, LOST)
    won = await report(house, attempt_id, WON)
    assert (won.state, won.lost_minor, won.contradicted) == (pb.DISPUTE_STATE_WON, 0, True)
    assert (await house.get(payment_id)).disputed_minor == 0
    assert await report(house, attempt_id, LOST) == won  # A duplicate of the first word.

    counted = await report(house, attempt_id, OPENED, stage=PRE_ARBITRATION)
    assert (counted.state, counted.stage) == (pb.DISPUTE_STATE_OPENED, PRE_ARBITRATION)
    assert (await house.get(payment_id)).disputed_minor == 4_000
    contested = await contest(house, won.dispute_id, "once more")
    assert contested.state == pb.DISPUTE_STATE_CONTESTED
    lost = await report(house, attempt_id, LOST, stage=PRE_ARBITRATION)
    assert (lost.state, lost.lost_minor) == (pb.DISPUTE_STATE_LOST, 4_000)
    turns = [event for event in await told(house, payment_id) if type(event).__name__ == "DisputeOverturned"]
    assert [(event.outcome, event.settlement_minor, event.receivable_minor) for event in turns] == [
        ("WON", 4_000, 0),
        ("LOST", 4_000, 0),
    ]
    assert len({event.overturn_id for event in turns}) == 2
    listed = await only_contradiction(house)
    assert (listed.state, listed.kind) == (
        contradiction_pb2.CONTRADICTION_STATE_AUTOMATIC,
        contradiction_pb2.CONTRADICTION_KIND_DECISION_OVERTURNED,
    )


async def test_an_inquiry_holds_nothing_and_may_become_a_chargeback_with_its_fee(house: House) -> None:
    await house.know_merchant(aggregate_version=3, dispute_fee_minor=1_500)
    payment_id, attempt_id = await charge(house)
    inquired = await report(house, attempt_id, OPENED, stage=INQUIRY, category="10.4")
    assert (inquired.state, inquired.stage, inquired.category) == (pb.DISPUTE_STATE_OPENED, INQUIRY, "10.4")
    assert (inquired.held_minor, inquired.fee_minor) == (0, 0)
    assert (await house.get(payment_id)).disputed_minor == 0
    await contest(house, inquired.dispute_id, "it was delivered")
    opened = await report(house, attempt_id, OPENED)
    assert (opened.state, opened.held_minor, opened.fee_minor) == (pb.DISPUTE_STATE_OPENED, 4_000, 1_500)
    assert (opened.evidence, opened.category) == ("", "10.4")
    won = await report(house, attempt_id, WON)
    assert won.fee_returned_minor == 1_500
    events = await told(house, payment_id)
    assert [type(event).__name__ for event in events] == [
        *("DisputeInquiryOpened", "DisputeContested", "DisputeOpened", "DisputeWon"),
    ]
    assert (events[2].fee_minor, events[3].fee_returned_minor) == (1_500, 1_500)


async def test_an_inquiry_that_ends_is_closed(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    await report(house, attempt_id, OPENED, stage=INQUIRY)
    closed = await report(house, attempt_id, WON)
    assert closed.state == pb.DISPUTE_STATE_CLOSED
    assert await told_types(house, payment_id) == ["DisputeInquiryOpened"]


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ({"amount": Money(amount_minor=4_000, currency_code="JPY")}, "OPENED"),
        ({"outcome": WON, "amount": usd(4_001)}, "OPENED"),
    ],
    ids=["another currency", "more than there was"],
)
async def test_what_no_rule_decides_two_people_end(house: House, said: dict[str, Any], recorded: str) -> None:
    payment_id, attempt_id = await charge(house)
    await report(house, attempt_id, OPENED)
    marked = await report(house, attempt_id, said.pop("outcome", OPENED), **said)
    assert (marked.state, marked.contradicted) == (pb.DISPUTE_STATE_OPENED, True)
    assert (await house.get(payment_id)).disputed_minor == 4_000
    assert (await told(house, payment_id))[-1].needs_decision

    listed = await only_contradiction(house)
    assert (listed.state, listed.recorded) == (contradiction_pb2.CONTRADICTION_STATE_OPEN, recorded)
    assert (listed.subject_id, listed.aggregate_id) == (marked.dispute_id, payment_id)
    await propose(house, listed.contradiction_id, RESOLUTION.CONTRADICTION_RESOLUTION_NONE)
    ended = await approve(house, listed.contradiction_id)
    assert ended.state == contradiction_pb2.CONTRADICTION_STATE_RESOLVED


async def test_a_reference_told_of_another_attempt_is_kept_against_the_dispute_that_has_it(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    known = await report(house, attempt_id, OPENED)
    other_id, other_attempt = await charge(house)
    answer = await report(house, other_attempt, OPENED)

    assert (answer.dispute_id, answer.contradicted) == (known.dispute_id, True)
    assert (await only_contradiction(house)).attempt_id == other_attempt
    assert await told_types(house, payment_id) == ["DisputeOpened", "DisputeContradicted"]
    assert await told_types(house, other_id) == []
    assert await report(house, other_attempt, OPENED) == answer


async def test_what_is_older_than_the_decision_on_record_changes_nothing(house: House) -> None:
    payment_id, attempt_id = await charge(house)
    lost = await report(house, attempt_id, LOST, occur_time=START)
    assert await report(house, attempt_id, WON, occur_time=START - timedelta(hours=1)) == lost
    won = await report(house, attempt_id, WON, occur_time=START + timedelta(hours=1))
    assert won.state == pb.DISPUTE_STATE_WON
    assert await house.count("dispute_report") == 3
    assert (await told_types(house, payment_id))[-1] == "DisputeOverturned"
