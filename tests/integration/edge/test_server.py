"""What every server has: health, reflection, bounds, an orderly end."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from paykit.serve import server as grpc_server
from paykit.serve.edge import EdgeOptions
from paykit.serve.server import ServerOptions, Servicer
from tests.integration.edge.conftest import Behaviour, Generated, Running, make_servicer, refusal_of

HELD_MAX = 8
"""Of calls that came while the process stood still: the four that may be held, and the few that it takes before."""


async def test_a_free_port_is_taken_and_told(echo: Generated) -> None:
    server = await grpc_server.start([make_servicer(echo, Behaviour())], ServerOptions(address="127.0.0.1:0"))
    host, _, port = server.address.rpartition(":")
    assert (host, port != "0") == ("127.0.0.1", True)
    async with grpc.aio.insecure_channel(server.address) as channel:
        reply = await echo.rpc.EchoServiceStub(channel).Echo(echo.pb.EchoRequest(text="hi"), timeout=30)
        assert reply.text == "hi"
    with pytest.raises(OSError, match=f"cannot listen on {server.address}"):
        await grpc_server.start([make_servicer(echo, Behaviour())], ServerOptions(address=server.address))
    await server.stop(0)


async def test_a_port_can_be_shared_by_those_who_ask_for_it(echo: Generated) -> None:
    first = await grpc_server.start(
        [make_servicer(echo, Behaviour())], ServerOptions(address="127.0.0.1:0", port_shared=True)
    )
    second = await grpc_server.start(
        [make_servicer(echo, Behaviour())], ServerOptions(address=first.address, port_shared=True)
    )
    assert second.address == first.address
    await first.stop(0)
    await second.stop(0)


async def test_health_is_told_for_the_server_and_each_service(running: Running) -> None:
    assert await running.health() == "SERVING"
    assert await running.health("echo.v1.EchoService") == "SERVING"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.health("echo.v1.Nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"])
async def test_reflection_lists_the_services_and_describes_them(running: Running, name: str) -> None:
    """Under both of its names, with the same messages."""
    request: Any = reflection_pb2.ServerReflectionRequest
    asked = [
        request(list_services=""),
        request(file_containing_symbol="echo.v1.EchoService"),
        request(file_containing_symbol=name),
    ]
    ask: Any = running.channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        request_serializer=request.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    replies = [reply async for reply in ask(iter(asked), timeout=30)]
    assert sorted(service.name for service in replies[0].list_services_response.service) == [
        "echo.v1.EchoService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ]
    assert len(replies[1].file_descriptor_response.file_descriptor_proto) > 0
    [described] = map(FileDescriptorProto.FromString, replies[2].file_descriptor_response.file_descriptor_proto)
    [service] = described.service
    assert f"{described.package}.{service.name}" == name
    assert service.method[0].input_type == f".{described.package}.ServerReflectionRequest"


async def test_stopping_says_so_first_and_lets_calls_finish(running: Running) -> None:
    release = asyncio.Event()
    running.behaviour.on["hold"] = release.wait
    held = asyncio.ensure_future(running.stub.Echo(running.pb.EchoRequest(text="hold"), timeout=30))
    stub: Any = health_pb2_grpc.HealthStub(running.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    seen = [await watch.read()]
    await running.behaviour.arrived.wait()
    stopping = asyncio.create_task(running.server.stop(5))
    seen.append(await watch.read())
    watch.cancel()
    release.set()
    assert (await held).text == "hold"
    await stopping
    names = [health_pb2.HealthCheckResponse.ServingStatus.Name(each.status) for each in seen]
    assert names == ["SERVING", "NOT_SERVING"]


async def test_a_call_that_outlasts_the_grace_is_cancelled(running: Running) -> None:
    running.behaviour.on["hold"] = asyncio.Event().wait
    held = asyncio.ensure_future(running.stub.Echo(running.pb.EchoRequest(text="hold"), timeout=30))
    await running.behaviour.arrived.wait()
    await running.server.stop(0.05)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await held
    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


async def test_a_request_beyond_the_size_bound_is_refused(echo: Generated, tmp_path: Path) -> None:
    options = ServerOptions(address=f"unix:{tmp_path}/s", message_bytes_max=1024)
    server = await grpc_server.start([make_servicer(echo, Behaviour())], options)
    async with grpc.aio.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await echo.rpc.EchoServiceStub(channel).Echo(echo.pb.EchoRequest(text="x" * 2000), timeout=30)
    await server.stop(0)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_reply_beyond_the_size_bound_is_an_error_that_names_the_bound(echo: Generated, tmp_path: Path) -> None:
    options = ServerOptions(address=f"unix:{tmp_path}/s", edge=EdgeOptions(reply_bytes_max=1024))
    server = await grpc_server.start([make_servicer(echo, Behaviour())], options)
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = echo.rpc.EchoServiceStub(channel)
        refusal = await refusal_of(stub.Echo(echo.pb.EchoRequest(text="x" * 1000), timeout=30))
        fitting = await stub.Echo(echo.pb.EchoRequest(text="x" * 800), timeout=30)
    await server.stop(0)
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REPLY_TOO_LARGE")
    assert (refusal.info.metadata["reply_bytes_max"], refusal.retry_s) == ("1024", None)
    assert len(fitting.text) == 800


async def test_a_servicer_that_would_never_be_awaited_is_refused_at_start(echo: Generated, tmp_path: Path) -> None:
    class Synchronous(echo.rpc.EchoServiceServicer):  # type: ignore[misc,name-defined]
        def Echo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
            return echo.pb.EchoResponse()

    servicer = Servicer("echo.v1.EchoService", echo.rpc.add_EchoServiceServicer_to_server, Synchronous())
    with pytest.raises(TypeError, match=r"EchoService\.Echo is not asynchronous"):
        await grpc_server.start([servicer], ServerOptions(address=f"unix:{tmp_path}/s"))


async def test_what_comes_while_the_process_stands_still_is_held_up_to_a_bound(echo: Generated) -> None:
    options = ServerOptions(address="127.0.0.1:0", pending_max=4)
    server = await grpc_server.start([make_servicer(echo, Behaviour())], options)
    channel = await asyncio.to_thread(grpc.insecure_channel, server.address)
    stub = echo.rpc.EchoServiceStub(channel)
    await asyncio.to_thread(stub.Echo, echo.pb.EchoRequest(text="first"), timeout=10)  # The channel is connected.
    calls = [stub.Echo.future(echo.pb.EchoRequest(text="hi"), timeout=30) for _ in range(40)]
    # The event loop stands still; gRPC's own threads send, hold and reset calls meanwhile.
    give_up = time.monotonic() + 20
    while sum(call.done() for call in calls) < 40 - HELD_MAX and time.monotonic() < give_up:
        time.sleep(0.05)  # noqa: ASYNC251
    codes = Counter([await asyncio.to_thread(call.code) for call in calls])
    await asyncio.to_thread(channel.close)
    await server.stop(0)
    assert codes.keys() == {grpc.StatusCode.OK, grpc.StatusCode.CANCELLED}
    assert 4 <= codes[grpc.StatusCode.OK] <= HELD_MAX
