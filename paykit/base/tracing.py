"""Spans of the work that is sampled, exported by OTLP.

Whether a trace is sampled is decided once, where it begins, and travels in its traceparent: work that is not sampled
pays for a look at one character. Work that many share (a transaction of calls, a batch of events) is one span, linked
to the traces of those it was done for. Source: https://opentelemetry.io/docs/specs/otel/trace/.
"""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from paykit.base import telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

LINKS_MAX = 128
"""Traces that one span is linked to; the others share it unseen."""
SPANS_WAITING_MAX = 8_192
"""Spans that wait to be exported; beyond that they are dropped, never the work."""
EXPORT_EVERY_MS = 1_000
EXPORT_TIMEOUT_S = 5
_SERVER_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""Codes that are errors of the server by the conventions of gRPC; the others are the caller's."""


@dataclass(frozen=True, slots=True)
class _Exporting:
    provider: "TracerProvider"
    tracer: Tracer
    ratio: float


class _Process:
    """Where the spans of this process go; nowhere before `start`."""

    exporting: _Exporting | None = None


def start(*, endpoint: str, ratio: float) -> None:
    """Export spans from now on.

    Args:
        endpoint: Of an OTLP collector that speaks gRPC: `http://host:port`, or `https://` for TLS.
        ratio: The share of traces begun here that is sampled; those begun elsewhere keep what was decided there.
    """
    # A process that exports nothing starts sooner without them.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    stop()
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"), timeout=EXPORT_TIMEOUT_S)
    provider = TracerProvider(resource=Resource.create({"service.name": "paystream"}), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=SPANS_WAITING_MAX, schedule_delay_millis=EXPORT_EVERY_MS)
    )
    _Process.exporting = _Exporting(provider, provider.get_tracer("paystream"), ratio)


def flush() -> None:
    """Export what waits, for no longer than one export may take."""
    if _Process.exporting is not None:
        _Process.exporting.provider.force_flush(EXPORT_TIMEOUT_S * 1_000)


def stop() -> None:
    """Export what waits, for no longer than one export may take, and nothing afterwards."""
    if _Process.exporting is not None:
        _Process.exporting.provider.shutdown()
        _Process.exporting = None


class CallSpan:
    """The span of one call that is sampled."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def end(self, code: str) -> None:
        """End it with the name of the call's gRPC status."""
        self._span.set_attribute("rpc.response.status_code", code)
        if code in _SERVER_FAULTS:
            self._span.set_status(StatusCode.ERROR, code)
        self._span.end()


def begin_call(received: str | None, method: str) -> tuple[str, CallSpan | None]:
    """Return the traceparent of a call that was received with this one, and its span if it is sampled.

    Args:
        received: The caller's traceparent; None, or one that is malformed, begins a trace.
        method: As in `/package.Service/Method`.
    """
    exporting = _Process.exporting
    sampled = exporting is not None and random.random() < exporting.ratio  # noqa: S311 - a share, no secret
    traceparent = telemetry.continue_trace(received, sampled=sampled)
    if exporting is None or not telemetry.is_sampled(traceparent):
        return traceparent, None
    parent = Context()
    if received is not None and telemetry.is_traceparent(received):
        parent = set_span_in_context(NonRecordingSpan(_context_of(received)))
    attributes = {"rpc.system.name": "grpc", "rpc.method": method.lstrip("/")}
    span = exporting.tracer.start_span(method.lstrip("/"), parent, kind=SpanKind.SERVER, attributes=attributes)
    return _traceparent_of(span.get_span_context()), CallSpan(span)


@contextmanager
def shared(
    name: str, traceparents: Iterable[str | None], *, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int
) -> Iterator[None]:
    """Have work done for several traces stand as one span, linked to those of them that are sampled.

    Nothing is recorded where none is. An error that passes is recorded.
    """
    exporting = _Process.exporting
    links = _links(traceparents) if exporting is not None else []
    if exporting is None or not links:
        yield
        return
    named = {each.replace("__", "."): value for each, value in attributes.items()}
    with exporting.tracer.start_as_current_span(name, Context(), kind=kind, links=links, attributes=named):
        yield


def _links(traceparents: Iterable[str | None]) -> list[Link]:
    sampled = {each for each in traceparents if each is not None and telemetry.is_sampled(each)}
    return [Link(_context_of(each)) for each in sorted(sampled)[:LINKS_MAX]]


def _context_of(traceparent: str) -> SpanContext:
    return SpanContext(
        trace_id=int(telemetry.trace_id(traceparent), 16),
        span_id=int(telemetry.span_id(traceparent), 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _traceparent_of(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
