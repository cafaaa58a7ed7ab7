"""What every service that keeps tables has done for it: partitions made ahead and dropped when old, rows put away."""

from prometheus_client import Gauge

from paykit.consume.store import dead_letters, inbox
from paykit.postgres.partitions import time_partitions
from paykit.process.runtime import Runtime
from paykit.process.service import Job
from paykit.serve import idempotency

PARTITIONS_EVERY_S = 600.0
HOUSEKEEPING_EVERY_S = 3600.0
RUNTIME_TABLES = (idempotency.CLAIMS, inbox.INBOX, dead_letters.CLOSED)
"""Tables of every service that are partitioned by time."""

MISSING = Gauge(
    "paystream_partitions_missing",
    "Periods, the present one and those ahead, for which a table has no partition.",
    ["service", "table"],
)
OVERDUE = Gauge(
    "paystream_partition_overdue_seconds",
    "For how long the oldest partition of a table could have been dropped; 0 where there is none.",
    ["service", "table"],
)


async def keep_partitions(runtime: Runtime) -> bool:
    """Make and drop the partitions of all tables and set the metrics; True if a default partition has more old rows."""
    more = False
    for declared in (*RUNTIME_TABLES, *runtime.service.partitioned):
        kept = await time_partitions.keep(runtime.database, declared)
        MISSING.labels(runtime.service.name, declared.table).set(kept.missing)
        OVERDUE.labels(runtime.service.name, declared.table).set(kept.overdue.total_seconds())
        more = more or kept.more
    return more


async def keep_house(runtime: Runtime) -> bool:
    """Put away closed dead letters, and forget stored replies of builds that kept them in rows."""
    more = await runtime.transaction(dead_letters.put_away)
    return await runtime.transaction(idempotency.delete_expired) or more


PARTITIONING = Job(name="keep_partitions", run=keep_partitions, every_s=PARTITIONS_EVERY_S)
HOUSEKEEPING = Job(name="housekeeping", run=keep_house, every_s=HOUSEKEEPING_EVERY_S)
