"""What payments do to orders: in parts, twice, too late, and side by side with a cancel."""

import asyncio
from itertools import permutations
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from paykit.consume.delivery import Impossible
from paykit.errors import CurrencyMismatch, IllegalTransition
from paykit.ids import new_id
from paykit.serve.timestamps import to_timestamp
from paykit.testing.runtimes import START
from paystream.order.v1 import order_pb2 as pb
from paystream.payment.v1 import events as payment_events
from services.order.domain import OrderNotFound
from services.order.handlers import FOLLOWED
from tests.integration.order.conftest import Shop

SECOND = "pay_" + "2" * 32


async def test_an_order_is_paid_when_captures_of_several_payments_reach_its_total(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)

    await shop.capture(order.order_id, 1_200)
    partly = await shop.get(order.order_id)
    assert (partly.state, partly.paid_minor, partly.etag) == (pb.ORDER_STATE_CREATED, 1_200, "b-bcaa-a-a")
    await shop.capture(order.order_id, 800, payment_id=SECOND, event_id="evt_last")

    paid = await shop.get(order.order_id)
    assert (paid.state, paid.paid_minor, paid.refunded_minor) == (pb.ORDER_STATE_PAID, 2_000, 0)
    [_, told] = await shop.told(order.order_id)
    assert (told.RECORD.rpartition(".")[2], told.paid_minor) == ("OrderPaid", 2_000)
    assert (told.causation_id, told.correlation_id) == ("evt_last", "cor_test")
    assert await shop.payments(order.order_id) == [
        pb.OrderPayment(payment_id="pay_" + "1" * 32, captured_minor=1_200, create_time=to_timestamp(START)),
        pb.OrderPayment(payment_id=SECOND, captured_minor=800, create_time=to_timestamp(START)),
    ]


