"""An order counts what its payments brought in and what went again, and can be settled below its total."""

import uuid
from typing import Any

import pytest

from paykit.errors import IllegalTransition
from paystream.order.v1 import order_pb2 as pb
from paystream.payment.v1 import events as payment_events
from services.order.domain import OrderNotPaid
from services.order.store.payment import MovementKind
from tests.event_fields import DISPUTED, REFUNDED
from tests.integration.order.conftest import ANY, Shop

PAID, CREATED = pb.ORDER_STATE_PAID, pb.ORDER_STATE_CREATED


async def complete(shop: Shop, order_id: str) -> pb.Order:
    request = pb.CompleteOrderRequest(request_id=str(uuid.uuid4()), order_id=order_id)
    return (await shop.call.CompleteOrder(request, ANY)).order


def lost(shop: Shop, order_id: str, amount_minor: int, **changes: Any) -> payment_events.DisputeLost:
    given: dict[str, Any] = {
        "dispute_id": "dsp_1",
        "reason": payment_events.DisputeReason.FRAUD,
        "accepted": False,
        "capture_id": None,
        "stage": payment_events.DisputeStage.CHARGEBACK,
        "returned_minor": 0,
        "excess_lost_minor": 0,
        "excess_returned_minor": 0,
        **DISPUTED,
    }
    return payment_events.DisputeLost(**shop.moved(order_id, amount_minor) | given | changes)


def overturned(shop: Shop, order_id: str, amount_minor: int, **changes: Any) -> payment_events.DisputeOverturned:
    given: dict[str, Any] = {
        "overturn_id": "ovt_1",
        "dispute_id": "dsp_1",
        "reason": payment_events.DisputeReason.FRAUD,
        "capture_id": None,
        "stage": payment_events.DisputeStage.PRE_ARBITRATION,
        "outcome": payment_events.DisputeDecision.WON,
        "settlement_minor": amount_minor,
        "receivable_minor": 0,
        **DISPUTED,
    }
    return payment_events.DisputeOverturned(**shop.moved(order_id, amount_minor) | given | changes)


async def test_what_was_refunded_is_to_be_paid_again(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 1_000)
    await shop.refund(order.order_id, 1_000)
    await shop.capture(order.order_id, 1_000, payment_id="pay_2", order_returned_minor=1_000)
    half = await shop.get(order.order_id)
    await shop.capture(order.order_id, 1_000, payment_id="pay_3", order_returned_minor=1_000)

    assert (half.state, half.paid_minor, half.captured_minor, half.refunded_minor) == (CREATED, 1_000, 2_000, 1_000)
    whole = await shop.get(order.order_id)
    assert (whole.state, whole.paid_minor) == (PAID, 2_000)


async def test_a_capture_that_overtakes_the_refund_before_it_does_not_pay_the_order(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 1_000)
    await shop.capture(order.order_id, 1_000, payment_id="pay_2", order_returned_minor=1_000)
    early = await shop.get(order.order_id)
    await shop.refund(order.order_id, 1_000)

    late = await shop.get(order.order_id)
    assert [(each.state, each.paid_minor) for each in (early, late)] == [(CREATED, 2_000), (CREATED, 1_000)]


async def test_what_a_dispute_took_is_to_be_paid_again_and_what_it_gave_back_is_not(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 1_500)
    # Of 1,100 disputed 100 were not left, of which 40 were lost; 800 were lost of what was held.
    parts = {"returned_minor": 200, "excess_lost_minor": 40, "excess_returned_minor": 60}
    for _ in range(2):
        await shop.follow(lost(shop, order.order_id, 1_100, **parts))
    gone = await shop.get(order.order_id)
    await shop.follow(overturned(shop, order.order_id, 840, settlement_minor=800, receivable_minor=40))
    back = await shop.get(order.order_id)

    assert (gone.state, gone.paid_minor, gone.lost_minor) == (CREATED, 700, 800)
    assert (back.paid_minor, back.lost_minor) == (1_500, 0)
    assert [(p.captured_minor, p.lost_minor) for p in await shop.payments(order.order_id)] == [(1_500, 0)]


async def test_a_dispute_decided_against_the_merchant_after_all_is_taken_off(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 1_500)
    decision = payment_events.DisputeDecision.LOST
    await shop.follow(overturned(shop, order.order_id, 300, outcome=decision))

    assert (await shop.get(order.order_id)).paid_minor == 1_200


