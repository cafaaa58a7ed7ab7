"""How calls are taken from gRPC: many at a time, and what is too much refused unread."""

import asyncio
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc._cython import cygrpc
from grpc_status import rpc_status
from prometheus_client import REGISTRY

from paykit.serve.accepting import accepting_server, grpc_parts
from paykit.serve.edge import EdgeOptions
from paykit.serve.interceptors import Edge
from tests.integration.edge.conftest import Behaviour, Generated, Running, Serve, make_servicer, refusal_of
from tests.line.waiting import until

ECHO = "/echo.v1.EchoService/Echo"
TOGETHER = 64
TURN_S = 0.02
"""For how long each turn of the event loop stands still, while gRPC's threads deliver what there is."""


async def test_calls_that_came_together_are_taken_together(running: Running) -> None:
    await _hold_together(running, TOGETHER)
    channel = await asyncio.to_thread(grpc.insecure_channel, running.server.address)
    echo = channel.unary_unary(ECHO, running.pb.EchoRequest.SerializeToString, running.pb.EchoResponse.FromString)
    await asyncio.to_thread(echo, running.pb.EchoRequest(text="connect"), timeout=10)
    before = len(running.behaviour.served)
    calls = [echo.future(running.pb.EchoRequest(text="hi"), timeout=30) for _ in range(TOGETHER)]
    arrivals = [before]
    while arrivals[-1] < before + TOGETHER:
        time.sleep(TURN_S)  # noqa: ASYNC251  The loop is busy; gRPC's own threads are not.
        await asyncio.sleep(0)
        if len(running.behaviour.served) > arrivals[-1]:  # Turns in which none came say nothing: threads wait as well.
            arrivals.append(len(running.behaviour.served))
        assert len(arrivals) <= TOGETHER, "taken one by one"
    assert [(await asyncio.to_thread(call.result)).text for call in calls] == ["hi"] * TOGETHER
    await asyncio.to_thread(channel.close)


async def test_what_is_too_much_is_refused_with_details_and_never_read(serve: Serve) -> None:
    running = await serve(calls_max=1)
    release = asyncio.Event()
    running.behaviour.on["hold"] = release.wait
    held = asyncio.ensure_future(running.stub.Echo(running.pb.EchoRequest(text="hold"), timeout=30))
    await running.behaviour.arrived.wait()
    before = _refused()
    malformed: Any = running.channel.unary_unary(ECHO)
    refusals = await asyncio.gather(*(refusal_of(malformed(b"\xff", timeout=20)) for _ in range(200)))
    assert Counter((each.code, each.info.reason, each.retry_s) for each in refusals) == {
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLS_EXHAUSTED", 1): 200
    }
    assert refusals[0].info.metadata["calls_max"] == "1"
    assert _refused() == before + 200
    release.set()
    assert (await held).text == "hold"
    assert running.behaviour.served == ["hold"]


async def test_a_client_that_blocks_reads_the_refusal_too(serve: Serve) -> None:
    running = await serve(calls_max=0)

    def call() -> Any:
        with grpc.insecure_channel(running.server.address) as channel:
            method: Any = channel.unary_unary(ECHO)
            with pytest.raises(grpc.RpcError) as caught:
                method(running.pb.EchoRequest(text="x" * 500_000).SerializeToString(), timeout=10)
            return rpc_status.from_call(caught.value)  # type: ignore[arg-type]

    described = await asyncio.to_thread(call)
    assert (described.code, described.message) == (8, "too many calls at once")


@pytest.mark.parametrize("ending", ["cancelled", "deadline", "unread", "malformed", "answered"])
async def test_a_call_gives_its_place_back_however_it_ends(serve: Serve, ending: str) -> None:
    running = await serve(calls_max=1, streams_max=1)
    running.behaviour.on["slow"] = asyncio.Event().wait
    echo, request = running.stub.Echo, running.pb.EchoRequest
    for _ in range(3):
        running.behaviour.arrived.clear()
        if ending == "cancelled":
            call = echo(request(text="slow"), timeout=10)
            await running.behaviour.arrived.wait()
            call.cancel()
        elif ending == "deadline":
            with pytest.raises(grpc.aio.AioRpcError):
                await echo(request(text="slow"), timeout=0.1)
        elif ending == "unread":  # Its caller goes away before the request has come.
            stream: Any = running.channel.stream_unary(ECHO)(timeout=10)
            await stream.wait_for_connection()
            await asyncio.sleep(0.05)
            stream.cancel()
        elif ending == "malformed":
            malformed: Any = running.channel.unary_unary(ECHO)
            await refusal_of(malformed(b"\xff", timeout=10))
        else:
            await echo(request(text="hi"), timeout=10)
        assert (await _when_there_is_room(echo, request(text="next"))).text == "next"
    assert REGISTRY.get_sample_value("paystream_grpc_calls_in_flight") == 0


