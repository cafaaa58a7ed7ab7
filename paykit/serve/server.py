"""A gRPC server with all that every paystream server has: edge, health, reflection, bounds and an orderly end."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from paykit.serve.accepting import accepting_server, reflection
from paykit.serve.edge import EdgeOptions
from paykit.serve.interceptors import Edge
from paykit.serve.validation import validator as validation

CONNECTION_AGE_S_MAX = 3_600
"""A client that stays is asked to connect anew, so that connections spread over processes that came later."""
CONNECTION_AGE_GRACE_S = 600
"""For calls in progress on a connection past its age."""
KEEPALIVE_EVERY_S = 60
KEEPALIVE_TIMEOUT_S = 20
"""A client that does not answer a ping for so long is gone, and its calls with it."""
CLIENT_PING_EVERY_S_MIN = 10
"""More pings of a client than this are a reason to close its connection."""

_HEALTH: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


@dataclass(frozen=True, slots=True)
class Servicer:
    """One proto service and the code that answers for it.

    Attributes:
        full_name: As in `paystream.payment.v1.PaymentService`.
        add: The generated `add_<Service>Servicer_to_server`.
        implementation: An instance of the generated servicer class with all methods implemented as coroutines, or as
            asynchronous generators where replies are streams.
        end_streams: Ends streams that would last for as long as the process; called when the server begins to stop.
    """

    full_name: str
    add: Callable[[Any, Any], None]
    implementation: Any
    end_streams: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a server listens.

    Attributes:
        address: `host:port`, where port 0 takes a free one, or `unix:/path`.
        port_shared: Whether other processes may answer on the same port.
        message_bytes_max: Larger requests are refused with RESOURCE_EXHAUSTED, and no larger reply is sent.
        pending_max: Calls that gRPC holds before the edge sees them; one more is reset.
        edge: How calls are treated.
    """

    address: str
    port_shared: bool = False
    message_bytes_max: int = 4 * 1024 * 1024
    pending_max: int = 1_000
    edge: EdgeOptions = field(default_factory=EdgeOptions)


class GrpcServer:
    """A running server.

    Attributes:
        address: Where it listens, the port filled in.
    """

    def __init__(
        self, server: grpc.aio.Server, health: HealthServicer, address: str, servicers: Sequence[Servicer] = ()
    ) -> None:
        self._server = server
        self._health = health
        self._servicers = servicers
        self.address = address

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, end streams, take no new calls, and cancel those in progress after `grace_s` seconds."""
        await self._health.enter_graceful_shutdown()
        for servicer in self._servicers:
            if servicer.end_streams is not None:
                servicer.end_streams()
        await self._server.stop(grace_s)

    async def show(self, part: str, *, serving: bool) -> None:
        """Have the health service say whether a part of the process serves, by the part's name."""
        status = health_pb2.HealthCheckResponse
        await self._health.set(part, status.SERVING if serving else status.NOT_SERVING)

    async def wait(self) -> None:
        """Wait until the server has stopped."""
        await self._server.wait_for_termination()


async def start(servicers: Sequence[Servicer], options: ServerOptions) -> GrpcServer:
    """Start a server; it serves when this returns.

    Raises:
        OSError: The address cannot be used.
        TypeError: A servicer's method is not asynchronous.
        protovalidate.CompilationError: A rule in a proto is wrong.
    """
    server = accepting_server.new_server(Edge(options.edge), _channel_options(options))
    for servicer in servicers:
        _prepare(servicer)
        servicer.add(servicer.implementation, server)
    names = [servicer.full_name for servicer in servicers]
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for name in (*names, _HEALTH):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable([*names, _HEALTH], server)
    address = _bind(server, options.address)
    await server.start()
    structlog.get_logger(__name__).info("grpc_serving", address=address, services=names)
    return GrpcServer(server, health, address, servicers)


def _channel_options(options: ServerOptions) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", options.message_bytes_max),
        ("grpc.max_send_message_length", options.message_bytes_max),
        # On by default in gRPC: two processes would share a port's calls in silence where one was meant.
        ("grpc.so_reuseport", int(options.port_shared)),
        # By default up to 3,000 wait there, and what is accepted after them has waited for as long as they take.
        ("grpc.server.max_pending_requests", options.pending_max),
        ("grpc.server.max_pending_requests_hard_limit", options.pending_max),
        ("grpc.max_connection_age_ms", CONNECTION_AGE_S_MAX * 1_000),
        ("grpc.max_connection_age_grace_ms", CONNECTION_AGE_GRACE_S * 1_000),
        ("grpc.keepalive_time_ms", KEEPALIVE_EVERY_S * 1_000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_S * 1_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", CLIENT_PING_EVERY_S_MIN * 1_000),
    ]


def _prepare(servicer: Servicer) -> None:
    """Compile the rules of all requests, and refuse methods that would answer with a coroutine nobody awaits."""
    service = descriptor_pool.Default().FindServiceByName(servicer.full_name)
    for method in service.methods:
        validation.prepare(method.input_type)
        implemented = getattr(servicer.implementation, method.name)
        if not (inspect.iscoroutinefunction(implemented) or inspect.isasyncgenfunction(implemented)):
            raise TypeError(f"{servicer.full_name}.{method.name} is not asynchronous")


def _bind(server: grpc.aio.Server, address: str) -> str:
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}") from error
    return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
