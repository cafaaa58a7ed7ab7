"""Attempts whose outcome is overdue: told to whoever watches, by metrics and a line in the log."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from paykit.channels.attempts import OUTCOME_WITHIN_S
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime

REPORT_EVERY_S = 30.0
OPEN = "state IN ('STARTED', 'UNKNOWN') AND start_time <= now() - $1::float8 * interval '1 s'"
"""Selects attempts sent longer ago than $1 seconds that have no outcome: real time, as it is about calls."""
AGE = "extract(epoch FROM clock_timestamp() - start_time)::float8"

ATTEMPTS = Gauge(
    "paystream_attempts_overdue",
    "Attempts sent to a channel more than 15 minutes ago that have no outcome.",
    ["service", "channel"],
)
OLDEST = Gauge(
    "paystream_attempts_overdue_oldest_seconds",
    "Seconds since the oldest attempt without an outcome was sent; 0 while none is overdue.",
    ["service", "channel"],
)

# Walks the index of attempts that are open, which are few.
_COUNT = f"""
SELECT channel, count(*) AS attempts, max({AGE}) AS oldest_s FROM attempt WHERE {OPEN} GROUP BY channel
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueAttempts:
    """How many attempts of a channel are overdue, and since when the longest of them was sent."""

    channel: str
    attempts: int
    oldest_s: float


async def count_overdue(tx: Tx, within_s: float) -> list[OverdueAttempts]:
    """Count attempts sent longer ago than this that have no outcome, by channel."""
    return [OverdueAttempts(**row) for row in await tx.fetch(_COUNT, within_s)]


async def report(runtime: Runtime, channels: Iterable[str]) -> None:
    """Set the metrics, of these channels also where nothing is overdue, and write one line if anything is."""
    counts = await runtime.read(lambda tx: count_overdue(tx, OUTCOME_WITHIN_S))
    by_channel = dict.fromkeys(channels, (0, 0.0))
    by_channel |= {count.channel: (count.attempts, count.oldest_s) for count in counts}
    for channel, (attempts, oldest_s) in by_channel.items():
        ATTEMPTS.labels(runtime.service.name, channel).set(attempts)
        OLDEST.labels(runtime.service.name, channel).set(oldest_s)
    if counts:
        _log.warning(
            "attempts_overdue",
            attempts=sum(count.attempts for count in counts),
            oldest_s=round(max(count.oldest_s for count in counts)),
            channels=sorted(count.channel for count in counts),
        )
