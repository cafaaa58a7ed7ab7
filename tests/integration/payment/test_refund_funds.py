"""Refunds by the funds of their merchants: allowed to a limit, waiting until funded, or refused."""

import asyncio
import uuid
from typing import Any

import pytest

from paykit.consume.delivery import Delivered, Record
from paykit.errors import IllegalTransition
from paystream.merchant.v1.events import RefundLimit, RefundPolicy
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import handlers
from services.payment.domain.funds import RefundWouldOverdraw
from services.payment.domain.refund import RefundNotFound
from services.payment.jobs import refunds as jobs
from tests.integration.payment.conftest import ANY, House
from tests.integration.payment.ledger import transaction

QUEUE, REFUSE, ALLOW = RefundPolicy.QUEUE, RefundPolicy.REFUSE, RefundPolicy.ALLOW


async def book(house: House, *effects: tuple[str, int], transaction_type: str = "Any", related_no: str = "x") -> None:
    """Have the ledger tell what it did to accounts of the merchant."""
    event = transaction(house.merchant_id, *effects, transaction_type=transaction_type, related_no=related_no)
    record = Record("accounting.events", 0, 0, "pay_1", b"", ())
    await house.runtime.transaction(lambda tx: handlers.on_transaction_created(tx, [Delivered(event, record)]))


async def booked(house: House, refund: pb.Refund) -> None:
    """Have the ledger tell that it booked a refund."""
    effect = ("merchant.settlement", -refund.amount.amount_minor + refund.fee_returned_minor)
    await book(house, effect, transaction_type="RefundSuccess", related_no=refund.refund_id)


async def restrict(house: House, policy: RefundPolicy, *, version: int = 3, limit_minor: int | None = None) -> None:
    limits = () if limit_minor is None else (RefundLimit(currency_code="USD", limit_minor=limit_minor),)
    await house.know_merchant(
        aggregate_version=version, refund_policy=policy, refund_limits=limits, refund_fee_returned=False
    )


async def cancel(house: House, refund_id: str) -> pb.Refund:
    request = pb.CancelRefundRequest(request_id=str(uuid.uuid4()), refund_id=refund_id, reason="asked twice")
    return (await house.call.CancelRefund(request, ANY)).refund


async def state(house: House, refund: pb.Refund) -> str:
    return pb.RefundState.Name((await house.get_refund(refund.refund_id)).state).removeprefix("REFUND_STATE_")


async def test_refused_above_the_funds_with_what_is_there(house: House) -> None:
    await restrict(house, REFUSE)
    payment_id = (await house.paid()).payment_id
    await book(house, ("merchant.settlement", 10_000), ("merchant.settlement", -320))
    with pytest.raises(RefundWouldOverdraw) as refused:
        await house.refund(payment_id, 10_000)
    assert refused.value.metadata == {"available_minor": "9680", "limit_minor": "0", "currency_code": "USD"}
    assert (await house.get(payment_id)).refunding_minor == 0
    assert (await house.refund(payment_id, 9_680)).state == pb.REFUND_STATE_CREATED


async def test_settled_funds_count_and_what_is_in_transit_or_held_does_not(house: House) -> None:
    await restrict(house, REFUSE)
    payment_id = (await house.paid()).payment_id
    await book(house, ("merchant.settlement", 10_000))
    await book(house, ("merchant.settlement", -10_000), ("merchant.available", 8_000), ("merchant.reserve", 2_000))
    await book(house, ("merchant.available", -3_000), ("merchant.withdrawing", 3_000))
    with pytest.raises(RefundWouldOverdraw):
        await house.refund(payment_id, 5_001)
    await house.refund(payment_id, 5_000)


async def test_refunds_that_are_not_booked_yet_are_taken_off_once(house: House) -> None:
    await restrict(house, REFUSE)
    payment_id = (await house.paid()).payment_id
    await book(house, ("merchant.settlement", 5_000))
    first = await house.refund(payment_id, 3_000)
    with pytest.raises(RefundWouldOverdraw):
        await house.refund(payment_id, 2_001)
    await house.submit()
    await booked(house, first)
    with pytest.raises(RefundWouldOverdraw):
        await house.refund(payment_id, 2_001)
    await house.refund(payment_id, 2_000)


async def test_a_refund_that_failed_takes_nothing(house: House) -> None:
    await restrict(house, REFUSE)
    payment_id = (await house.paid()).payment_id
    await book(house, ("merchant.settlement", 3_000))
    house.channel.fate = lambda _request: "decline"
    await house.refund(payment_id, 3_000)
    await house.submit()
    assert (await house.refund(payment_id, 3_000)).state == pb.REFUND_STATE_CREATED


async def test_allowed_up_to_a_limit_below_zero(house: House) -> None:
    await restrict(house, ALLOW, limit_minor=5_000)
    payment_id = (await house.paid()).payment_id
    await house.refund(payment_id, 5_000)
    with pytest.raises(RefundWouldOverdraw) as refused:
        await house.refund(payment_id, 1)
    assert refused.value.metadata == {"available_minor": "-5000", "limit_minor": "5000", "currency_code": "USD"}


