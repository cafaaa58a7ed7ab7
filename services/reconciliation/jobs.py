"""What is done without being asked: what has not cleared is told to whoever watches."""

from prometheus_client import Gauge

from paykit.process.runtime import Runtime
from services.reconciliation import domain, store

REPORT_EVERY_S = 30.0

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
