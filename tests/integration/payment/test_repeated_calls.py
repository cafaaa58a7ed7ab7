"""Calls to payment that create something, sent again, also when their replies are long forgotten."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given

from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.conftest import House
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing


async def payments(house: House) -> Repeated:
    example = uuid.uuid4().hex

    def request(request_id: str, body: int) -> pb.CreatePaymentRequest:
        return house.request(request_id=request_id, merchant_reference=f"{example}-{body}")

    return Repeated(call=house.call.CreatePayment, request=request, created=lambda reply: reply.payment.payment_id)


async def payments_in_batches(house: House, times: int = 3) -> Repeated:
    """The same call, by batches of one payment three times."""
    single = await payments(house)

    async def call(request: Any, context: Any) -> Any:
        batch = pb.BatchCreatePaymentsRequest(requests=[request] * times)
        results = (await house.call.BatchCreatePayments(batch, context)).results
        if results[0].HasField("error"):
            await house.call.CreatePayment(request, context)  # Raises what is refused.
        assert list(results) == [results[0]] * times
        return results[0]

    return Repeated(call=call, request=single.request, created=lambda result: result.payment.payment_id, trailer=False)


async def payments_alone_in_batches(house: House) -> Repeated:
    """The same call, by batches that can be carried out at once."""
    return await payments_in_batches(house, times=1)


async def captures(house: House) -> Repeated:
    payment = await house.authorized()

    def request(request_id: str, body: int) -> pb.CapturePaymentRequest:
        amount = Money(amount_minor=10 + body, currency_code="USD")
        return pb.CapturePaymentRequest(request_id=request_id, payment_id=payment.payment_id, amount=amount)

    return Repeated(call=house.call.CapturePayment, request=request, created=lambda reply: reply.capture.capture_id)


async def refunds(house: House) -> Repeated:
    payment = await house.paid()

    def request(request_id: str, body: int) -> pb.CreateRefundRequest:
        amount = Money(amount_minor=5_000 - body, currency_code="USD")
        return pb.CreateRefundRequest(request_id=request_id, payment_id=payment.payment_id, amount=amount)

    return Repeated(call=house.call.CreateRefund, request=request, created=lambda reply: reply.refund.refund_id)


REPEATED: Mapping[str, Callable[[House], Awaitable[Repeated]]] = {
    "CreatePayment": payments,
    "BatchCreatePayments": payments_in_batches,
    "CapturePayment": captures,
    "CreateRefund": refunds,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(house: House, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(house.runtime, await REPEATED[method](house), steps)


@FEW_EXAMPLES
@given(steps=STEPS)
async def test_a_batch_of_one_sent_again_creates_nothing_however_late(house: House, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(house.runtime, await payments_alone_in_batches(house), steps)


async def test_a_refund_asked_for_again_a_year_later_is_the_one_it_was_as_it_is_now(house: House) -> None:
    payment = await house.paid()
    request = pb.CreateRefundRequest(
        request_id=str(uuid.uuid4()),
        payment_id=payment.payment_id,
        amount=Money(amount_minor=4_000, currency_code="USD"),
    )
    accepted = (await house.call.CreateRefund(request, None)).refund
    await house.submit()
    await house.runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
    again = (await house.call.CreateRefund(request, None)).refund
    assert (accepted.state, again.state) == (pb.REFUND_STATE_CREATED, pb.REFUND_STATE_SUCCEEDED)
    assert again == await house.get_refund(accepted.refund_id)
    assert (await house.get(payment.payment_id)).refunded_minor == 4_000
