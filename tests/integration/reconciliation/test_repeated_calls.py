"""Calls to reconciliation that create something, sent again, also when their replies are long forgotten."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.reconciliation.rpc.reconciliation import ReconciliationServicer
from tests.integration.reconciliation.resolving import Desk
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing
from tests.line.replies import checked


async def rule_sets(desk: Desk) -> Repeated:
    """Rules for one of two channels; another body has another reason."""

    def request(request_id: str, body: int) -> pb.CreateRuleSetRequest:
        return pb.CreateRuleSetRequest(
            request_id=request_id,
            channel=("simulator", "cards")[body % 2],
            content='[[rule]]\nkind = "REFERENCE"\n',
            reason=f"the {body}th try",
        )

    call = checked(ReconciliationServicer(desk.runtime)).CreateRuleSet
    return Repeated(call=call, request=request, created=lambda reply: reply.rule_set.rule_set_id)


REPEATED: Mapping[str, Callable[[Desk], Awaitable[Repeated]]] = {"CreateRuleSet": rule_sets}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(desk: Desk, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(desk.runtime, await REPEATED[method](desk), steps)
