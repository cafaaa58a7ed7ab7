"""The SQL of what is still to happen to money that has moved."""

from collections.abc import Sequence
from datetime import datetime

from paykit.postgres.database import Tx
from services.channel.domain.behaviour import Aftereffect

_INSERT = """
INSERT INTO sequel (attempt_id, kind, due_time) SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
"""

# Whoever takes a row carries it out in the same transaction; others pass it by.
_TAKE = """
DELETE FROM sequel WHERE attempt_id IN (
    SELECT attempt_id FROM sequel WHERE {bounds}due_time <= $1 ORDER BY due_time, attempt_id LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING attempt_id, kind
"""


async def insert_aftereffects(tx: Tx, aftereffects: Sequence[tuple[str, Aftereffect, datetime]]) -> None:
    """Remember what is to happen to attempts, and when."""
    if aftereffects:
        await tx.run(_INSERT, *(list(column) for column in zip(*aftereffects, strict=True)))


async def take_aftereffects(tx: Tx, *, limit: int) -> dict[str, Aftereffect]:
    """Take what is due off the list, by attempt, in the order of the attempts."""
    bounds, keys = tx.claims.bounds(("attempt_id",), first=3)
    rows = await tx.lock("sequel", _TAKE.format(bounds=bounds), tx.now, limit, *keys)
    tx.claims.take(row["attempt_id"] for row in rows)
    return {row["attempt_id"]: Aftereffect(row["kind"]) for row in sorted(rows, key=lambda row: str(row["attempt_id"]))}
