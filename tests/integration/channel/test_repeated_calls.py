"""Calls to the channel that create something, sent again, also when their replies are long forgotten."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.channel.v1 import channel_pb2 as pb
from paystream.common.v1.money_pb2 import Money
from tests.integration.channel.conftest import House
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing


async def disputes(house: House) -> Repeated:
    captured = await house.authorize(10_000)

    def request(request_id: str, body: int) -> pb.OpenDisputeRequest:
        amount = Money(amount_minor=100 + body, currency_code="USD")
        return pb.OpenDisputeRequest(request_id=request_id, attempt_id=captured.attempt_id, amount=amount)

    return Repeated(call=house.call.OpenDispute, request=request, created=lambda reply: reply.dispute.dispute_reference)


REPEATED: Mapping[str, Callable[[House], Awaitable[Repeated]]] = {
    "OpenDispute": disputes,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(house: House, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(house.runtime, await REPEATED[method](house), steps)
