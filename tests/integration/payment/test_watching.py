"""Streams that tell a payment and each change of it, by gRPC and from the commits of the service."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from paykit.serve import server as grpc_server
from paykit.serve.server import GrpcServer, ServerOptions
from paystream.channel.v1 import channel_pb2
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment.service import SERVICE
from tests.integration.payment.conftest import House

PATIENCE_S = 60.0
GRACE_S = 30.0


def looks() -> float:
    return REGISTRY.get_sample_value("paystream_grpc_watch_looks_total") or 0.0


@pytest.fixture
async def server(house: House) -> AsyncIterator[GrpcServer]:
    started = await grpc_server.start(SERVICE.servicers(house.runtime), ServerOptions(address="127.0.0.1:0"))
    yield started
    await started.stop(0)


def watch(channel: grpc.aio.Channel, payment_id: str) -> Any:
    stub: Any = payment_pb2_grpc.PaymentServiceStub(channel)
    return stub.WatchPayment(pb.WatchPaymentRequest(payment_id=payment_id), timeout=PATIENCE_S)


async def state(stream: Any) -> pb.Payment:
    async with asyncio.timeout(PATIENCE_S):
        reply = await stream.read()
    assert isinstance(reply, pb.WatchPaymentResponse)
    return reply.payment


async def test_a_payment_is_told_from_its_authorization_to_its_end(house: House, server: GrpcServer) -> None:
    payment = await house.create(capture_mode=pb.CAPTURE_MODE_MANUAL)
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = watch(channel, payment.payment_id)
        assert await state(stream) == payment
        await house.submit()
        assert (await state(stream)).state == pb.PAYMENT_STATE_AUTHORIZED
        await house.capture(payment.payment_id, 4_000)
        assert (await state(stream)).capturing_minor == 4_000
        await house.submit()
        captured = await state(stream)
        assert (captured.state, captured.captured_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 4_000)
        await house.cancel(payment.payment_id)
        await house.submit()
        last = captured
        while (
            reply := await stream.read()
        ) is not grpc.aio.EOF:  # What is left is being given up, and is: it ends well.
            last = reply.payment
        assert (last.cancelled_minor, last.stated_reason.reason) == (6_000, "changed their mind")
        assert await house.get(payment.payment_id) == last
        again = watch(channel, payment.payment_id)
        assert [reply.payment async for reply in again] == [last]


async def test_a_change_that_no_event_tells_of_is_told(house: House, server: GrpcServer) -> None:
    payment = await house.create()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = watch(channel, payment.payment_id)
        await state(stream)
        request = pb.UpdatePaymentRequest(request_id="8e3e9d65-6d3b-4f0e-9a4e-0d6ad8c4a111")
        request.payment.payment_id = payment.payment_id
        request.payment.metadata["till"] = "5"
        request.update_mask.paths.append("metadata")
        await house.call.UpdatePayment(request, None)
        assert dict((await state(stream)).metadata) == {"till": "5"}
        stream.cancel()


async def test_whoever_watches_is_told_what_the_payer_has_to_do_and_that_it_is_called_off(
    house: House, server: GrpcServer
) -> None:
    house.channel.fate = lambda request: "act" if isinstance(request, channel_pb2.AuthorizeRequest) else "approve"
    payment = await house.create()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = watch(channel, payment.payment_id)
        await state(stream)
        await house.submit()
        waiting = await state(stream)
        assert (waiting.state, waiting.HasField("next_action")) == (pb.PAYMENT_STATE_REQUIRES_ACTION, True)
        await house.cancel(payment.payment_id)
        asked = await state(stream)
        assert (asked.state, asked.HasField("next_action")) == (pb.PAYMENT_STATE_REQUIRES_ACTION, False)
        assert asked.cancel_reason == pb.CANCEL_REASON_REQUESTED
        await house.submit()
        assert (await state(stream)).state == pb.PAYMENT_STATE_CANCELLED
        async with asyncio.timeout(PATIENCE_S):
            assert await stream.read() is grpc.aio.EOF


async def test_many_streams_cost_no_more_looks_than_commits(house: House, server: GrpcServer) -> None:
    payments = [await house.create() for _ in range(40)]
    async with grpc.aio.insecure_channel(server.address) as channel:
        streams = [watch(channel, payment.payment_id) for payment in payments]
        await asyncio.gather(*map(state, streams))
        before = looks()
        await house.submit()
        async with asyncio.timeout(PATIENCE_S):
            ends = await asyncio.gather(*map(state, streams))
        assert {payment.state for payment in ends} == {pb.PAYMENT_STATE_SUCCEEDED}
        assert looks() - before < 10


async def test_a_payment_that_is_not_there_is_refused(server: GrpcServer) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await watch(channel, "pay_" + "f" * 32).read()
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_server_that_stops_ends_streams_at_once_with_unavailable(house: House, server: GrpcServer) -> None:
    payment = await house.create()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = watch(channel, payment.payment_id)
        await state(stream)
        async with asyncio.timeout(GRACE_S / 2):  # It does not wait for its grace to be over.
            await server.stop(GRACE_S)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stream.read()
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
