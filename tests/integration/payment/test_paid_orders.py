"""What payments have paid of orders counts net, and what becomes free after an order was closed goes back."""

from typing import Any

import pytest

from paystream.common.v1 import contradiction_pb2
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.order import OrderAmountExceeded
from tests.integration.payment.capturing import attempt_of
from tests.integration.payment.conftest import ANY, House
from tests.integration.payment.contradicting import approve, contradictions, propose

CLOSINGS = [order_events.OrderCancelled, order_events.OrderExpired]
OPENED, WON, LOST = pb.DISPUTE_OUTCOME_OPENED, pb.DISPUTE_OUTCOME_WON, pb.DISPUTE_OUTCOME_LOST
APPROVED, DECLINED = pb.CHANNEL_OUTCOME_APPROVED, pb.CHANNEL_OUTCOME_DECLINED
CAPTURE, REFUND = pb.ATTEMPT_ACTION_CAPTURE, pb.ATTEMPT_ACTION_REFUND
TAKES_MONEY = {pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_ACTION_CAPTURE}
ACCEPT = contradiction_pb2.CONTRADICTION_RESOLUTION_ACCEPT


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


async def dispute(house: House, payment_id: str, outcome: pb.DisputeOutcome.ValueType, amount_minor: int) -> None:
    """Have the channel say this of a dispute of the payment's charge, or of its first capture."""
    taken = next(attempt for attempt in await house.attempts(payment_id) if attempt.action in TAKES_MONEY)
    request = pb.ReportDisputeRequest(
        attempt_id=taken.attempt_id,
        dispute_reference="chd_1",
        outcome=outcome,
        amount=usd(amount_minor),
        reason=pb.DISPUTE_REASON_FRAUD,
    )
    await house.call.ReportDispute(request, ANY)


async def refunded_and_claimed(house: House, order_id: str) -> str:
    """A payment of 10,000, authorized, of which 4,000 were captured, given back, and then disputed all the same."""
    payment_id = (await house.authorized(order_id=order_id)).payment_id
    await house.capture(payment_id, 4_000)
    await house.submit()
    await house.refund(payment_id, 4_000)
    await house.submit()
    await dispute(house, payment_id, OPENED, 4_000)
    return payment_id


async def close_while_capturing(house: House, payment_id: str, order_id: str) -> pb.Attempt:
    """Close an order while 4,000 more are captured, of which the channel says afterwards that it has them."""
    house.channel.fate = lambda _: "pending"
    captured = await house.capture(payment_id, 4_000)
    await house.submit()
    house.channel.fate = lambda _: "approve"
    await house.know_order(order_events.OrderCancelled, order_id=order_id)
    [attempt] = [each for each in await house.attempts(payment_id) if each.capture_id == captured.capture_id]
    after = await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference)
    await house.submit()
    return after


async def refund_under_way(house: House, payment_id: str, amount_minor: int, **changes: Any) -> pb.Attempt:
    """A refund that was sent and that the channel has not decided."""
    house.channel.fate = lambda _: "pending"
    refund = await house.refund(payment_id, amount_minor, **changes)
    await house.submit()
    house.channel.fate = lambda _: "approve"
    return next(each for each in await house.attempts(payment_id) if each.refund_id == refund.refund_id)


async def left_minor(house: House, order_id: str) -> int:
    """What can still be paid of an order, as the refusal of too much tells."""
    with pytest.raises(OrderAmountExceeded) as refused:
        await house.create(order_id=order_id, amount=usd(1_000_000))
    return int(refused.value.metadata["left_minor"])


async def test_what_was_refunded_can_be_paid_again(house: House) -> None:
    order_id = await house.know_order(total_minor=2_000)
    first = await house.paid(order_id=order_id, amount=usd(1_000))
    await house.refund(first.payment_id, 1_000)
    asked = await left_minor(house, order_id)
    await house.submit()

    # A refund that may still fail gives nothing back to the order.
    assert (asked, await left_minor(house, order_id)) == (1_000, 2_000)
    second = await house.paid(order_id=order_id, amount=usd(2_000))
    assert (await left_minor(house, order_id), second.refunding_minor) == (0, 0)


async def test_what_a_dispute_took_for_good_can_be_paid_again(house: House) -> None:
    order_id = await house.know_order(total_minor=2_000)
    first = await house.paid(order_id=order_id, amount=usd(1_000))
    await dispute(house, first.payment_id, OPENED, 600)
    opened = await left_minor(house, order_id)
    await dispute(house, first.payment_id, LOST, 600)

    assert (opened, await left_minor(house, order_id)) == (1_000, 1_600)


