"""A collector of spans: takes them by OTLP, as a tracing back end does, and keeps them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class SpanSink(trace_service_pb2_grpc.TraceServiceServicer):
    """The spans taken so far.

    Attributes:
        endpoint: Where they are taken.
    """

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)

    async def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - as the protocol has it
        """Take spans."""
        self.spans += [
            span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, trace_id: str) -> Iterator[Span]:
        """Give the spans of a trace, and those linked to it."""
        wanted = bytes.fromhex(trace_id)
        return (each for each in self.spans if wanted in {each.trace_id, *(link.trace_id for link in each.links)})


@asynccontextmanager
async def collecting() -> AsyncIterator[SpanSink]:
    """Take spans on a free port."""
    sink, server = SpanSink(), grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(sink, server)  # type: ignore[no-untyped-call]
    sink.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield sink
    finally:
        await server.stop(None)
