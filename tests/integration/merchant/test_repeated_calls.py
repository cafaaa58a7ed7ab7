"""Calls to merchant that create something, sent again, also when their replies are long forgotten."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.merchant.v1 import merchant_pb2 as pb
from tests.integration.merchant.test_rpc import House, create_request, house
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing

__all__ = ["house"]


async def merchants(house: House) -> Repeated:
    def request(request_id: str, body: int) -> pb.CreateMerchantRequest:
        return create_request(request_id=request_id, display_name=f"Corner Books {body}")

    return Repeated(call=house.call.CreateMerchant, request=request, created=lambda reply: reply.merchant.merchant_id)


REPEATED: Mapping[str, Callable[[House], Awaitable[Repeated]]] = {
    "CreateMerchant": merchants,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(house: House, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(house.runtime, await REPEATED[method](house), steps)
