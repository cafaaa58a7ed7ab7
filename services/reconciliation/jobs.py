"""What is done without being asked: matching, closing statements, telling whoever watches. Several may do it."""

import contextlib
from datetime import timedelta
from functools import partial

from prometheus_client import Gauge

from paykit.errors import InvariantError
from paykit.process.runtime import Runtime
from services.reconciliation import commands, domain, store

REPORT_EVERY_S = 30.0
MATCHED_AT_ONCE_MAX = 50_000
"""Lines, and movements, of a channel that one transaction looks at."""
STATEMENTS_AT_ONCE_MAX = 100

OPEN = Gauge("paystream_discrepancies_open", "Discrepancies that nobody and nothing has ended.", ["kind", "channel"])
OLDEST_DISCREPANCY = Gauge(
    "paystream_discrepancies_oldest_seconds", "Seconds since the oldest of them was found; 0 while none is."
)

UNRECONCILED = Gauge(
    "paystream_statements_unreconciled",
    "Statements that are closed, and of which lines have not come or have no outcome.",
    ["channel"],
)
OLDEST_STATEMENT = Gauge(
    "paystream_statements_unreconciled_oldest_seconds",
    "Seconds of business time since anything was last heard of the longest waiting of them.",
    ["channel"],
)

_LABELS = ("account_kind", "currency_code")
AMOUNTS = Gauge(
    "paystream_uncleared_amounts",
    "Amounts that have not cleared on accounts that money passes through.",
    _LABELS,
)
OVERDUE = Gauge(
    "paystream_uncleared_overdue", "Of these, amounts that should have cleared by PAYSTREAM_CLEARING_DAYS.", _LABELS
)
MINOR = Gauge("paystream_uncleared_minor", "What has not cleared, in minor units of the currency.", _LABELS)
OLDEST = Gauge(
    "paystream_uncleared_oldest_seconds", "Seconds of business time since the oldest of these amounts came.", _LABELS
)


async def report_uncleared(runtime: Runtime) -> bool:
    """Set the metrics; what has cleared since is told no more. There is never more to do at once."""
    days = domain.uncleared.clearing_days(runtime.settings.clearing_days)
    counts = await runtime.read(lambda tx: store.uncleared.count(tx, days))
    for gauge in (AMOUNTS, OVERDUE, MINOR, OLDEST):
        gauge.clear()
    now = runtime.clock.now()
    for count in counts:
        labels = (count.account_kind, count.currency_code)
        AMOUNTS.labels(*labels).set(count.amounts)
        OVERDUE.labels(*labels).set(count.overdue)
        MINOR.labels(*labels).set(count.amount_minor)
        OLDEST.labels(*labels).set((now - count.oldest_time).total_seconds())
    return False


async def match_lines(runtime: Runtime) -> bool:
    """Match what came or is due, channel by channel; True when there may be more."""
    channels = await runtime.read(store.matching.waiting_channels)
    return any(await runtime.each("match_lines", channels, lambda channel: _match(runtime, channel)))


async def _match(runtime: Runtime, channel: str) -> bool:
    """Match one channel, in small portions where much differs; True when there may be more."""
    for limit in (MATCHED_AT_ONCE_MAX, commands.regrouping.DIFFERING_AT_ONCE_MAX):
        work = partial(commands.matching.match_channel, channel=channel, limit=limit)
        with contextlib.suppress(commands.regrouping.TooManyDifferError):
            return await runtime.transaction(work) >= limit
    raise InvariantError(f"lines of {channel} are too many even in the smallest portion")


async def reconcile_statements(runtime: Runtime) -> bool:
    """Close the statements of which all is known; True when there may be more."""
    reconcile = partial(commands.statements.reconcile_statements, limit=STATEMENTS_AT_ONCE_MAX)
    return sum(await runtime.isolated("reconcile_statements", reconcile)) >= STATEMENTS_AT_ONCE_MAX


async def list_evidence(runtime: Runtime) -> bool:
    """List what channels say of calls that nobody made; True when there may be more."""
    listed = await runtime.transaction(commands.evidence.list_evidence)
    return listed >= commands.evidence.LISTED_AT_ONCE_MAX


async def list_one_sided(runtime: Runtime) -> bool:
    """List what moved at channels and is not booked, and what is booked and not told; True when there may be more."""
    within = timedelta(seconds=runtime.settings.booked_within_s)
    listed = await runtime.transaction(partial(commands.ledger.list_one_sided, within=within))
    return listed >= commands.ledger.LISTED_AT_ONCE_MAX


async def report_discrepancies(runtime: Runtime) -> bool:
    """Set the metrics of open discrepancies; nothing is ever left to do at once."""
    counts = await runtime.read(store.count_open)
    OPEN.clear()
    for row in counts:
        OPEN.labels(kind=row["kind"], channel=row["channel"]).set(row["open"])
    now = runtime.clock.now()
    OLDEST_DISCREPANCY.set(max(((now - row["since"]).total_seconds() for row in counts), default=0.0))
    return False


async def report_statements(runtime: Runtime) -> bool:
    """Set the metrics of statements that are not reconciled; nothing is ever left to do at once."""
    counts = await runtime.read(store.count_unreconciled)
    UNRECONCILED.clear()
    OLDEST_STATEMENT.clear()
    now = runtime.clock.now()
    for row in counts:
        UNRECONCILED.labels(row["channel"]).set(row["statements"])
        OLDEST_STATEMENT.labels(row["channel"]).set((now - row["since"]).total_seconds())
    return False
