"""Calls to settlement that create something, sent again, also when their replies are long forgotten."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.settlement.v1 import settlement_pb2 as pb
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing
from tests.integration.settlement.till import Till
from tests.line.replies import checked
from tests.line.servicers import SettlementCalls
from tests.unit.settlement.builders import ALICE, BOB, capture, daily

CAPTURES = itertools.count(1)


async def settlements(till: Till) -> Repeated:
    """What is pending of two merchants, each for one request id; another body asks for another currency."""
    merchants = (ALICE, BOB)
    for merchant_id in merchants:
        await till.policy(daily(), merchant_id=merchant_id)
        await till.consume(capture(next(CAPTURES), merchant_id=merchant_id))

    def request(request_id: str, body: int) -> pb.CreateSettlementRequest:
        return pb.CreateSettlementRequest(
            request_id=request_id,
            merchant_id=merchants[body % 2],
            currency_code="JPY" if body > 1 else "USD",
            override_reason="the month ends",
        )

    call = checked(SettlementCalls(till.runtime)).CreateSettlement
    return Repeated(call=call, request=request, created=lambda reply: reply.settlement.settlement_id)


REPEATED: Mapping[str, Callable[[Till], Awaitable[Repeated]]] = {
    "CreateSettlement": settlements,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(till: Till, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(till.runtime, await REPEATED[method](till), steps)
