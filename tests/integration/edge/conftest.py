"""A server with one method of every form, on a unix socket, and what a client sees of it."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc_tools
import pytest
import structlog
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_tools import protoc

from paykit.base.call import current_call
from paykit.serve import server as grpc_server
from paykit.serve.edge import EdgeOptions
from paykit.serve.server import GrpcServer, ServerOptions, Servicer
from paykit.serve.validation import validator as validation

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SERVICE = "echo.v1.EchoService"


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The generated modules of echo.proto: `pb` and `rpc`."""
    out = tmp_path_factory.mktemp("echo")
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{HERE / 'protos'}", f"-I{ROOT / 'protos_vendor'}", f"-I{well_known}"]
    assert protoc.main([*arguments, f"--python_out={out}", f"--grpc_python_out={out}", "echo/v1/echo.proto"]) == 0
    sys.path.insert(0, str(out))
    yield Generated(importlib.import_module("echo.v1.echo_pb2"), importlib.import_module("echo.v1.echo_pb2_grpc"))
    sys.path.remove(str(out))


@dataclass(frozen=True)
class Generated:
    pb: Any
    rpc: Any


@dataclass
class Behaviour:
    """What the servicer does with a text, and what it saw."""

    on: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, text: str) -> None:
        self.served.append(text)
        self.arrived.set()
        if text in self.on:
            await self.on[text]()


def make_servicer(echo: Generated, behaviour: Behaviour) -> Servicer:
    pb = echo.pb

    async def answer(request: Any) -> Any:
        await behaviour(request.text)
        call = current_call()
        return pb.EchoResponse(
            text=request.text,
            caller=call.caller,
            correlation_id=call.cause.correlation_id,
            request_id=call.request_id,
            traceparent=call.cause.traceparent,
            bounded=call.deadline is not None,
        )

    class EchoServicer(echo.rpc.EchoServiceServicer):  # type: ignore[misc,name-defined]
        async def Echo(self, request: Any, _context: Any) -> Any:  # noqa: N802
            return None if request.text == "nothing" else await answer(request)

        async def EchoMany(self, request: Any, _context: Any) -> Any:  # noqa: N802
            checked = [
                validation.validate_message(item, f"requests[{index}]") for index, item in enumerate(request.requests)
            ]
            return pb.EchoManyResponse(
                reasons=[error.reason if error else "" for error in checked],
                fields=[error.field or "" if error else "" for error in checked],
            )

        async def Split(self, request: Any, _context: Any) -> AsyncIterator[Any]:  # noqa: N802
            for text in request.text.split():
                yield await answer(pb.EchoRequest(text=text))

        async def Join(self, requests: AsyncIterator[Any], _context: Any) -> Any:  # noqa: N802
            texts = [request.text async for request in requests]
            return await answer(pb.EchoRequest(text=" ".join(texts)))

        async def Relay(self, requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:  # noqa: N802
            async for request in requests:
                yield await answer(request)

    return Servicer(SERVICE, echo.rpc.add_EchoServiceServicer_to_server, EchoServicer())


@dataclass
class Running:
    """A server and a channel to it."""

    server: GrpcServer
    channel: grpc.aio.Channel
    stub: Any
    behaviour: Behaviour
    pb: Any

    async def health(self, service: str = "") -> str:
        """Ask the server how it is."""
        asked = health_pb2.HealthCheckRequest(service=service)
        stub: Any = health_pb2_grpc.HealthStub(self.channel)
        reply = await stub.Check(asked, timeout=30)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status))


Serve = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve(echo: Generated, tmp_path: Path) -> AsyncIterator[Serve]:
    """Start servers on unix sockets, with the edge options that a test needs."""
    async with AsyncExitStack() as opened:

        async def start(**options: Any) -> Running:
            behaviour = Behaviour()
            address = f"unix:{tmp_path}/echo.sock"
            server = await grpc_server.start(
                [make_servicer(echo, behaviour)], ServerOptions(address=address, edge=EdgeOptions(**options))
            )
            opened.push_async_callback(server.stop, 0)
            channel = await opened.enter_async_context(grpc.aio.insecure_channel(address))
            return Running(server, channel, echo.rpc.EchoServiceStub(channel), behaviour, echo.pb)

        yield start


@pytest.fixture
async def running(serve: Serve) -> Running:
    return await serve()


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """The log lines written while the test runs."""
    with structlog.testing.capture_logs() as captured:
        yield captured  # type: ignore[misc]


@dataclass(frozen=True)
class Refusal:
    """What a client sees of a call that failed."""

    code: grpc.StatusCode
    message: str
    info: error_details_pb2.ErrorInfo
    fields: dict[str, str]
    retry_s: int | None
    trailers: dict[str, Any]


async def refusal_of(call: Awaitable[Any]) -> Refusal:
    """Await a call that has to fail, and read its rich status."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(call, 60)
    return read_refusal(caught.value)


def read_refusal(error: grpc.aio.AioRpcError) -> Refusal:
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    described = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert (described.code, described.message) == (error.code().value[0], error.details())
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    found = {type(detail): any(packed.Unpack(detail) for packed in described.details) for detail in (info, bad, retry)}
    assert found[error_details_pb2.ErrorInfo]
    assert info.domain == "paystream"
    return Refusal(
        code=error.code(),
        message=described.message,
        info=info,
        fields={violation.field: violation.description for violation in bad.field_violations},
        retry_s=retry.retry_delay.seconds if found[error_details_pb2.RetryInfo] else None,
        trailers=trailers,
    )
