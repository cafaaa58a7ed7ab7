"""Attempts whose outcome is overdue: told to whoever watches, by metrics and a line in the log."""

import structlog
from prometheus_client import Gauge

from paykit.attempts import OUTCOME_WITHIN_S
from paykit.runtime.runtime import Runtime
from services.payment import jobs, overdue_store

REPORT_EVERY_S = 30.0

ATTEMPTS = Gauge(
    "paystream_payment_attempts_overdue",
    "Attempts sent more than 15 minutes ago that have no outcome.",
    ["channel"],
)
OLDEST = Gauge(
    "paystream_payment_attempts_overdue_oldest_seconds",
    "Seconds since the oldest attempt without an outcome was sent; 0 while none is overdue.",
    ["channel"],
)

_log = structlog.get_logger()


async def report(runtime: Runtime) -> bool:
    """Set the metrics and write one line if anything is overdue. Says that there is no more."""
    counts = await runtime.read(lambda tx: overdue_store.count_overdue(tx, OUTCOME_WITHIN_S))
    by_channel = {route.name: (0, 0.0) for route in jobs.routes_of(runtime.settings)}
    by_channel |= {count.channel: (count.attempts, count.oldest_s) for count in counts}
    for channel, (attempts, oldest_s) in by_channel.items():
        ATTEMPTS.labels(channel).set(attempts)
        OLDEST.labels(channel).set(oldest_s)
    if counts:
        _log.warning(
            "attempts_overdue",
            attempts=sum(count.attempts for count in counts),
            oldest_s=round(max(count.oldest_s for count in counts)),
            channels=sorted(count.channel for count in counts),
        )
    return False
