"""A payment is watched on the real parts, from another process than the one that carries it out."""

from typing import Any

from paystream.payment.v1 import payment_pb2 as pb
from tests.e2e.conftest import Line
from tests.line.clients import call, first_payment, new_merchant, payment_request

PATIENCE_S = 60


async def test_a_payment_is_told_until_its_end_and_asked_for_again(line: Line) -> None:
    merchant_id = await new_merchant(line.clients, {"USD": (0, 0)})
    await first_payment(line.clients, payment_request(merchant_id, 100))
    made = (await call(line.clients.payment.CreatePayment, payment_request(merchant_id, 1_000))).payment
    request = pb.WatchPaymentRequest(payment_id=made.payment_id)
    stream: Any = line.clients.payment.WatchPayment(request, timeout=PATIENCE_S)
    told = [reply.payment async for reply in stream]
    again: Any = line.clients.payment.WatchPayment(request, timeout=PATIENCE_S)

    assert (told[-1].state, told[-1].captured_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 1_000)
    assert [payment.etag for payment in told] == sorted({payment.etag for payment in told})
    assert [reply.payment.state async for reply in again] == [pb.PAYMENT_STATE_SUCCEEDED]
