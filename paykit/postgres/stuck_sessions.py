"""Ends the sessions of processes that stand still in the middle of a COPY, which PostgreSQL itself never does.

A session that waits for the rows of a COPY is not idle, and takes note of no timeout until the next row: a process
that was stopped there (SIGSTOP, a paused machine) would keep its locks, and with them its partitions' offsets, for as
long as it stands. Only ending the session helps, and a role may end its own.

Source: PostgreSQL, ProcessClientReadInterrupt and CopyGetData, which hold off cancellation; tried on PostgreSQL 18.
"""

import asyncio

import structlog

from paykit.postgres.connecting import IDLE_IN_TRANSACTION_TIMEOUT_MS
from paykit.postgres.database import Database, Tx
from paykit.postgres.lanes import READING

STUCK_AFTER_S = IDLE_IN_TRANSACTION_TIMEOUT_MS / 1_000
"""As for sessions that are idle in a transaction."""
LOOK_EVERY_S = 5.0

# Active and yet waiting for its client: in the middle of a COPY, or of a statement sent in parts. Found first and ended
# then: as one more condition, pg_terminate_backend could be asked before the others and end everybody's session.
_END_STUCK = """
WITH stuck AS MATERIALIZED (
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
        AND state = 'active' AND wait_event = 'ClientRead'
        AND query_start < clock_timestamp() - make_interval(secs => $1)
)
SELECT pid, pg_terminate_backend(pid) FROM stuck
"""

_log = structlog.get_logger()


async def watch(database: Database) -> None:
    """Look again and again until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await end_stuck_sessions(database, after_s=STUCK_AFTER_S)


async def end_stuck_sessions(database: Database, *, after_s: float) -> list[int]:
    """End sessions of the service that have waited for their client for so long; give their process ids.

    Raises:
        UnavailableError: PostgreSQL cannot be reached.
    """

    async def work(tx: Tx) -> list[int]:
        return [row["pid"] for row in await tx.fetch(_END_STUCK, after_s)]

    ended = await database.transaction(work, lane=READING)  # Who is stuck may be all jobs there are.
    if ended:
        _log.warning("stuck_sessions_ended", service=database.schema, sessions=ended)
    return ended
