"""What payments have paid of orders counts net, and what becomes free after an order was closed goes back."""

from typing import Any

import pytest

from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.order import OrderAmountExceeded
from tests.integration.payment.conftest import ANY, House

CLOSINGS = [order_events.OrderCancelled, order_events.OrderExpired]
OPENED, WON, LOST = pb.DISPUTE_OUTCOME_OPENED, pb.DISPUTE_OUTCOME_WON, pb.DISPUTE_OUTCOME_LOST


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


async def dispute(house: House, payment_id: str, outcome: pb.DisputeOutcome.ValueType, amount_minor: int) -> None:
    """Have the channel say this of a dispute of the payment's charge."""
    request = pb.ReportDisputeRequest(
        attempt_id=(await house.attempts(payment_id))[0].attempt_id,
        dispute_reference="chd_1",
        outcome=outcome,
        amount=usd(amount_minor),
        reason=pb.DISPUTE_REASON_FRAUD,
    )
    await house.call.ReportDispute(request, ANY)


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
