"""Fees of payments captured and refunded in parts, on a real database, worked out by hand."""

from typing import Any

import pytest

from paystream.common.v1.money_pb2 import Money
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.capture import CaptureNotFound
from services.payment.domain.fee import FeeRuleMissing
from services.payment.domain.refund import RefundExceedsRefundable
from tests.integration.payment.conftest import House


async def captured(house: House, *amounts: int, plans: tuple[tuple[int, bool], ...]) -> pb.Payment:
    """A payment captured in these parts, each under the next of these plans: basis points, and whether fees return."""
    payment = await house.authorized(amount=Money(amount_minor=sum(amounts), currency_code="USD"))
    for version, (amount_minor, (points, returned)) in enumerate(zip(amounts, plans, strict=True), 3):
        await house.know_merchant(
            aggregate_version=version,
            fee_plan_version=version,
            fees=(("USD", points, 0),),
            refund_fee_returned=returned,
        )
        await house.capture(payment.payment_id, amount_minor)
        await house.submit()
    return await house.get(payment.payment_id)


async def test_captures_of_a_payment_cost_together_what_one_would(house: House) -> None:
    payment = await house.authorized()
    for amount_minor in (1, 9_999):
        await house.capture(payment.payment_id, amount_minor)
        await house.submit()

    assert (await house.get(payment.payment_id)).fee_minor == 320
    assert [capture.fee_minor for capture in await house.captures(payment.payment_id)] == [1, 319]


@pytest.mark.parametrize(
    ("plans", "fees", "returned"),
    [
        (((1_000, True), (1_500, False)), [100, 200], 100),
        (((1_500, True), (1_000, False)), [150, 50], 150),
        (((1_500, False), (1_000, True)), [150, 50], 50),
    ],
)
async def test_a_plan_that_changes_between_captures_returns_what_each_was_agreed_under(
    house: House, plans: tuple[tuple[int, bool], ...], fees: list[int], returned: int
) -> None:
    payment = await captured(house, 1_000, 1_000, plans=plans)
    refund = await house.refund(payment.payment_id, 2_000)
    await house.submit()

    assert [capture.fee_minor for capture in await house.captures(payment.payment_id)] == fees
    assert (refund.fee_returned_minor, refund.capture_id) == (returned, "")
    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.refunding_minor, after.fee_returned_minor) == (2_000, 0, returned)
    sql = "SELECT refunded_minor, refunding_minor, fee_returned_minor FROM capture ORDER BY capture_id"
    rows = [tuple(row) for row in await house.runtime.read(lambda tx: tx.fetch(sql))]
    assert rows == [(1_000, 0, fee if plan[1] else 0) for fee, plan in zip(fees, plans, strict=True)]


async def test_a_refund_over_two_captures_that_fails_gives_both_back(house: House) -> None:
    payment = await captured(house, 1_000, 1_000, plans=((1_000, True), (1_000, True)))
    house.channel.fate = lambda _: "decline"
    failed = await house.refund(payment.payment_id, 1_500)
    await house.submit()
    house.channel.fate = lambda _: "approve"

    again = await house.refund(payment.payment_id, 2_000)
    await house.submit()

    assert (failed.fee_returned_minor, again.fee_returned_minor) == (150, 200)
    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.fee_minor, after.fee_returned_minor) == (2_000, 200, 200)


async def test_many_refunds_of_1_are_each_worth_the_fee_that_they_return(house: House) -> None:
    await house.know_merchant(aggregate_version=3, fee_plan_version=2, fees=(("USD", 0, 30),))
    payment = await house.paid(amount=Money(amount_minor=60, currency_code="USD"))
    refunds = [await house.refund(payment.payment_id, 1) for _ in range(60)]
    await house.submit()

    assert payment.fee_minor == 30
    assert max(refund.fee_returned_minor for refund in refunds) == 1
    after = await house.get(payment.payment_id)
    assert (after.refunded_minor, after.fee_returned_minor) == (60, 30)
    with pytest.raises(RefundExceedsRefundable):
        await house.refund(payment.payment_id, 1)


