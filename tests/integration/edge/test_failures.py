"""What a caller and the log see of a call that does not succeed."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import REGISTRY

from paykit.base.errors import UnavailableError
from paykit.errors import DomainError, InvariantError, Kind
from paykit.merchants.standing import MerchantUnknown
from paykit.serve import waiting
from tests.integration.edge.conftest import Running, Serve, refusal_of


class InsufficientFunds(DomainError):
    kind = Kind.FAILED_PRECONDITION
    reason = "INSUFFICIENT_FUNDS"


def _raising(error: BaseException) -> Any:
    async def act() -> None:
        raise error

    return act


async def test_a_refusal_arrives_with_its_reason_and_facts(running: Running) -> None:
    running.behaviour.on["poor"] = _raising(InsufficientFunds("12 left", field="amount", available_minor="12"))
    refusal = await refusal_of(
        running.stub.Echo(running.pb.EchoRequest(text="poor"), metadata=(("x-correlation-id", "j"),), timeout=30)
    )
    assert (refusal.code, refusal.message) == (grpc.StatusCode.FAILED_PRECONDITION, "12 left")
    assert (refusal.info.reason, dict(refusal.info.metadata)) == ("INSUFFICIENT_FUNDS", {"available_minor": "12"})
    assert refusal.fields == {"amount": "12 left"}
    assert refusal.retry_s is None
    assert refusal.trailers["x-correlation-id"] == "j"


async def test_an_outage_is_unavailable_and_says_when_to_try_again(running: Running) -> None:
    running.behaviour.on["down"] = _raising(UnavailableError("connection to 10.0.0.1 refused", part="postgresql"))
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="down"), timeout=30))
    assert (refusal.code, refusal.message) == (grpc.StatusCode.UNAVAILABLE, "postgresql cannot be reached")
    assert (refusal.info.reason, dict(refusal.info.metadata)) == ("DEPENDENCY_UNAVAILABLE", {"part": "postgresql"})
    assert refusal.retry_s == 1


async def test_an_outage_of_many_calls_is_one_line_of_the_log(running: Running, lines: list[dict[str, Any]]) -> None:
    running.behaviour.on["down"] = _raising(UnavailableError("connection refused"))
    request = running.pb.EchoRequest(text="down")
    began = time.monotonic()
    await asyncio.gather(*(refusal_of(running.stub.Echo(request, timeout=30)) for _ in range(100)))
    seconds_begun = 1 + int(time.monotonic() - began)  # A loaded machine may need more than one.
    told = [line for line in lines if line["event"] == "calls_met_outage"]
    assert (told[0]["part"], told[0]["error"], told[0]["calls"]) == ("postgresql", "connection refused", 1)
    assert len(told) <= seconds_begun


@pytest.mark.parametrize("error", [RuntimeError("secret 42"), InvariantError("secret 42"), KeyError("secret 42")])
async def test_a_defect_is_internal_without_its_text(serve: Serve, lines: list[dict[str, Any]], error: Any) -> None:
    running = await serve()
    running.behaviour.on["bug"] = _raising(error)
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="bug"), timeout=30))
    error_id = refusal.info.metadata["error_id"]
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert refusal.message == f"internal error {error_id}"
    assert "secret" not in str(refusal)
    logged = [line for line in lines if line["event"] == "call_failed"]
    assert [(line["error_id"], line["exc_info"]) for line in logged] == [(error_id, error)]


async def test_a_reply_that_cannot_be_serialized_is_a_defect(running: Running) -> None:
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="nothing"), timeout=30))
    assert refusal.info.reason == "INTERNAL"


async def test_a_refused_call_links_to_its_reason_where_that_can_be_read(serve: Serve) -> None:
    running = await serve(errors_help_url="https://docs.example.com/errors")
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="x" * 1_001), timeout=30))
    packed, help_ = status_pb2.Status.FromString(refusal.trailers["grpc-status-details-bin"]), error_details_pb2.Help()
    assert packed.details[-1].Unpack(help_)
    assert help_.links[0].url == f"https://docs.example.com/errors#{refusal.info.reason}"


async def test_a_call_without_deadline_is_bounded_by_the_default(serve: Serve) -> None:
    running = await serve(deadline_default_s=0.1)
    running.behaviour.on["slow"] = asyncio.Event().wait
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="slow")))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_a_timeout_inside_the_servicer_is_not_taken_for_the_deadline(serve: Serve) -> None:
    running = await serve(deadline_default_s=5)
    running.behaviour.on["slow"] = _raising(TimeoutError("its own"))
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="slow")))
    assert refusal.info.reason == "INTERNAL"


async def test_work_stops_when_the_callers_deadline_passes(running: Running) -> None:
    stopped = asyncio.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    running.behaviour.on["slow"] = wait_for_ever
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.pb.EchoRequest(text="slow"), timeout=0.1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(stopped.wait(), 30)


async def test_a_call_whose_deadline_passed_while_it_waited_is_never_carried_out(running: Running) -> None:
    late = threading.Thread(target=_call_with_deadline, args=(running, 0.2))

    async def block_the_loop() -> None:
        late.start()
        late.join()  # That is how a busy process looks to a call: its caller has given up.
        time.sleep(0.3)  # noqa: ASYNC251  And so has gRPC on this side, which was told of the deadline a little later.

    running.behaviour.on["busy"] = block_the_loop
    await running.stub.Echo(running.pb.EchoRequest(text="busy"), timeout=30)
    await running.stub.Echo(running.pb.EchoRequest(text="after"), timeout=30)
    assert running.behaviour.served == ["busy", "after"]


async def test_more_calls_than_allowed_are_refused_but_health_is_not(serve: Serve) -> None:
    running = await serve(calls_max=1)
    release = asyncio.Event()
    running.behaviour.on["hold"] = release.wait
    held = asyncio.ensure_future(running.stub.Echo(running.pb.EchoRequest(text="hold"), timeout=30))
    await running.behaviour.arrived.wait()
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="one more"), timeout=30))
    assert (refusal.code, refusal.info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLS_EXHAUSTED")
    assert refusal.retry_s == 1
    assert await running.health() == "SERVING"
    release.set()
    assert (await held).text == "hold"
    assert (await running.stub.Echo(running.pb.EchoRequest(text="now"), timeout=30)).text == "now"


async def test_idle_streams_keep_out_no_calls_and_have_a_bound_of_their_own(serve: Serve) -> None:
    running = await serve(calls_max=1, streams_max=1)
    idle = running.stub.Relay(timeout=30)
    await idle.write(running.pb.EchoRequest(text="open"))
    assert (await idle.read()).text == "open"
    assert (await running.stub.Echo(running.pb.EchoRequest(text="call"), timeout=30)).text == "call"
    refusal = await refusal_of(running.stub.Join([running.pb.EchoRequest(text="another")], timeout=30))
    assert refusal.info.reason == "CALLS_EXHAUSTED"
    await idle.done_writing()
    assert await idle.read() is grpc.aio.EOF
    assert (await running.stub.Join([running.pb.EchoRequest(text="now")], timeout=30)).text == "now"


async def test_a_call_that_waits_for_news_keeps_out_nobody_elses(serve: Serve) -> None:
    running = await serve(calls_max=1)
    heard = asyncio.Event()

    async def know() -> None:
        if not heard.is_set():
            raise MerchantUnknown("not yet")

    running.behaviour.on["early"] = lambda: waiting.until_known((MerchantUnknown,), know)
    early = asyncio.ensure_future(running.stub.Echo(running.pb.EchoRequest(text="early"), timeout=30))
    await running.behaviour.arrived.wait()
    assert (await running.stub.Echo(running.pb.EchoRequest(text="other"), timeout=30)).text == "other"
    heard.set()
    assert (await early).text == "early"
    assert REGISTRY.get_sample_value("paystream_grpc_calls_in_flight") == 0


async def test_where_too_many_wait_for_news_one_more_is_refused_at_once(serve: Serve) -> None:
    running = await serve(waiters_max=1)
    asked: list[str] = []

    def never(name: str) -> Callable[[], Awaitable[object]]:
        async def know() -> None:
            asked.append(name)
            raise MerchantUnknown("not yet")

        return lambda: waiting.until_known((MerchantUnknown,), know)

    running.behaviour.on |= {"first": never("first"), "second": never("second")}
    first = asyncio.ensure_future(refusal_of(running.stub.Echo(running.pb.EchoRequest(text="first"), timeout=30)))
    await running.behaviour.arrived.wait()
    refusal = await refusal_of(running.stub.Echo(running.pb.EchoRequest(text="second"), timeout=30))
    assert (refusal.info.reason, asked.count("second")) == ("MERCHANT_UNKNOWN", 1)
    assert (await first).info.reason == "MERCHANT_UNKNOWN"
    assert asked.count("first") > 1


async def test_a_stream_that_fails_midway_delivers_what_came_before(running: Running) -> None:
    running.behaviour.on["poor"] = _raising(InsufficientFunds("12 left"))
    call = running.stub.Split(running.pb.EchoRequest(text="a poor b"), timeout=30)
    replies = [(await call.read()).text]
    refusal = await refusal_of(call.read())
    assert (replies, refusal.info.reason) == (["a"], "INSUFFICIENT_FUNDS")


async def test_calls_are_counted_by_method_and_code(running: Running) -> None:
    def count(code: str) -> float:
        labels = {"method": "/echo.v1.EchoService/Join", "code": code}
        return REGISTRY.get_sample_value("paystream_grpc_calls_total", labels) or 0.0

    before = count("OK"), count("FAILED_PRECONDITION")
    running.behaviour.on["poor"] = _raising(InsufficientFunds("12 left"))
    await running.stub.Join([running.pb.EchoRequest(text="a")], timeout=30)
    await refusal_of(running.stub.Join([running.pb.EchoRequest(text="poor")], timeout=30))
    assert (count("OK"), count("FAILED_PRECONDITION")) == (before[0] + 1, before[1] + 1)
    assert REGISTRY.get_sample_value("paystream_grpc_calls_in_flight") == 0


def _call_with_deadline(running: Running, seconds: float) -> None:
    with grpc.insecure_channel(running.server.address) as channel:
        method = channel.unary_unary(
            "/echo.v1.EchoService/Echo", running.pb.EchoRequest.SerializeToString, running.pb.EchoResponse.FromString
        )
        with pytest.raises(grpc.RpcError):
            method(running.pb.EchoRequest(text="late"), timeout=seconds)