async def test_whoever_hears_the_answer_may_call_again_at_once(serve: Serve) -> None:
    running = await serve(calls_max=2)

    async def keep_calling() -> None:
        for _ in range(50):
            await running.stub.Echo(running.pb.EchoRequest(text="hi"), timeout=20)

    await asyncio.gather(keep_calling(), keep_calling())
    assert len(running.behaviour.served) == 100


async def test_a_method_that_does_not_exist_is_told_so(running: Running) -> None:
    nothing: Any = running.channel.unary_unary("/echo.v1.EchoService/Nothing")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await nothing(b"", timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_grpcio_that_is_installed_has_what_is_used_of_it() -> None:
    assert grpc_parts.fits(cygrpc)


@pytest.mark.parametrize("path", sorted(grpc_parts.PARTS))
def test_a_grpcio_that_has_it_otherwise_does_not_fit(path: str) -> None:
    core = SimpleNamespace(**{name: getattr(cygrpc, name) for name in dir(cygrpc)})
    name, _, method = path.partition(".")

    def changed(self: Any) -> None: ...

    if method:
        others = {each: getattr(getattr(cygrpc, name), each) for each in dir(getattr(cygrpc, name))}
        setattr(core, name, SimpleNamespace(**others | {method: changed}))
    else:
        setattr(core, name, changed)
    assert not grpc_parts.fits(core)


async def test_where_grpcio_does_not_fit_its_own_loop_serves_and_the_edge_refuses(
    echo: Generated, lines: list[dict[str, Any]]
) -> None:
    server = accepting_server.new_server(Edge(EdgeOptions(calls_max=1)), [], core=SimpleNamespace())
    behaviour = Behaviour()
    release = asyncio.Event()
    behaviour.on["hold"] = release.wait
    servicer = make_servicer(echo, behaviour)
    servicer.add(servicer.implementation, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = echo.rpc.EchoServiceStub(channel)
        held = asyncio.ensure_future(stub.Echo(echo.pb.EchoRequest(text="hold"), timeout=10))
        await behaviour.arrived.wait()
        refusal = await refusal_of(stub.Echo(echo.pb.EchoRequest(text="one more"), timeout=10))
        assert (refusal.info.reason, refusal.retry_s) == ("CALLS_EXHAUSTED", 1)
        release.set()
        assert (await held).text == "hold"
        assert (await stub.Echo(echo.pb.EchoRequest(text="now"), timeout=10)).text == "now"
    await server.stop(0)
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["grpc_takes_calls_one_by_one"]


async def _hold_together(running: Running, count: int) -> None:
    """Have so many calls in progress at once, as one that is short of time has."""
    release = asyncio.Event()
    running.behaviour.on["hold"] = release.wait
    request = running.pb.EchoRequest(text="hold")
    held = [asyncio.ensure_future(running.stub.Echo(request, timeout=30)) for _ in range(count)]

    async def all_came() -> bool:
        return len(running.behaviour.served) >= count

    await until(all_came)
    release.set()
    await asyncio.gather(*held)


async def _when_there_is_room(method: Any, request: Any) -> Any:
    """Call until it is not refused: a server hears later than its client that the client has gone."""
    for _ in range(500):
        try:
            return await method(request, timeout=10)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
        await asyncio.sleep(0.01)
    raise AssertionError("the place was never given back")


def _refused() -> float:
    labels = {"method": ECHO, "code": "RESOURCE_EXHAUSTED"}
    return REGISTRY.get_sample_value("paystream_grpc_calls_total", labels) or 0.0
