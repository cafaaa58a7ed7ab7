"""The SQL of the callbacks that the channel still owes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns

_INSERT_CALLBACKS = """
INSERT INTO callback (attempt_id, due_time, report, dispute_reference, dispute_stage, dispute_amount_minor, occur_time)
SELECT * FROM unnest(
    $1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[])
"""

# A callback that was taken, or whose last call failed, waits until its retry_time; real time, as it is about processes
# and networks.
_LEASE_CALLBACKS = """
UPDATE callback SET tries = tries + 1, retry_time = clock_timestamp() + make_interval(secs => $3)
WHERE callback_id IN (
    SELECT callback_id FROM callback
    WHERE {bounds}due_time <= $1 AND (retry_time IS NULL OR retry_time <= clock_timestamp())
    ORDER BY due_time, callback_id LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING callback_id, attempt_id, report, dispute_reference, dispute_stage, dispute_amount_minor, occur_time, tries
"""

_SELECT_LEFT = "SELECT callback_id FROM callback WHERE callback_id = ANY($1::bigint[])"

_POSTPONE_CALLBACKS = """
UPDATE callback AS c SET retry_time = clock_timestamp() + make_interval(secs => p.wait_s)
FROM unnest($1::bigint[], $2::double precision[]) AS p (callback_id, wait_s) WHERE c.callback_id = p.callback_id
"""

_DELETE_CALLBACKS = "DELETE FROM callback WHERE callback_id = ANY($1::bigint[])"


class CallbackReport(StrEnum):
    """What is told.

    RESULT: what became of an attempt. LATE_RESULT: the same, changed after it was known. SECOND_RESULT: that it was
    approved twice. RETURN: that a payout came back. The others: how a dispute stands.
    """

    RESULT = "RESULT"
    LATE_RESULT = "LATE_RESULT"
    SECOND_RESULT = "SECOND_RESULT"
    RETURN = "RETURN"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCallback:
    """A callback to remember.

    Attributes:
        dispute_reference: Of the dispute that is told of; None otherwise, as is what follows.
        dispute_amount_minor: Disputed, lost, or given back.
        occur_time: When it happened.
    """

    attempt_id: str
    due_time: datetime
    report: CallbackReport = CallbackReport.RESULT
    dispute_reference: str | None = None
    dispute_stage: str | None = None
    dispute_amount_minor: int | None = None
    occur_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Something to tell.

    Attributes:
        tries: Calls so far, the one under way included.
    """

    callback_id: int
    attempt_id: str
    report: CallbackReport
    dispute_reference: str | None
    dispute_stage: str | None
    dispute_amount_minor: int | None
    occur_time: datetime | None
    tries: int


async def insert_callbacks(tx: Tx, callbacks: Sequence[DueCallback]) -> None:
    """Remember to call back; what stands there twice is told twice."""
    if callbacks:
        await tx.run(
            _INSERT_CALLBACKS,
            *columns(
                callbacks,
                (
                    *("attempt_id", "due_time", "report", "dispute_reference", "dispute_stage"),
                    *("dispute_amount_minor", "occur_time"),
                ),
            ),
        )


async def lease_callbacks(tx: Tx, *, limit: int, lease_s: float) -> list[Callback]:
    """Take callbacks that are due, that no other process has in hand, and that `tx.claims` allows."""
    bounds, keys = tx.claims.bounds(("callback_id",), types=("bigint",), first=4)
    rows = await tx.lock("callback", _LEASE_CALLBACKS.format(bounds=bounds), tx.now, limit, lease_s, *keys)
    taken = [row["callback_id"] for row in rows]
    tx.claims.take(taken)
    if missed := set(tx.claims.only).difference(taken):
        tx.claims.wait(row["callback_id"] for row in await tx.fetch(_SELECT_LEFT, sorted(missed)))
    return [Callback(**dict(row) | {"report": CallbackReport(row["report"])}) for row in rows]


async def postpone_callbacks(tx: Tx, callbacks: Sequence[Callback], waits_s: Sequence[float]) -> None:
    """Let callbacks wait before the next try."""
    if callbacks:
        await tx.run(_POSTPONE_CALLBACKS, [callback.callback_id for callback in callbacks], list(waits_s))


async def delete_callbacks(tx: Tx, callbacks: Sequence[Callback]) -> None:
    """Forget callbacks that are over."""
    if callbacks:
        await tx.run(_DELETE_CALLBACKS, [callback.callback_id for callback in callbacks])
