"""The simulator's adapter, against the channel service itself, over a way that a test can disturb."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from paykit.channels.adapters import simulator
from paykit.channels.attempts import EvidenceOutcome
from paykit.channels.channel import Channel
from paykit.channels.registry import AdapterSettings
from paykit.channels.requests import AnswerOutcome
from paykit.clock import SystemClock
from paykit.serve import server as grpc_server
from paykit.serve.server import ServerOptions
from paykit.testing.channel_contract import SLOW_S, ChannelContract, ChannelFault, contest, inquire, send
from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import channel_pb2_grpc
from services.channel.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database

BATCHES: dict[str, Any] = {
    "BatchAuthorize": pb.BatchAuthorizeRequest,
    "BatchCapture": pb.BatchCaptureRequest,
    "BatchCancel": pb.BatchCancelRequest,
    "BatchRefund": pb.BatchRefundRequest,
    "BatchPay": pb.BatchPayRequest,
}
SILENCE_S = 60.0


class Way(grpc.GenericRpcHandler):
    """The way from an adapter to the channel service: bytes there and back, unless a fault is set."""

    channel: Channel

    def __init__(self, there: grpc.aio.Channel) -> None:
        self.there = there
        self.fault: ChannelFault | None = None
        self.malformed = b""  # A response without results.
        self.sent: Counter[str] = Counter()

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method

        async def carry(request: bytes, context: Any) -> bytes:
            return await self._carry(method, request, context)

        return grpc.unary_unary_rpc_method_handler(carry)

    async def open_dispute(self, attempt_id: str) -> str:
        request = pb.OpenDisputeRequest(request_id=str(uuid.uuid4()), attempt_id=attempt_id)
        return (await channel_pb2_grpc.SimulatorServiceStub(self.there).OpenDispute(request)).dispute.dispute_reference

    async def _carry(self, method: str, request: bytes, context: Any) -> bytes:
        if self.fault is ChannelFault.SILENT:
            await asyncio.sleep(SILENCE_S)
        if self.fault is ChannelFault.REFUSED:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        if (batch := BATCHES.get(method.rpartition("/")[2])) is not None:
            self.sent.update(each.attempt_id for each in batch.FromString(request).requests)
        call: Any = self.there.unary_unary(method)
        try:
            answer: bytes = await call(request)
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "")
        return await self._come_back(answer, context)

    async def _come_back(self, answer: bytes, context: Any) -> bytes:
        if self.fault is ChannelFault.LOST:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "gone in the middle")
        if self.fault is ChannelFault.SLOW:
            await asyncio.sleep(SLOW_S)
        return self.malformed if self.fault is ChannelFault.MALFORMED else answer


database_url = shared_database.of_a_module()
emptied = shared_database.emptied("channel")


@pytest.fixture
async def rig(runtime_of: RuntimeOf, tmp_path: Path) -> AsyncIterator[Way]:
    runtime = await runtime_of(SERVICE, clock=SystemClock())
    there, here = f"unix:{tmp_path}/channel.sock", f"unix:{tmp_path}/way.sock"
    service = await grpc_server.start(SERVICE.servicers(runtime), ServerOptions(address=there))
    async with grpc.aio.insecure_channel(there) as connection:
        way = Way(connection)
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((way,))
        server.add_insecure_port(here)
        await server.start()
        async with simulator.connect(here, AdapterSettings()) as channel:
            assert channel is not None
            way.channel = channel
            yield way
        await server.stop(None)
    await service.stop(0)


class TestSimulator(ChannelContract):
    adapter = simulator.ADAPTER
    declined_minor = 19_001
    partial = (19_013, 15_000)
    action_minor = 19_021

    async def test_an_answer_that_is_no_message_leaves_the_outcome_open(self, rig: Way) -> None:
        requests = await self._requests(rig, self._declared()[0], count=3)
        answer = contest(await self._dispute(rig))
        rig.fault, rig.malformed = ChannelFault.MALFORMED, b"\xff\xff\xff"
        assert {e.outcome for e in await send(rig, requests)} == {EvidenceOutcome.NO_ANSWER}
        assert {e.outcome for e in await inquire(rig, requests)} == {EvidenceOutcome.NO_ANSWER}
        assert await rig.channel.answer_dispute(answer) is AnswerOutcome.NO_ANSWER

    async def test_an_answer_about_other_attempts_leaves_the_outcome_open(self, rig: Way) -> None:
        requests = await self._requests(rig, self._declared()[0])
        other = pb.Transaction(attempt_id="att_other", channel_reference="chr_1", outcome=pb.OUTCOME_APPROVED)
        answer = pb.BatchAuthorizeResponse(results=[pb.TransactionResult(transaction=other)])
        rig.fault, rig.malformed = ChannelFault.MALFORMED, answer.SerializeToString()
        assert [e.outcome for e in await send(rig, requests)] == [EvidenceOutcome.NO_ANSWER]


async def test_a_simulator_that_nobody_serves_is_no_channel(tmp_path: Path) -> None:
    async with simulator.connect(f"unix:{tmp_path}/nobody.sock", AdapterSettings()) as channel:
        assert channel is None