async def test_an_event_told_again_changes_nothing(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    capture = shop.captured(order.order_id, 2_000)
    refund = shop.refunded(order.order_id, 500)

    for _ in range(2):
        await shop.follow_all(capture, capture)
        await shop.follow_all(refund, refund)

    after = await shop.get(order.order_id)
    assert (after.paid_minor, after.refunded_minor, after.fully_refunded) == (1_500, 500, False)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderPaid", "OrderRefunded"]


async def test_each_refund_is_told_until_all_has_gone_back(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 2_000)
    await shop.refund(order.order_id, 500)
    await shop.refund(order.order_id, 1_500, refund_id="ref_last")

    after = await shop.get(order.order_id)
    assert (after.state, after.refunded_minor, after.fully_refunded) == (pb.ORDER_STATE_PAID, 2_000, True)
    told = (await shop.told(order.order_id))[2:]
    assert [(event.amount_minor, event.refunded_minor, event.fully_refunded) for event in told] == [
        (500, 500, False),
        (1_500, 2_000, True),
    ]
    assert told[1].refund_id == "ref_last"
    assert (await shop.payments(order.order_id))[0].refunded_minor == 2_000


async def test_a_capture_for_a_cancelled_order_is_recorded_and_its_refund_told(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.cancel(order.order_id)

    await shop.capture(order.order_id, 2_000)
    late = await shop.get(order.order_id)
    assert (late.state, late.paid_minor, late.fully_refunded) == (pb.ORDER_STATE_CANCELLED, 2_000, False)
    await shop.refund(order.order_id, 2_000, reason=payment_events.RefundReason.ORDER_CANCELLED)

    assert (await shop.get(order.order_id)).fully_refunded
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderCancelled", "OrderRefunded"]


async def test_an_order_paid_in_part_expires_and_says_what_is_to_go_back(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000, ttl=Duration(seconds=60))
    await shop.capture(order.order_id, 700)
    await shop.pass_time(62)
    [_, expired] = await shop.told(order.order_id)
    assert (type(expired).__name__, expired.paid_minor) == ("OrderExpired", 700)


async def test_an_order_paid_in_time_does_not_expire(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000, ttl=Duration(seconds=60))
    await shop.capture(order.order_id, 2_000)
    await shop.pass_time(3_600)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderPaid"]


async def test_an_order_paid_twice_says_so_and_stays_paid(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, 2_000)
    await shop.capture(order.order_id, 2_000, payment_id=SECOND)
    twice = await shop.get(order.order_id)
    assert (twice.state, twice.paid_minor) == (pb.ORDER_STATE_PAID, 4_000)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderPaid"]


async def test_payments_in_any_order_leave_the_same_order(shop: Shop) -> None:
    """Each payment tells its own events in order; the payments of an order come in any."""
    seen = set()
    turns = sorted(set(permutations([0, 0, 1, 1, 2, 2])))[::15]
    for turn in turns:
        order = await shop.create(total_minor=2_000)
        lanes: list[list[Any]] = [
            [
                shop.captured(order.order_id, 1_000, payment_id=f"pay_{n}"),
                shop.refunded(order.order_id, 400, payment_id=f"pay_{n}"),
            ]
            for n in range(3)
        ]
        for lane in turn:
            await shop.follow(lanes[lane].pop(0))
        after = await shop.get(order.order_id)
        types = sorted(await shop.told_types(order.order_id))
        seen.add((after.state, after.paid_minor, after.refunded_minor, after.fully_refunded, *types))
    refunds = ("OrderRefunded",) * 3
    assert seen == {(pb.ORDER_STATE_PAID, 1_800, 1_200, False, "OrderCreated", "OrderPaid", *refunds)}


async def test_payments_without_an_order_and_money_never_booked_are_passed_over(shop: Shop) -> None:
    order = await shop.create()
    assert await shop.capture(None, 500) is None
    assert await shop.refund(None, 500) is None
    assert await shop.refund(order.order_id, 500, reason=payment_events.RefundReason.CONTRADICTION) is None
    assert (await shop.get(order.order_id)).etag == "b-a-a-a"


async def test_a_payment_for_an_order_that_cannot_be_is_refused_and_its_neighbours_are_applied(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    events = [
        shop.captured(new_id("ord"), 5),
        shop.captured(None, 5),
        shop.captured(order.order_id, 5, currency_code="EUR"),
        shop.captured(order.order_id, 2_000),
    ]
    first, second, third, fourth = await shop.follow_all(*events)
    assert isinstance(first, Impossible)
    assert isinstance(third, Impossible)
    assert (type(first.error), type(third.error)) == (OrderNotFound, CurrencyMismatch)
    assert (second, fourth) == (None, None)
    assert (await shop.get(order.order_id)).state == pb.ORDER_STATE_PAID


async def test_a_cancel_and_a_capture_side_by_side_end_one_way_or_the_other(shop: Shop) -> None:
    orders = [await shop.create(total_minor=2_000) for _ in range(12)]

    async def cancelled(order_id: str) -> bool:
        try:
            return (await shop.cancel(order_id)).state == pb.ORDER_STATE_CANCELLED
        except IllegalTransition as refusal:
            return refusal.metadata != {"state": "PAID", "action": "CANCEL"}

    work = [(cancelled(order.order_id), shop.capture(order.order_id, 2_000)) for order in orders]
    results = await asyncio.gather(*[asyncio.gather(*pair) for pair in work])

    for order, (was_cancelled, outcome) in zip(orders, results, strict=True):
        assert outcome is None
        assert (await shop.get(order.order_id)).paid_minor == 2_000
        end = "OrderCancelled" if was_cancelled else "OrderPaid"
        assert await shop.told_types(order.order_id) == ["OrderCreated", end]


async def test_what_is_kept_of_payments_is_what_a_rebuild_keeps(shop: Shop) -> None:
    order = await shop.create(total_minor=2_000)
    captures = [shop.captured(order.order_id, 1_200), shop.captured(None, 9)]
    contradiction = payment_events.RefundReason.CONTRADICTION
    refunds = [shop.refunded(order.order_id, 300), shop.refunded(order.order_id, 9, reason=contradiction)]

    async def rows() -> list[tuple[object, ...]]:
        sql = "SELECT * FROM movement ORDER BY kind, movement_id"
        return [tuple(row) for row in await shop.runtime.read(lambda tx: tx.fetch(sql))]

    await shop.follow_all(*captures)
    await shop.follow_all(*refunds)
    lived = await rows()
    assert len(lived) == 2
    await shop.runtime.transaction(lambda tx: tx.run("DELETE FROM movement"))
    for events in (refunds, captures):
        rebuild = FOLLOWED[type(events[0])].rebuild
        assert rebuild is not None
        await shop.deliver(rebuild, "pay_1", *events, *events)
    assert await rows() == lived
    assert (await shop.get(order.order_id)).paid_minor == 900


@pytest.mark.parametrize("amount_minor", [2_001, 5_000])
async def test_a_capture_beyond_the_total_pays_the_order(shop: Shop, amount_minor: int) -> None:
    order = await shop.create(total_minor=2_000)
    await shop.capture(order.order_id, amount_minor)
    assert await shop.told_types(order.order_id) == ["OrderCreated", "OrderPaid"]
