"""Every statement on what is still to happen to money that has moved."""

from collections.abc import Sequence
from datetime import datetime

from paykit.postgres.database import Tx
from services.channel.domain.behaviour import Sequel

_INSERT_SEQUELS = """
INSERT INTO sequel (attempt_id, kind, due_time) SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
"""

# Whoever takes a row carries it out in the same transaction; others pass it by.
_TAKE_SEQUELS = """
DELETE FROM sequel WHERE attempt_id IN (
    SELECT attempt_id FROM sequel WHERE due_time <= $1 ORDER BY due_time, attempt_id LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING attempt_id, kind
"""


async def insert_sequels(tx: Tx, sequels: Sequence[tuple[str, Sequel, datetime]]) -> None:
    """Remember what is to happen to attempts, and when."""
    if sequels:
        await tx.run(_INSERT_SEQUELS, *(list(column) for column in zip(*sequels, strict=True)))


async def take_sequels(tx: Tx, *, due: datetime, limit: int) -> dict[str, Sequel]:
    """Take what is due off the list, by attempt, in the order of the attempts."""
    rows = await tx.fetch(_TAKE_SEQUELS, due, limit)
    return {row["attempt_id"]: Sequel(row["kind"]) for row in sorted(rows, key=lambda row: str(row["attempt_id"]))}
