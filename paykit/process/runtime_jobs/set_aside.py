"""What a service's consumers have set aside until a person decides, shown as metrics."""

from prometheus_client import Gauge

from paykit.consume.store import dead_letters, skipped_events
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.process.service import Job

REPORT_EVERY_S = 15.0
COUNTED_MAX = 100_000
"""Counting stops here: beyond it, the number says no more than that there are very many."""

DEAD_LETTERS = Gauge(
    "paystream_dead_letters_open", "Dead letters that nobody has decided on, counted to 100,000.", ["service"]
)
SKIPPED = Gauge(
    "paystream_skipped_events_waiting",
    "Events of a type newer than the build that wait for a replay, counted to 100,000.",
    ["service"],
)


async def report(runtime: Runtime) -> bool:
    """Set the metrics; there is never more to do at once."""

    async def counted(tx: Tx) -> tuple[int, int]:
        opened = await dead_letters.count_open(tx, up_to=COUNTED_MAX)
        return opened, await skipped_events.count(tx, up_to=COUNTED_MAX)

    opened, skipped = await runtime.read(counted)
    DEAD_LETTERS.labels(runtime.service.name).set(opened)
    SKIPPED.labels(runtime.service.name).set(skipped)
    return False


REPORTING = Job(name="report_set_aside", run=report, every_s=REPORT_EVERY_S)