async def test_what_paystream_gives_back_returns_its_fee_though_the_plan_returns_none(house: House) -> None:
    await house.know_merchant(aggregate_version=3, fee_plan_version=2, refund_fee_returned=False)
    order_id = await house.know_order(total_minor=10_000)
    payment = await house.paid(order_id=order_id)  # 100.00 USD with a fee of 3.20.
    asked = await house.refund(payment.payment_id, 2_500)

    await house.know_order(order_events.OrderCancelled, order_id=order_id, total_minor=10_000)
    await house.submit()

    after = await house.get(payment.payment_id)
    assert (asked.fee_returned_minor, after.refunded_minor, after.fee_returned_minor) == (0, 10_000, 240)


async def test_what_was_paid_twice_returns_its_fee_in_full(house: House) -> None:
    await house.know_merchant(aggregate_version=3, fee_plan_version=2, refund_fee_returned=False)
    order_id = await house.know_order(total_minor=10_000)
    await house.paid(order_id=order_id)
    twice = await house.create()
    sql = "UPDATE payment SET order_id = $1 WHERE payment_id = $2"
    await house.runtime.transaction(lambda tx: tx.run(sql, order_id, twice.payment_id))
    await house.submit()
    await house.submit()

    after = await house.get(twice.payment_id)
    assert (after.refunded_minor, after.fee_minor, after.fee_returned_minor) == (10_000, 320, 320)


def eur(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="EUR")


async def test_a_currency_whose_fee_is_not_agreed_is_refused_by_name(house: House) -> None:
    with pytest.raises(FeeRuleMissing) as refused:
        await house.create(amount=eur(10_000))

    assert refused.value.field == "amount.currency_code"
    assert refused.value.metadata == {"merchant_id": house.merchant_id, "currency_code": "EUR"}
    assert await house.count("payment") == 0
    accepted, left_out = await house.create_batch(house.request(), house.request(amount=eur(10_000)))
    assert (accepted.HasField("payment"), left_out.HasField("error")) == (True, True)


@pytest.mark.parametrize(
    ("plan", "fee_minor"),
    [({"free": True}, 0), ({"default_basis_points": 350}, 350), ({"default_basis_points": 0}, 0)],
)
async def test_a_plan_says_what_other_currencies_cost(house: House, plan: dict[str, Any], fee_minor: int) -> None:
    await house.know_merchant(aggregate_version=3, fee_plan_version=2, **plan)

    other = await house.paid(amount=eur(10_000))
    own = await house.paid()

    assert (other.fee_minor, own.fee_minor) == (fee_minor, 320)


async def test_a_rule_that_is_gone_by_the_capture_leaves_what_was_accepted_free(house: House) -> None:
    payment = await house.create()
    await house.know_merchant(aggregate_version=3, fee_plan_version=2, fees=())
    await house.submit()

    assert (await house.get(payment.payment_id)).fee_minor == 0


async def test_a_refund_can_name_the_capture_that_it_gives_back(house: House) -> None:
    payment = await captured(house, 1_000, 1_000, plans=((1_000, True), (1_500, True)))
    first, second = [capture.capture_id for capture in await house.captures(payment.payment_id)]

    refund = await house.refund(payment.payment_id, 1_000, capture_id=second)
    await house.submit()

    assert (refund.capture_id, refund.fee_returned_minor) == (second, 200)
    with pytest.raises(RefundExceedsRefundable) as refused:
        await house.refund(payment.payment_id, 1, capture_id=second)
    assert refused.value.metadata["refundable_minor"] == "0"
    with pytest.raises(CaptureNotFound):
        await house.refund(payment.payment_id, 1, capture_id="cap_" + "0" * 32)
    assert (await house.refund(payment.payment_id, 1_000)).capture_id == first


async def test_a_charge_has_one_capture_to_name(house: House) -> None:
    payment = await house.paid()

    assert (await house.refund(payment.payment_id, 1_000, capture_id=payment.capture_id)).fee_returned_minor == 32
    with pytest.raises(CaptureNotFound):
        await house.refund(payment.payment_id, 1, capture_id="cap_" + "0" * 32)


async def test_a_merchant_who_gives_back_what_was_paid_twice_gives_it_back_by_its_own_terms(house: House) -> None:
    await house.know_merchant(aggregate_version=3, fee_plan_version=2, refund_fee_returned=False)
    payment = await house.paid()

    refund = await house.refund(payment.payment_id, 10_000, reason=pb.REFUND_REASON_DUPLICATE)

    assert refund.fee_returned_minor == 0