@pytest.mark.parametrize("closing", CLOSINGS)
async def test_a_dispute_won_after_its_order_was_closed_goes_back(house: House, closing: type[Any]) -> None:
    order_id = await house.know_order(total_minor=2_000)
    payment = await house.paid(order_id=order_id, amount=usd(500))
    await dispute(house, payment.payment_id, OPENED, 300)
    await house.know_order(closing, order_id=order_id, total_minor=2_000)
    await house.submit()
    assert (await house.get(payment.payment_id)).refunded_minor == 200

    for _ in range(2):  # Told twice, it goes back once.
        await dispute(house, payment.payment_id, WON, 300)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.refunding_minor, after.disputed_minor) == (500, 0, 0)
    refunds = (await house.call.ListRefunds(pb.ListRefundsRequest(payment_id=payment.payment_id), ANY)).refunds
    assert [(refund.amount.amount_minor, refund.reason) for refund in refunds] == [
        (300, pb.REFUND_REASON_ORDER_CANCELLED),
        (200, pb.REFUND_REASON_ORDER_CANCELLED),
    ]


async def test_a_dispute_lost_after_its_order_was_closed_gives_nothing_back(house: House) -> None:
    order_id = await house.know_order(total_minor=2_000)
    payment = await house.paid(order_id=order_id, amount=usd(500))
    await dispute(house, payment.payment_id, OPENED, 300)
    await house.know_order(order_events.OrderCancelled, order_id=order_id, total_minor=2_000)
    await dispute(house, payment.payment_id, LOST, 300)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.disputed_minor) == (200, 300)


async def test_a_dispute_won_while_its_order_is_open_keeps_its_money(house: House) -> None:
    order_id = await house.know_order(total_minor=2_000)
    payment = await house.paid(order_id=order_id, amount=usd(500))
    await dispute(house, payment.payment_id, OPENED, 300)
    await dispute(house, payment.payment_id, WON, 300)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.refunding_minor, after.disputed_minor) == (0, 0, 0)


async def test_a_capture_for_a_closed_order_ends_though_a_dispute_claims_what_it_brings(house: House) -> None:
    order_id = await house.know_order()
    payment_id = await refunded_and_claimed(house, order_id)

    attempt = await close_while_capturing(house, payment_id, order_id)

    # The bank claims 4,000 that the payer has, so that of 8,000 nothing is left; the 2,000 not captured are voided.
    after = await house.get(payment_id)
    assert attempt.state == pb.ATTEMPT_STATE_SUCCEEDED
    assert (after.captured_minor, after.refunded_minor, after.refunding_minor) == (8_000, 4_000, 0)
    assert (after.cancelled_minor, await house.count("unmatched_evidence")) == (2_000, 0)


async def test_a_capture_for_a_closed_order_ends_though_one_that_was_given_back_bounced(house: House) -> None:
    order_id = await house.know_order()
    payment_id = (await house.authorized(order_id=order_id)).payment_id
    await house.capture(payment_id, 4_000)
    await house.submit()
    await house.refund(payment_id, 3_000)
    await house.submit()
    bouncing = await attempt_of(house, payment_id, CAPTURE)
    await house.report(bouncing.attempt_id, DECLINED, bouncing.channel_reference, decline_code="charged_back")

    attempt = await close_while_capturing(house, payment_id, order_id)

    # The payer, who paid 8,000, has 4,000 and 3,000 of it back: 1,000 are left to give.
    after = await house.get(payment_id)
    assert attempt.state == pb.ATTEMPT_STATE_SUCCEEDED
    assert (after.captured_minor, after.reversed_minor, after.refunded_minor) == (8_000, 4_000, 4_000)
    assert (after.cancelled_minor, await house.count("unmatched_evidence")) == (2_000, 0)


