"""Calls to order that create something, sent again, also when their replies are long forgotten."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.order.v1 import order_pb2 as pb
from tests.integration.order.conftest import Shop
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing


async def orders(shop: Shop) -> Repeated:
    example = uuid.uuid4().hex

    def request(request_id: str, body: int) -> pb.CreateOrderRequest:
        return shop.request(request_id=request_id, merchant_reference=f"{example}-{body}")

    return Repeated(call=shop.call.CreateOrder, request=request, created=lambda reply: reply.order.order_id)


REPEATED: Mapping[str, Callable[[Shop], Awaitable[Repeated]]] = {
    "CreateOrder": orders,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(shop: Shop, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(shop.runtime, await REPEATED[method](shop), steps)


async def test_an_order_asked_for_again_a_year_later_has_its_items(shop: Shop) -> None:
    request = shop.request()
    accepted = (await shop.call.CreateOrder(request, None)).order
    await shop.cancel(accepted.order_id)
    await shop.runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
    again = (await shop.call.CreateOrder(request, None)).order
    assert again == await shop.get(accepted.order_id)
    assert (again.state, list(again.line_items)) == (pb.ORDER_STATE_CANCELLED, list(accepted.line_items))
