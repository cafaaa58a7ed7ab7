"""What tests of contradictions do beside calling the service."""

import uuid
from typing import Any

from paykit.testing.runtimes import act_as
from paystream.common.v1 import contradiction_pb2
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.conftest import House

RESOLUTION = contradiction_pb2.ContradictionResolution


async def contradictions(house: House, **filters: Any) -> list[contradiction_pb2.Contradiction]:
    """List contradictions, newest first."""
    return list((await house.call.ListContradictions(pb.ListContradictionsRequest(**filters), None)).contradictions)


async def only_contradiction(house: House, **filters: Any) -> contradiction_pb2.Contradiction:
    [found] = await contradictions(house, **filters)
    return found


async def propose(
    house: House, contradiction_id: str, resolution: Any, *, proposer: str = "alice"
) -> contradiction_pb2.Contradiction:
    act_as(proposer)
    request = pb.ProposeResolutionRequest(
        request_id=str(uuid.uuid4()), contradiction_id=contradiction_id, resolution=resolution, reason="Looked into."
    )
    return (await house.call.ProposeResolution(request, None)).contradiction


async def approve(house: House, contradiction_id: str, *, decider: str = "bob") -> contradiction_pb2.Contradiction:
    act_as(decider)
    request = pb.ApproveResolutionRequest(request_id=str(uuid.uuid4()), contradiction_id=contradiction_id)
    return (await house.call.ApproveResolution(request, None)).contradiction


async def reject(house: House, contradiction_id: str, *, decider: str = "bob") -> contradiction_pb2.Contradiction:
    act_as(decider)
    request = pb.RejectResolutionRequest(
        request_id=str(uuid.uuid4()), contradiction_id=contradiction_id, reason="the payer still has it"
    )
    return (await house.call.RejectResolution(request, None)).contradiction
