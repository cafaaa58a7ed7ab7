"""What is told of batches of events: a span of each, and how long ago its events were recorded."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from opentelemetry.trace import SpanKind

from paykit.base import tracing
from paykit.base.metrics import AgeHistogram
from paykit.clock import micros_since_epoch
from paykit.consume.prepared import PreparedRecord
from paykit.events.encoded_values import all_micros_of
from paykit.events.shape_reading import ShapedMessage

_US_PER_S = 1_000_000


def processing(service: str, slices: Collection[Sequence[PreparedRecord]]) -> AbstractContextManager[None]:
    """Show the processing of a batch as one span for all traces that its events belong to."""
    return tracing.shared(
        f"process {service}",
        (prepared.record.traceparent for events in slices for prepared in events),
        kind=SpanKind.CONSUMER,
        messaging__system="kafka",
        messaging__batch__message_count=sum(map(len, slices)),
    )


def observe_ages(histogram: AgeHistogram, events: Iterable[Any], now: datetime, *labels: str) -> None:
    """Count the ages of events, or of what a fast lane made of them, under the values of labels."""
    shaped: list[bytes] = []
    whole: list[datetime | None] = []
    for event in events:
        if isinstance(event, ShapedMessage):
            shaped.append(event.recorded)
        else:
            whole.append(event.recorded_at)
    if whole:
        histogram.observe_since(whole, now, *labels)
    if shaped:
        now_us = micros_since_epoch(now)
        histogram.observe_all([(now_us - each) / _US_PER_S for each in all_micros_of(shaped)], *labels)