async def test_what_bounced_is_to_be_paid_again(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    event = shop.captured(order.order_id, 1_500)
    await shop.follow(event)
    bounced = payment_events.PaymentReversed(
        **shop.moved(order.order_id, 1_500),
        capture_id=event.capture_id,
        fee_returned_minor=0,
        failure_code=None,
        attempt_id="att_1",
    )
    for _ in range(2):
        await shop.follow(bounced)

    after = await shop.get(order.order_id)
    assert (after.state, after.paid_minor, after.captured_minor) == (CREATED, 0, 0)


async def test_a_refund_that_came_back_pays_an_order_that_only_waited_for_it(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 1_000)
    refund = shop.refunded(order.order_id, 1_000)
    await shop.follow(refund)
    await shop.capture(order.order_id, 1_000, payment_id="pay_2")
    returned = payment_events.RefundReturned(
        **shop.moved(order.order_id, 1_000),
        refund_id=refund.refund_id,
        capture_id=None,
        fee_minor=0,
        suspense_minor=0,
        reason=refund.reason,
        failure_code=None,
        **REFUNDED,
    )
    await shop.follow(returned)

    after = await shop.get(order.order_id)
    assert (after.state, after.paid_minor, after.refunded_minor) == (PAID, 2_000, 0)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderRefunded", "OrderPaid"]


async def test_what_was_taken_out_of_suspense_was_never_paid(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 1_000)
    await shop.refund(order.order_id, 1_500, suspense_minor=500)

    after = await shop.get(order.order_id)
    assert (after.paid_minor, after.refunded_minor) == (0, 1_000)


async def test_a_final_capture_settles_an_order_which_then_does_not_expire(shop: Shop) -> None:
    order = await shop.create(total_minor=10_000, ttl={"seconds": 60})
    await shop.capture(order.order_id, 5_000, final=True)
    await shop.pass_time(3_600)

    settled = await shop.get(order.order_id)
    assert (settled.state, settled.paid_minor) == (PAID, 5_000)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderPaid"]


async def test_an_order_is_completed_at_what_is_paid_of_it(shop: Shop) -> None:
    order = await shop.create(total_minor=10_000, ttl={"seconds": 60})
    with pytest.raises(OrderNotPaid):
        await complete(shop, order.order_id)
    await shop.capture(order.order_id, 5_000)

    completed = await complete(shop, order.order_id)
    await shop.pass_time(3_600)

    assert (completed.state, completed.paid_minor) == (PAID, 5_000)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderPaid"]
    with pytest.raises(IllegalTransition) as refused:
        await complete(shop, order.order_id)
    assert refused.value.metadata == {"state": "PAID", "action": "COMPLETE"}


async def test_an_order_paid_just_in_time_does_not_expire_though_the_service_stood_still(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000, ttl={"seconds": 60})
    shop.ends = (1,)  # The capture, 0.1 s before the order's time, which is still to be consumed.
    await shop.pass_time(3_600)
    waiting = await shop.get(order.order_id)

    await shop.capture(order.order_id, 2_000)
    shop.ends = ()
    await shop.pass_time(2)

    assert (waiting.state, (await shop.get(order.order_id)).state) == (CREATED, PAID)


async def test_an_order_expires_once_what_was_told_until_its_time_is_applied(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000, ttl={"seconds": 60})
    shop.ends = (1,)
    await shop.pass_time(70)
    waiting = await shop.get(order.order_id)
    shop.ends = ()
    await shop.pass_time(1)

    assert (waiting.state, (await shop.get(order.order_id)).state) == (CREATED, pb.ORDER_STATE_EXPIRED)


async def test_what_is_late_for_long_is_not_waited_for(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000, ttl={"seconds": 60})
    shop.ends = None  # Kafka does not tell.
    await shop.pass_time(70)
    sql = "UPDATE consumption_watch SET looks = 298"
    await shop.runtime.transaction(lambda tx: tx.run(sql))
    await shop.pass_time(1)
    waiting = await shop.get(order.order_id)
    await shop.pass_time(1)

    assert (waiting.state, (await shop.get(order.order_id)).state) == (CREATED, pb.ORDER_STATE_EXPIRED)


async def test_every_kind_of_movement_has_its_row(shop: Shop) -> None:
    sql = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'movement_kind_check'"
    [row] = await shop.runtime.read(lambda tx: tx.fetch(sql))
    assert all(f"'{kind}'" in row[0] for kind in MovementKind)