async def test_without_a_limit_nothing_is_locked_or_refused(house: House) -> None:
    payment_id = (await house.paid()).payment_id
    assert (await house.refund(payment_id, 10_000)).state == pb.REFUND_STATE_CREATED
    assert await house.count("merchant_funds") == 0


async def test_queued_until_funded_the_oldest_first(house: House) -> None:
    await restrict(house, QUEUE)
    payment_id = (await house.paid()).payment_id
    await book(house, ("merchant.settlement", 1_000))
    large, small = await house.refund(payment_id, 4_000), await house.refund(payment_id, 500)
    assert [await state(house, refund) for refund in (large, small)] == ["QUEUED", "QUEUED"]
    assert (await house.get(payment_id)).refunding_minor == 4_500
    assert len(await house.attempts(payment_id)) == 1
    await jobs.release_refunds(house.runtime)
    assert await state(house, large) == "QUEUED"

    await book(house, ("merchant.settlement", 3_100))
    await jobs.release_refunds(house.runtime)
    assert [await state(house, refund) for refund in (large, small)] == ["CREATED", "QUEUED"]
    await house.submit()
    await booked(house, large)
    await book(house, ("merchant.settlement", 400))
    await jobs.release_refunds(house.runtime)
    await house.submit()
    assert [await state(house, refund) for refund in (large, small)] == ["SUCCEEDED", "SUCCEEDED"]
    assert (await house.get(payment_id)).refunded_minor == 4_500
    assert (await house.told_types(payment_id))[2:] == ["RefundCreated"] * 2 + ["RefundSuccess"] * 2


async def test_what_waits_can_be_given_up_and_what_was_sent_cannot(house: House) -> None:
    await restrict(house, QUEUE)
    payment_id = (await house.paid()).payment_id
    queued = await house.refund(payment_id, 4_000)
    given_up = await cancel(house, queued.refund_id)
    assert (given_up.state, given_up.failure_code) == (pb.REFUND_STATE_FAILED, "withdrawn")
    assert given_up.stated_reason.reason == (await house.told(payment_id))[-1].stated_reason == "asked twice"
    assert (await house.get_refund(queued.refund_id)).stated_reason == given_up.stated_reason
    assert (await house.get(payment_id)).refunding_minor == 0
    assert (await house.told_types(payment_id))[2:] == ["RefundCreated", "RefundFailed"]
    await book(house, ("merchant.settlement", 4_000))
    sent = await house.refund(payment_id, 4_000)
    for refund_id, action in ((queued.refund_id, "FAILED"), (sent.refund_id, "CREATED")):
        with pytest.raises(IllegalTransition) as refused:
            await cancel(house, refund_id)
        assert refused.value.metadata == {"state": action, "action": "CANCEL"}
    with pytest.raises(RefundNotFound):
        await cancel(house, "ref_" + "f" * 32)


async def test_what_waited_and_is_given_up_goes_back_if_its_order_was_closed_meanwhile(house: House) -> None:
    await restrict(house, QUEUE)
    order_id = await house.know_order(total_minor=20_000)
    payment_id = (await house.paid(order_id=order_id)).payment_id
    queued = await house.refund(payment_id, 10_000)
    await house.know_order(order_events.OrderCancelled, order_id=order_id, total_minor=20_000)
    assert await house.count("refund") == 1  # It holds all that there is.

    await cancel(house, queued.refund_id)
    await house.submit()

    after = await house.get(payment_id)
    assert (after.refunded_minor, after.refunding_minor) == (10_000, 0)
    made, given_up = (await house.call.ListRefunds(pb.ListRefundsRequest(payment_id=payment_id), ANY)).refunds
    assert (given_up.refund_id, given_up.state) == (queued.refund_id, pb.REFUND_STATE_FAILED)
    assert (made.amount.amount_minor, made.reason) == (10_000, pb.REFUND_REASON_ORDER_CANCELLED)


async def test_terms_that_allow_refunds_again_release_what_waits(house: House) -> None:
    await restrict(house, QUEUE)
    payment_id = (await house.paid()).payment_id
    queued = await house.refund(payment_id, 4_000)
    await restrict(house, ALLOW, version=4)
    await jobs.release_refunds(house.runtime)
    assert await state(house, queued) == "CREATED"


async def test_twenty_refunds_at_once_take_no_more_than_there_is(house: House) -> None:
    await restrict(house, REFUSE)
    payments = [(await house.paid()).payment_id for _ in range(20)]
    await book(house, ("merchant.settlement", 7_000))
    results: list[Any] = await asyncio.gather(
        *(house.refund(payment_id, 1_000) for payment_id in payments), return_exceptions=True
    )
    assert sum(isinstance(result, pb.Refund) for result in results) == 7
    assert sum(isinstance(result, RefundWouldOverdraw) for result in results) == 13
