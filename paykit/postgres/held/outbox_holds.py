"""Holds of the outbox: a key, or a whole topic, whose rows wait in `outbox_held`, for Kafka refused the first of them.

The relay that leads makes and ends them. A hold is there for as long as one of its rows is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paykit.errors import DomainError, Kind
from paykit.postgres.database import Tx

RETRY_FIRST_S = 5.0
"""From the first refusal to the next try; each refusal doubles it."""
RETRY_MAX_S = 300.0

SELECT_TARGETS = "SELECT topic, key, reason FROM outbox_hold"

# Each refusal in a row doubles the pause.
REFUSE = f"""
INSERT INTO outbox_hold AS hold (topic, key, outbox_id, reason, error, tries, refuse_time, retry_time)
VALUES ($1, $2, $3, $4, $5, 1, clock_timestamp(), clock_timestamp() + interval '{RETRY_FIRST_S} s')
ON CONFLICT (topic, key) DO UPDATE SET outbox_id = $3, reason = $4, error = $5, tries = hold.tries + 1,
    retry_time = clock_timestamp()
        + least({RETRY_MAX_S}, {RETRY_FIRST_S} * 2 ^ least(hold.tries, 20)) * interval '1 s'
"""

TAKEN = "UPDATE outbox_hold SET tries = 0 WHERE topic = $1 AND key IS NOT DISTINCT FROM $2"
"""Kafka took the row that it had refused."""

POSTPONE = f"""
UPDATE outbox_hold SET retry_time = clock_timestamp() + interval '{RETRY_FIRST_S} s'
WHERE topic = $1 AND key IS NOT DISTINCT FROM $2
"""
"""Kafka neither took nor refused the row: others are tried meanwhile."""

SELECT_DUE = """
SELECT topic, key FROM (
    SELECT topic, key, row_number() OVER (PARTITION BY topic ORDER BY key IS NOT NULL, retry_time, hold_id) AS place
    FROM outbox_hold WHERE retry_time <= clock_timestamp()) AS due
WHERE place <= $1 ORDER BY topic, place
"""
"""Some of each topic, so that none stands behind the many keys of another; first the topic itself, whose keys wait for
it."""

END = "DELETE FROM outbox_hold WHERE topic = $1 AND key IS NOT DISTINCT FROM $2"

_SELECT = """
SELECT hold_id, topic, key, outbox_id, reason, error, tries, refuse_time, retry_time, (
    SELECT count(*) FROM (
        SELECT FROM outbox_held held WHERE held.topic = hold.topic AND (hold.key IS NULL OR held.key = hold.key)
        LIMIT $3) AS counted) AS rows
FROM outbox_hold hold WHERE hold_id > $1 ORDER BY hold_id LIMIT $2
"""

_RETRY = "UPDATE outbox_hold SET retry_time = clock_timestamp() WHERE hold_id = $1::bigint OR $1::bigint IS NULL"


class OutboxHoldUnknown(DomainError):
    """There is no such hold: its rows were delivered, or it never was."""

    kind = Kind.NOT_FOUND
    reason = "OUTBOX_HOLD_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxHold:
    """What Kafka refuses.

    Attributes:
        key: Whose rows wait; None where those of the whole topic do.
        outbox_id: Of the row refused.
        reason: The name of Kafka's error.
        tries: Refusals in a row; 0 where the row was taken and those behind it are being sent.
        refuse_time: Of the first refusal.
        rows: How many wait, counted to a bound.
    """

    hold_id: int
    topic: str
    key: str | None
    outbox_id: int
    reason: str
    error: str
    tries: int
    refuse_time: datetime
    retry_time: datetime
    rows: int


async def list_holds(tx: Tx, *, after: int, limit: int, rows_max: int) -> Sequence[OutboxHold]:
    """Return holds with ids above `after`, oldest first; the rows of each are counted to `rows_max`."""
    return [OutboxHold(**dict(row)) for row in await tx.fetch(_SELECT, after, limit, rows_max)]


async def retry(tx: Tx, hold_id: int | None) -> int:
    """Have what a hold refused tried now, or what all do; returns how many.

    Raises:
        OutboxHoldUnknown: There is no such hold.
    """
    changed = await tx.run(_RETRY, hold_id)
    if hold_id is not None and not changed:
        raise OutboxHoldUnknown(f"there is no hold {hold_id}")
    return changed


def target(row: Any) -> tuple[str, str | None]:
    """Return what a row of this table holds: a topic, and one key of it or None for all."""
    return row["topic"], row["key"]
