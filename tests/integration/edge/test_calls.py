"""What a servicer learns about a call, in every form of gRPC."""

import re
from typing import Any

from tests.integration.edge.conftest import Running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_call_that_says_nothing_gets_ids_of_its_own(running: Running) -> None:
    reply = await running.stub.Echo(running.pb.EchoRequest(text="hello"), timeout=30)
    assert (reply.text, reply.caller) == ("hello", "anonymous")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", reply.traceparent)
    assert reply.correlation_id == reply.traceparent[3:35]
    assert reply.request_id == reply.traceparent[36:52]


async def test_two_calls_share_no_ids(running: Running) -> None:
    first = await running.stub.Echo(running.pb.EchoRequest(), timeout=30)
    second = await running.stub.Echo(running.pb.EchoRequest(), timeout=30)
    assert first.correlation_id != second.correlation_id


async def test_a_caller_names_itself_its_journey_and_its_trace(running: Running) -> None:
    metadata = (
        ("paystream-caller", "shop-7"),
        ("x-correlation-id", "journey-1"),
        ("x-request-id", "attempt-1"),
        ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),
    )
    reply = await running.stub.Echo(running.pb.EchoRequest(), metadata=metadata, timeout=30)
    assert (reply.caller, reply.correlation_id, reply.request_id) == ("shop-7", "journey-1", "attempt-1")
    assert reply.traceparent.startswith(f"00-{TRACE}-")
    assert reply.traceparent.endswith("-01")
    assert "00f067aa0ba902b7" not in reply.traceparent


async def test_the_requests_own_request_id_names_the_call(running: Running) -> None:
    request = running.pb.EchoRequest(request_id="0193a4e2-7b1c-7def-8abc-0123456789ab")
    reply = await running.stub.Echo(request, metadata=(("x-request-id", "attempt-1"),), timeout=30)
    assert reply.request_id == "0193a4e2-7b1c-7def-8abc-0123456789ab"


async def test_names_that_are_not_fit_to_be_kept_are_replaced(running: Running) -> None:
    metadata = (
        ("paystream-caller", "shop 7"),
        ("x-correlation-id", "4111-1111-1111-1111"),
        ("traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01"),
    )
    reply = await running.stub.Echo(running.pb.EchoRequest(), metadata=metadata, timeout=30)
    assert reply.caller == "anonymous"
    assert reply.correlation_id == reply.traceparent[3:35] != "0" * 32


async def test_replies_can_be_a_stream(running: Running) -> None:
    replies = [r.text async for r in running.stub.Split(running.pb.EchoRequest(text="a b c"), timeout=30)]
    assert replies == ["a", "b", "c"]


async def test_requests_can_be_a_stream(running: Running) -> None:
    reply = await running.stub.Join(_texts(running, "a", "b"), timeout=30)
    assert (reply.text, reply.caller) == ("a b", "anonymous")


async def test_both_can_be_a_stream(running: Running) -> None:
    replies = [r.text async for r in running.stub.Relay(_texts(running, "a", "b"), timeout=30)]
    assert replies == ["a", "b"]


async def test_only_calls_with_one_reply_are_bounded_without_a_deadline(running: Running) -> None:
    assert (await running.stub.Echo(running.pb.EchoRequest())).bounded
    assert [r.bounded async for r in running.stub.Split(running.pb.EchoRequest(text="a"))] == [False]


def _texts(running: Running, *texts: str) -> list[Any]:
    return [running.pb.EchoRequest(text=text) for text in texts]