async def test_what_came_late_is_accepted_for_a_closed_order_though_a_dispute_claims_it(house: House) -> None:
    order_id = await house.know_order()
    payment_id = await refunded_and_claimed(house, order_id)
    house.channel.fate = lambda _: "decline"
    declined = await house.capture(payment_id, 4_000)
    await house.submit()
    [attempt] = [each for each in await house.attempts(payment_id) if each.capture_id == declined.capture_id]
    await house.report(attempt.attempt_id, APPROVED, "ch_late")
    await house.submit()
    house.channel.fate = lambda _: "approve"
    await house.know_order(order_events.OrderCancelled, order_id=order_id)
    await house.submit()
    [found] = await contradictions(house)

    await propose(house, found.contradiction_id, ACCEPT)
    ended = await approve(house, found.contradiction_id)

    after = await house.get(payment_id)
    assert ended.state == contradiction_pb2.CONTRADICTION_STATE_RESOLVED
    assert (after.captured_minor, after.refunded_minor, after.refunding_minor) == (8_000, 4_000, 0)


async def test_a_dispute_won_gives_back_also_what_it_claimed_of_a_refund_under_way(house: House) -> None:
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    attempt = await refund_under_way(house, payment_id, 6_000)
    await dispute(house, payment_id, OPENED, 10_000)  # Of which 4,000 are held, and 6,000 are claimed beyond.
    await house.know_order(order_events.OrderCancelled, order_id=order_id)
    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference)
    claimed = await house.get(payment_id)

    await dispute(house, payment_id, WON, 10_000)
    await house.submit()

    after = await house.get(payment_id)
    assert (claimed.refunded_minor, claimed.refunding_minor) == (0, 0)
    assert (after.refunded_minor, after.refunding_minor, after.disputed_minor) == (10_000, 0, 0)


async def test_a_dispute_won_gives_back_what_it_claimed_of_another_capture(house: House) -> None:
    order_id = await house.know_order()
    payment_id = await refunded_and_claimed(house, order_id)
    await close_while_capturing(house, payment_id, order_id)

    await dispute(house, payment_id, WON, 4_000)
    await house.submit()

    # The payer has each capture of 4,000 back, once.
    after = await house.get(payment_id)
    assert (after.captured_minor, after.refunded_minor, after.refunding_minor) == (8_000, 8_000, 0)


async def test_a_dispute_won_gives_back_no_more_than_it_held(house: House) -> None:
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    await house.refund(payment_id, 6_000)
    await house.submit()
    await dispute(house, payment_id, OPENED, 10_000)  # 4,000 are held; of 6,000 the payer would have them twice.
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    await dispute(house, payment_id, WON, 10_000)
    await house.submit()

    after = await house.get(payment_id)
    assert (after.refunded_minor, after.refunding_minor, after.disputed_minor) == (10_000, 0, 0)


async def test_what_a_refund_done_in_part_leaves_goes_back_if_its_order_was_closed(house: House) -> None:
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    attempt = await refund_under_way(house, payment_id, 10_000)
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    for _ in range(2):  # Told twice, the rest goes back once.
        await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(6_000))

    after = await house.get(payment_id)
    assert (after.refunded_minor, after.refunding_minor) == (6_000, 4_000)
    await house.submit()
    assert (await house.get(payment_id)).refunded_minor == 10_000
    assert await house.count("refund") == 2


async def test_what_came_back_of_a_refund_in_part_goes_back_if_its_order_was_closed(house: House) -> None:
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    await house.refund(payment_id, 10_000)
    await house.submit()
    attempt = await attempt_of(house, payment_id, REFUND)
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    # Of 10,000 the payer has 6,000, as the channel says now.
    await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(6_000))

    after = await house.get(payment_id)
    assert (after.refunded_minor, after.refunding_minor) == (6_000, 4_000)


async def test_what_paystream_gave_back_of_a_closed_order_in_part_is_left_to_people(house: House) -> None:
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    house.channel.fate = lambda _: "pending"
    await house.know_order(order_events.OrderCancelled, order_id=order_id)
    await house.submit()
    attempt = await attempt_of(house, payment_id, REFUND)

    await house.report(attempt.attempt_id, APPROVED, attempt.channel_reference, amount=usd(6_000))

    after = await house.get(payment_id)
    assert (after.refunded_minor, after.refunding_minor) == (6_000, 0)


@pytest.mark.parametrize("reason", [pb.REFUND_REASON_CUSTOMER_REQUEST, pb.REFUND_REASON_ORDER_CANCELLED])
async def test_a_refund_that_a_caller_asked_for_and_failed_goes_back_whatever_the_reason(
    house: House, reason: pb.RefundReason.ValueType
) -> None:
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    attempt = await refund_under_way(house, payment_id, 10_000, reason=reason)
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference)
    await house.submit()

    assert (await house.get(payment_id)).refunded_minor == 10_000
