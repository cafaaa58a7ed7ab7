"""Contradictions that wait for people: told to whoever watches, by metrics and a line in the log."""

import structlog
from prometheus_client import Gauge

from paykit.contradictions.contradiction import ContradictionKind
from paykit.contradictions.contradiction_table import ContradictionTable
from paykit.process.runtime import Runtime

REPORT_EVERY_S = 30.0

OPEN = Gauge(
    "paystream_contradictions_open",
    "Contradictions between what channels say and what is recorded that wait for people, proposals included.",
    ["service", "kind"],
)
OLDEST = Gauge(
    "paystream_contradictions_oldest_seconds",
    "Seconds of business time since the oldest contradiction that waits for people was heard of; 0 while none waits.",
    ["service", "kind"],
)

_log = structlog.get_logger()


async def report(runtime: Runtime, table: ContradictionTable) -> None:
    """Set the metrics, of every kind, and write one line if anything waits."""
    counts = {count.kind: count for count in await runtime.read(table.waiting)}
    now, service = runtime.clock.now(), runtime.service.name
    for kind in ContradictionKind:
        count = counts.get(kind)
        OPEN.labels(service, kind).set(count.contradictions if count else 0)
        OLDEST.labels(service, kind).set((now - count.oldest_time).total_seconds() if count else 0.0)
    if counts:
        _log.warning("contradictions_open", contradictions=sum(count.contradictions for count in counts.values()))
