"""A bare grpc.aio server that gives back what it gets: what a call costs before paystream does anything.

It parses and serializes the message, as every server must, and does nothing else. It also takes spans, as a collector
does, and keeps none. `python -m bench.echo <address>`.
"""

import asyncio
import signal
import sys
from typing import Any

import grpc
import uvloop

from paystream.payment.v1.payment_pb2 import CreatePaymentRequest

SERVICE = "paystream.bench.v1.EchoService"
METHOD = f"/{SERVICE}/Echo"
COLLECTOR = "opentelemetry.proto.collector.trace.v1.TraceService"


async def _echo(request: CreatePaymentRequest, _context: Any) -> CreatePaymentRequest:
    return request


async def _take_spans(_spans: bytes, _context: Any) -> bytes:
    return b""  # An ExportTraceServiceResponse that refuses nothing.


async def serve(address: str) -> None:
    """Answer until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        _echo,
        request_deserializer=CreatePaymentRequest.FromString,
        response_serializer=CreatePaymentRequest.SerializeToString,
    )
    export: dict[str, Any] = {"Export": grpc.unary_unary_rpc_method_handler(_take_spans)}
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(SERVICE, {"Echo": handler}),
            grpc.method_handlers_generic_handler(COLLECTOR, export),
        )
    )
    server.add_insecure_port(address)
    await server.start()
    await stopping.wait()
    await server.stop(1.0)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
