"""Payments for orders: they match, they never add up to more than the total, and what is not wanted goes back."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from paykit.cause import Cause
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.clock import ManualClock
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.testing.runtimes import START
from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, messages, store
from services.payment.domain.attempt import UNSENT_TTL
from services.payment.domain.order import (
    OrderAmountExceeded,
    OrderClosed,
    OrderCurrencyMismatch,
    OrderMerchantMismatch,
    OrderUnknown,
)
from services.payment.service import SERVICE
from tests.integration.payment.conftest import House, handle_order, order_event

MANUAL = pb.CAPTURE_MODE_MANUAL
RACES = 40
CLOSINGS = [order_events.OrderCancelled, order_events.OrderExpired]


async def test_a_payment_takes_the_journey_of_its_order(house: House) -> None:
    order_id = await house.know_order()

    payment = await house.paid(order_id=order_id)

    assert (payment.order_id, payment.correlation_id) == (order_id, "cor_order")
    assert {event.correlation_id for event in await house.told(payment.payment_id)} == {"cor_order"}


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ({"merchant_id": "mer_" + "0" * 32}, OrderMerchantMismatch),
        ({"currency_code": "JPY"}, OrderCurrencyMismatch),
        ({"total_minor": 9_999}, OrderAmountExceeded),
        ({"kind": order_events.OrderPaid}, OrderClosed),
        ({"kind": order_events.OrderCancelled}, OrderClosed),
        ({"kind": order_events.OrderExpired}, OrderClosed),
    ],
)
async def test_a_payment_matches_its_order(house: House, order: dict[str, Any], refusal: type[Exception]) -> None:
    order_id = await house.know_order(**order)

    with pytest.raises(refusal):
        await house.create(order_id=order_id)

    assert await house.count("payment") == 0


@pytest.mark.usefixtures("patient_calls")
async def test_an_order_that_becomes_known_meanwhile_is_waited_for(house: House) -> None:
    order_id = new_id("ord")
    call = asyncio.create_task(house.create(order_id=order_id))
    await asyncio.sleep(0.05)
    assert not call.done()

    await house.know_order(order_id=order_id)

    assert (await call).order_id == order_id


async def test_what_is_left_of_an_order_is_what_no_payment_may_still_take(house: House) -> None:
    order_id = await house.know_order(total_minor=20_000)
    charged = await house.paid(order_id=order_id, amount=usd(5_000))
    held = await house.authorized(order_id=order_id, amount=usd(6_000))
    house.channel.fate = lambda _: "decline"
    await house.paid(order_id=order_id, amount=usd(9_000))
    house.channel.fate = lambda _: "approve"

    with pytest.raises(OrderAmountExceeded) as refused:
        await house.create(order_id=order_id, amount=usd(9_001))
    assert refused.value.metadata == {"left_minor": "9000", "currency_code": "USD"}

    # What is refunded, and what was given up without being captured, is left again.
    await house.refund(charged.payment_id, 5_000)
    await house.capture(held.payment_id, 2_000, final=True)
    await house.submit()
    with pytest.raises(OrderAmountExceeded) as refused:
        await house.create(order_id=order_id, amount=usd(18_001))
    assert refused.value.metadata == {"left_minor": "18000", "currency_code": "USD"}
    await house.create(order_id=order_id, amount=usd(18_000))


async def test_many_payments_at_once_never_exceed_the_total(house: House) -> None:
    order_id = await house.know_order(total_minor=10_000)
    one_by_one = [house.create(order_id=order_id, amount=usd(300)) for _ in range(30)]
    together = house.create_batch(*(house.request(order_id=order_id, amount=usd(300)) for _ in range(30)))

    singles, batch = await asyncio.gather(asyncio.gather(*one_by_one, return_exceptions=True), together)

    accepted = [each for each in singles if isinstance(each, pb.Payment)]
    accepted += [each.payment for each in batch if each.HasField("payment")]
    assert len(accepted) == 33


async def test_a_payment_left_out_for_its_reference_takes_nothing_of_the_order(house: House) -> None:
    order_id = await house.know_order(total_minor=10_000)
    taken = house.request(merchant_reference="taken", order_id=order_id, amount=usd(1_000))
    await house.create_batch(taken)

    results = await house.create_batch(
        house.request(merchant_reference="taken", order_id=order_id, amount=usd(9_000)),
        house.request(order_id=order_id, amount=usd(9_000)),
    )

    assert [result.HasField("payment") for result in results] == [False, True]


@pytest.mark.parametrize("closing", CLOSINGS)
async def test_closing_an_order_undoes_its_payments(house: House, closing: type[Any]) -> None:
    order_id = await house.know_order(total_minor=40_000)
    charged = await house.paid(order_id=order_id, amount=usd(5_000))
    await house.refund(charged.payment_id, 1_000)
    held = await house.authorized(order_id=order_id, amount=usd(6_000))
    await house.capture(held.payment_id, 2_000)
    await house.submit()
    waiting = await house.create(order_id=order_id, amount=usd(7_000))

    for _ in range(2):  # Told twice, it undoes nothing twice.
        await house.know_order(closing, order_id=order_id, total_minor=40_000)
    await house.submit()

    charged, held, waiting = [await house.get(p.payment_id) for p in (charged, held, waiting)]
    assert (charged.refunded_minor, charged.refunding_minor) == (5_000, 0)
    assert (held.captured_minor, held.refunded_minor, held.cancelled_minor) == (2_000, 2_000, 4_000)
    assert (waiting.state, waiting.cancel_reason) == (pb.PAYMENT_STATE_CANCELLED, pb.CANCEL_REASON_ORDER_CLOSED)
    reasons = [event.reason for event in await house.told(held.payment_id) if hasattr(event, "reason")]
    assert sorted(set(reasons)) == ["ORDER_CANCELLED", "ORDER_CLOSED"]
    assert await house.count("refund") == 3


async def test_what_is_under_way_when_its_order_is_closed_is_undone_when_it_is_known(house: House) -> None:
    order_id = await house.know_order(total_minor=40_000)
    house.channel.fate = lambda _: "pending"
    charge = await house.paid(order_id=order_id, amount=usd(5_000))
    hold = await house.authorized(order_id=order_id, amount=usd(6_000))
    house.channel.fate = lambda _: "approve"
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    for payment in (charge, hold):
        [attempt] = await house.attempts(payment.payment_id)
        await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, attempt.channel_reference)
    await house.submit()

    charge, hold = await house.get(charge.payment_id), await house.get(hold.payment_id)
    assert (charge.captured_minor, charge.refunded_minor) == (5_000, 5_000)
    assert (hold.state, hold.cancelled_minor) == (pb.PAYMENT_STATE_CANCELLED, 6_000)
    assert (await house.told_types(hold.payment_id))[-2:] == ["PaymentAuthorized", "PaymentCancelled"]


async def test_what_a_refund_left_behind_goes_back_once_if_the_order_was_closed_meanwhile(house: House) -> None:
    order_id = await house.know_order(total_minor=40_000)
    charge = await house.paid(order_id=order_id, amount=usd(5_000))
    house.channel.fate = lambda _: "pending"
    asked = await house.refund(charge.payment_id, 2_000)
    await house.submit()
    house.channel.fate = lambda _: "decline"
    await house.know_order(order_events.OrderCancelled, order_id=order_id)

    attempt = next(a for a in await house.attempts(charge.payment_id) if a.refund_id == asked.refund_id)
    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_DECLINED, attempt.channel_reference)
    charge = await house.get(charge.payment_id)
    assert (charge.refunded_minor, charge.refunding_minor) == (0, 5_000)

    await house.submit()  # What closing the order gave back is declined, too, and left to people.
    charge = await house.get(charge.payment_id)
    assert (charge.refunded_minor, charge.refunding_minor) == (0, 0)
    assert await house.count("refund") == 3


async def test_an_order_can_be_closed_by_what_began_before_a_payment_for_it_was_made(house: House) -> None:
    order_id, clock = await house.know_order(), house.runtime.clock
    assert isinstance(clock, ManualClock)

    async def close(tx: Tx) -> str:
        clock.advance(timedelta(seconds=1))
        payment = await house.create(order_id=order_id)
        closing = order_event(order_events.OrderCancelled, order_id=order_id, merchant_id=house.merchant_id)
        await handle_order(tx, closing)
        return payment.payment_id

    payment = await house.get(await house.runtime.transaction(close))
    assert payment.state == pb.PAYMENT_STATE_CANCELLED
    assert payment.update_time == payment.create_time
    assert {event.occurred_at for event in await house.told(payment.payment_id)} == {START + timedelta(seconds=1)}


async def test_closing_an_order_leaves_alone_what_ended_without_a_capture(house: House) -> None:
    order_id = await house.know_order()
    house.channel.fate = lambda _: "decline"
    failed = await house.paid(order_id=order_id)

    async def hold(tx: Tx) -> None:
        await store.payments.lock(tx, [failed.payment_id])
        await house.know_order(order_events.OrderCancelled, order_id=order_id)

    await house.runtime.transaction(hold)
    assert await house.get(failed.payment_id) == failed


async def test_what_is_captured_above_the_total_goes_back(house: House) -> None:
    order_id = await house.know_order(total_minor=10_000)
    first = await house.create(order_id=order_id)
    # A payment that was accepted before orders were matched.
    second = await house.create()
    await house.runtime.transaction(
        lambda tx: tx.run("UPDATE payment SET order_id = $1 WHERE payment_id = $2", order_id, second.payment_id)
    )

    await house.submit()
    await house.submit()

    after = [await house.get(p.payment_id) for p in (first, second)]
    assert sorted(p.refunded_minor for p in after) == [0, 10_000]
    [refund] = (await house.call.ListRefunds(pb.ListRefundsRequest(merchant_id=house.merchant_id), None)).refunds
    assert refund.reason == pb.REFUND_REASON_DUPLICATE


@pytest.mark.parametrize("mode", [pb.CAPTURE_MODE_AUTOMATIC, MANUAL])
async def test_an_order_closed_while_it_is_captured_keeps_nothing(house: House, mode: Any) -> None:
    orders = [await house.know_order() for _ in range(RACES)]
    payments = [await house.create(order_id=order_id, capture_mode=mode) for order_id in orders]
    if mode == MANUAL:
        await house.submit()
        for payment in payments:
            await house.capture(payment.payment_id, 4_000)
    action = "CAPTURE" if mode == MANUAL else "CHARGE"
    started = f"UPDATE attempt SET state = 'STARTED', start_time = clock_timestamp() WHERE action = '{action}'"
    await house.runtime.transaction(lambda tx: tx.run(started))

    rounds: list[Any] = []
    for place, (order_id, payment) in enumerate(zip(orders, payments, strict=True)):
        captured = capture(house, (await house.attempts(payment.payment_id))[-1].attempt_id)
        closed = house.know_order(order_events.OrderCancelled, order_id=order_id)
        rounds += [captured, closed] if place % 2 else [closed, captured]
    await asyncio.gather(*rounds)
    await house.submit()

    taken = 4_000 if mode == MANUAL else 10_000
    after = [await house.get(payment.payment_id) for payment in payments]
    assert {(p.captured_minor, p.refunded_minor, p.cancelled_minor) for p in after} == {(taken, taken, 10_000 - taken)}
    assert await house.count("refund") == RACES


async def test_payments_of_an_order_are_listed_by_it(house: House) -> None:
    order_id = await house.know_order(total_minor=30_000)
    paid = [await house.create(order_id=order_id, amount=usd(amount)) for amount in (100, 200)]
    await house.create()

    page = await house.call.ListPayments(pb.ListPaymentsRequest(order_id=order_id), None)
    held = pb.ListPaymentsRequest(order_id=order_id, capture_mode=MANUAL)

    assert {p.payment_id for p in page.payments} == {p.payment_id for p in paid}
    assert list((await house.call.ListPayments(held, None)).payments) == []


async def test_a_payment_without_an_order_costs_no_statement_more(house: House) -> None:
    order_id = await house.know_order(total_minor=30_000)

    assert [await statements(house, order_id=""), await statements(house, order_id=order_id)] == [3, 6]


def test_rebuilding_keeps_orders_and_undoes_nothing() -> None:
    [topic] = [each for each in SERVICE.subscriptions if each.topic == "order.events"]

    assert {handle.rebuild.__name__ for handle in topic.handles.values() if handle.rebuild} == {"on_order_changed"}
    assert len(topic.handles) == 4


async def test_an_order_that_nobody_told_of_is_refused(house: House) -> None:
    [result] = await house.create_batch(house.request(order_id=new_id("ord")))

    assert not result.HasField("payment")
    assert OrderUnknown.reason.encode() in result.error.details[0].value


async def capture(house: House, attempt_id: str) -> None:
    """Have the channel's approval of a call applied, as the job does."""
    told = Evidence(
        attempt_id=attempt_id,
        source=Source.RESPONSE,
        outcome=EvidenceOutcome.SUCCEEDED,
        channel_reference=f"ch_{attempt_id}",
    )
    item = RecordEvidence(evidence=told, cause=Cause("cor_order", None, None, None))
    await house.runtime.transaction(lambda tx: commands.evidence.record_evidence(tx, [item]))


async def statements(house: House, **changes: Any) -> int:
    """Count the statements of the command behind one CreatePayment."""
    routes = house.runtime.settings.payment_channels
    cause = Cause("cor_test", None, None, None)
    item = messages.payment.from_create_payment(house.request(**changes), cause, routes, unsent_ttl=UNSENT_TTL)
    counting = CountingTx()

    async def work(tx: Tx) -> None:
        counting.tx = tx
        await commands.payment.create_payments(cast("Tx", counting), [item])

    await house.runtime.transaction(work)
    return counting.statements


class CountingTx:
    """Counts the statements of a transaction."""

    def __init__(self) -> None:
        self.tx: Any = None
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        if name in {"fetch", "look", "lock", "run", "insert", "copy"}:
            self.statements += 1
        return getattr(self.tx, name)


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")
