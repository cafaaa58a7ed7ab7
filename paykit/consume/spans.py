"""Batches of events as spans."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager

from opentelemetry.trace import SpanKind

from paykit.base import tracing
from paykit.consume.prepared import PreparedRecord


def processing(service: str, slices: Collection[Sequence[PreparedRecord]]) -> AbstractContextManager[None]:
    """Show the processing of a batch as one span for all traces that its events belong to."""
    return tracing.shared(
        f"process {service}",
        (prepared.record.traceparent for events in slices for prepared in events),
        kind=SpanKind.CONSUMER,
        messaging__system="kafka",
        messaging__batch__message_count=sum(map(len, slices)),
    )
