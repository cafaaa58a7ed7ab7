"""Timed work: matching what came or is due, closing statements, counting what is open. Several processes may do it."""

from prometheus_client import Gauge

from paykit.process.runtime import Runtime
from services.reconciliation import commands, store

MATCHED_AT_ONCE_MAX = 50_000
"""Lines, and movements, of a channel that one transaction looks at."""
STATEMENTS_AT_ONCE_MAX = 100
REPORT_EVERY_S = 15.0

OPEN = Gauge("paystream_discrepancies_open", "Discrepancies that nobody and nothing has ended.", ["kind", "channel"])
OLDEST = Gauge("paystream_discrepancies_oldest_seconds", "Seconds since the oldest of them was found; 0 while none is.")


async def match_lines(runtime: Runtime) -> bool:
    """Match what came or is due, channel by channel; True when there may be more."""
    more = False
    for channel in await runtime.read(store.matching.waiting_channels):
        seen = await runtime.transaction(
            lambda tx, channel=channel: commands.matching.match_channel(tx, channel, limit=MATCHED_AT_ONCE_MAX)  # type: ignore[misc]
        )
        more = more or seen >= MATCHED_AT_ONCE_MAX
    return more


async def reconcile_statements(runtime: Runtime) -> bool:
    """Close the statements of which all is known; True when there may be more."""
    done = await runtime.transaction(
        lambda tx: commands.statements.reconcile_statements(tx, limit=STATEMENTS_AT_ONCE_MAX)
    )
    return done >= STATEMENTS_AT_ONCE_MAX


async def report_discrepancies(runtime: Runtime) -> bool:
    """Set the metrics of open discrepancies; nothing is ever left to do at once."""
    counts = await runtime.read(store.count_open)
    OPEN.clear()
    for row in counts:
        OPEN.labels(kind=row["kind"], channel=row["channel"]).set(row["open"])
    now = runtime.clock.now()
    OLDEST.set(max(((now - row["since"]).total_seconds() for row in counts), default=0.0))
    return False
