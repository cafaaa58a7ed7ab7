"""Which work becomes a span, and what a span says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.trace import SpanKind

from paykit.base import telemetry, tracing
from tests.line.spans import SpanSink, collecting

METHOD = "/paystream.payment.v1.PaymentService/CreatePayment"
SAMPLED = f"00-{'a' * 32}-{'b' * 16}-01"
UNSAMPLED = f"00-{'c' * 32}-{'d' * 16}-00"


@pytest.fixture
async def sink() -> AsyncIterator[SpanSink]:
    async with collecting() as made:
        tracing.start(endpoint=made.endpoint, ratio=1.0)
        yield made
        await asyncio.to_thread(tracing.stop)


async def exported(sink: SpanSink) -> list[Span]:
    """Have all spans exported, and give them."""
    await asyncio.to_thread(tracing.stop)
    return sink.spans


def test_without_a_collector_nothing_is_sampled_and_nothing_recorded() -> None:
    traceparent, span = tracing.begin_call(None, METHOD)
    assert (telemetry.is_sampled(traceparent), span) == (False, None)
    traceparent, span = tracing.begin_call(SAMPLED, METHOD)
    assert (telemetry.trace_id(traceparent), telemetry.is_sampled(traceparent), span) == ("a" * 32, True, None)
    with tracing.shared("publish", [SAMPLED]):
        pass


async def test_a_call_that_begins_a_trace_is_its_root(sink: SpanSink) -> None:
    traceparent, span = tracing.begin_call(None, METHOD)
    assert span is not None
    span.end("OK")
    [made] = await exported(sink)
    assert (made.name, made.kind) == (METHOD.lstrip("/"), Span.SPAN_KIND_SERVER)
    assert traceparent[:-3] == f"00-{made.trace_id.hex()}-{made.span_id.hex()}"
    assert telemetry.is_sampled(traceparent)
    assert (made.parent_span_id, made.status.code) == (b"", Status.STATUS_CODE_UNSET)


@pytest.mark.parametrize(
    ("code", "status"),
    [("INVALID_ARGUMENT", Status.STATUS_CODE_UNSET), ("INTERNAL", Status.STATUS_CODE_ERROR)],
)
async def test_a_call_in_a_sampled_trace_follows_its_caller(
    sink: SpanSink, code: str, status: "Status.StatusCode.ValueType"
) -> None:
    traceparent, span = tracing.begin_call(SAMPLED, METHOD)
    assert span is not None
    span.end(code)
    [made] = await exported(sink)
    assert telemetry.trace_id(traceparent) == made.trace_id.hex() == "a" * 32
    assert (made.parent_span_id.hex(), made.status.code) == ("b" * 16, status)


async def test_who_decided_against_sampling_is_heeded(sink: SpanSink) -> None:
    traceparent, span = tracing.begin_call(UNSAMPLED, METHOD)
    assert (telemetry.trace_id(traceparent), traceparent[-2:], span) == ("c" * 32, "00", None)
    assert await exported(sink) == []


async def test_shared_work_is_one_span_linked_to_the_sampled_traces_and_none_without_one(sink: SpanSink) -> None:
    with tracing.shared("publish", [None, UNSAMPLED]):
        pass
    with tracing.shared(
        "publish", [UNSAMPLED, SAMPLED, None, SAMPLED], kind=SpanKind.PRODUCER, messaging__system="kafka"
    ):
        pass
    [made] = await exported(sink)
    assert (made.name, made.kind) == ("publish", Span.SPAN_KIND_PRODUCER)
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in made.links] == [("a" * 32, "b" * 16)]
    assert {each.key: each.value.string_value for each in made.attributes} == {"messaging.system": "kafka"}


async def test_links_are_bounded(sink: SpanSink) -> None:
    with tracing.shared("publish", [f"00-{n:032x}-{'b' * 16}-01" for n in range(1, tracing.LINKS_MAX + 50)]):
        pass
    [made] = await exported(sink)
    assert len(made.links) == tracing.LINKS_MAX


async def test_a_failure_of_shared_work_is_told_and_passes_on(sink: SpanSink) -> None:
    with pytest.raises(ValueError, match="lost"), tracing.shared("publish", [SAMPLED]):
        raise ValueError("lost")
    [made] = await exported(sink)
    assert made.status.code == Status.STATUS_CODE_ERROR


async def test_spans_that_nobody_takes_hold_up_nothing() -> None:
    tracing.start(endpoint="http://127.0.0.1:9", ratio=1.0)
    _, span = tracing.begin_call(None, METHOD)
    assert span is not None
    span.end("OK")
    await asyncio.to_thread(tracing.stop)
    assert tracing.begin_call(SAMPLED, METHOD)[1] is None
