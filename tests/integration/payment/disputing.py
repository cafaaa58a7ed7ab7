"""Disputes told to the payment service and answered, and a channel that takes the answers."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.conftest import ANY, House, ScriptedChannel

DUE = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
OPENED, WON, LOST = pb.DISPUTE_OUTCOME_OPENED, pb.DISPUTE_OUTCOME_WON, pb.DISPUTE_OUTCOME_LOST


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


@dataclass
class DisputingChannel(ScriptedChannel):
    """A channel that takes answers to disputes, after refusing as often as it is set to."""

    answers: list[channel_pb.RespondToDisputeRequest] = field(default_factory=list)
    refusals: list[grpc.StatusCode] = field(default_factory=list)

    async def RespondToDispute(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self.refusals:
            await context.abort(self.refusals.pop(), "no")
        self.answers.append(request)
        return channel_pb.RespondToDisputeResponse()


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[tuple[ScriptedChannel, str]]:
    scripted = DisputingChannel()  # type: ignore[abstract]  # Methods that payment does not call answer UNIMPLEMENTED.
    address = f"unix:{tmp_path}/channel.sock"
    server = grpc.aio.server()
    channel_pb2_grpc.add_ChannelServiceServicer_to_server(scripted, server)
    server.add_insecure_port(address)
    await server.start()
    yield scripted, address
    await server.stop(None)


async def report(house: House, attempt_id: str, outcome: pb.DisputeOutcome.ValueType, **changes: Any) -> pb.Dispute:
    given: dict[str, Any] = {
        "attempt_id": attempt_id,
        "dispute_reference": "chd_1",
        "outcome": outcome,
        "amount": usd(4_000),
        "reason": pb.DISPUTE_REASON_NOT_RECEIVED,
        "respond_by_time": DUE,
    }
    return (await house.call.ReportDispute(pb.ReportDisputeRequest(**given | changes), ANY)).dispute


async def charge(house: House, **changes: Any) -> tuple[str, str]:
    """A captured payment of 100.00 USD: its id, and that of its charge."""
    paid = await house.paid(**changes)
    return paid.payment_id, (await house.attempts(paid.payment_id))[0].attempt_id


async def disputed(house: House, **changes: Any) -> pb.Dispute:
    _, attempt_id = await charge(house)
    return await report(house, attempt_id, OPENED, **changes)


async def accept(house: House, dispute_id: str, request_id: str = "") -> pb.Dispute:
    request = pb.AcceptDisputeRequest(request_id=request_id or str(uuid.uuid4()), dispute_id=dispute_id)
    return (await house.call.AcceptDispute(request, ANY)).dispute


async def contest(house: House, dispute_id: str, evidence: str = "signed receipt", request_id: str = "") -> pb.Dispute:
    request = pb.ContestDisputeRequest(
        request_id=request_id or str(uuid.uuid4()), dispute_id=dispute_id, evidence=evidence
    )
    return (await house.call.ContestDispute(request, ANY)).dispute


async def get(house: House, dispute_id: str) -> pb.Dispute:
    return (await house.call.GetDispute(pb.GetDisputeRequest(dispute_id=dispute_id), ANY)).dispute
