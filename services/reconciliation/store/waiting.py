"""The SQL of what waits for its other side: looked at again when that came, called missing when it is late."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from paykit.postgres.database import Tx
from services.reconciliation.domain.rule_set import MatchingRule
from services.reconciliation.store.matching import STATEMENT_OPERATIONS, LineDifference, fetch_by_index

# Each arm reads the open lines by an index of its own, whatever PostgreSQL takes for their number.
# Lines that differ wait for what they name, not for whatever is of the same amount.
_WAKE_LINES = """
WITH arrived AS MATERIALIZED (
    SELECT m.movement_id FROM open_movement m WHERE m.channel = $1 AND m.fresh ORDER BY m.movement_id LIMIT $2
),
movement AS MATERIALIZED (
    SELECT i.* FROM arrived a
    JOIN LATERAL (SELECT * FROM internal_transaction t WHERE t.movement_id = a.movement_id OFFSET 0) i ON true
),
batch AS (
    SELECT DISTINCT i.operation, i.currency_code, (i.occurred_at AT TIME ZONE 'UTC')::date + b.lag_days AS line_date
    FROM movement i JOIN unnest($4::text[], $5::integer[]) AS b(operation, lag_days) ON b.operation = i.operation
),
named AS (
    SELECT o.line_no FROM movement i JOIN LATERAL (
        SELECT line_no FROM open_line l WHERE l.channel_reference = i.channel_reference AND NOT l.fresh OFFSET 0
    ) o ON true
    UNION SELECT o.line_no FROM movement i JOIN LATERAL (
        SELECT line_no FROM open_line l WHERE l.attempt_id = i.attempt_id AND NOT l.fresh OFFSET 0
    ) o ON true
    UNION SELECT o.line_no FROM movement i JOIN LATERAL (
        SELECT line_no FROM open_line l WHERE l.related_no = i.related_no AND NOT l.fresh OFFSET 0
    ) o ON true
    UNION SELECT o.line_no FROM (SELECT DISTINCT currency_code, amount_minor FROM movement) i JOIN LATERAL (
        SELECT line_no FROM open_line l
        WHERE l.currency_code = i.currency_code AND l.amount_minor = i.amount_minor
            AND NOT l.fresh AND NOT l.differs OFFSET 0
    ) o ON true
    UNION SELECT o.line_no FROM batch b JOIN LATERAL (
        SELECT line_no FROM open_line l
        WHERE l.channel = $1 AND l.operation = b.operation AND l.line_date = b.line_date
            AND l.currency_code = b.currency_code AND NOT l.fresh
            AND l.attempt_id IS NULL AND l.related_no IS NULL OFFSET 0
    ) o ON true
),
woken AS (
    UPDATE open_line SET fresh = true WHERE line_no = ANY(ARRAY(SELECT line_no FROM named)) AND channel = $1
),
looked_at AS (
    UPDATE open_movement m SET fresh = false, due_time = (
        SELECT t.occurred_at + $3 FROM internal_transaction t WHERE t.movement_id = m.movement_id
    ) WHERE m.movement_id = ANY(ARRAY(SELECT movement_id FROM arrived))
)
SELECT count(*) AS movements FROM arrived
"""

# What belongs to a statement as a whole is decided with it, and a channel's statement always says what it should be.
_DUE = """
SELECT o.line_no FROM open_line o
WHERE {bounds}o.channel = $1 AND NOT o.fresh AND o.due_time <= $2 AND NOT (o.operation = ANY($4::text[])
    AND EXISTS (SELECT FROM statement s WHERE s.statement_id = o.statement_id AND s.source = 'CHANNEL'))
ORDER BY o.line_no LIMIT $3
"""
# What nothing was found for in time: it contradicts what is known of the call, or nobody here knows of it. A line that
# says that no money moved agrees with that none did.
_MISSING_LINES = """
WITH decided AS (
    SELECT l.line_no, NULL::text AS movement_id, CASE
        WHEN l.outcome = 'FAILED' THEN 'MATCHED' WHEN u.attempt_id IS NOT NULL THEN 'CONTRADICTED'
        ELSE 'MISSING_INTERNAL' END AS status
    FROM unnest($1::bigint[]) AS n(line_no) JOIN statement_line l USING (line_no)
    LEFT JOIN unmoved_attempt u ON u.attempt_id = l.attempt_id
),
gone AS (DELETE FROM open_line o USING decided d WHERE o.line_no = d.line_no AND d.status = 'MATCHED'),
waits AS (
    UPDATE open_line o SET due_time = NULL, fresh = false FROM decided d
    WHERE o.line_no = d.line_no AND d.status <> 'MATCHED'
),
kept AS (
    INSERT INTO line_outcome (line_no, status, rule, movement_id) SELECT line_no, status, $2, NULL FROM decided
    ON CONFLICT (line_no) DO NOTHING
)
SELECT line_no, movement_id, status FROM decided WHERE status <> 'MATCHED'
"""

_DUE_MOVEMENTS = """
SELECT movement_id FROM open_movement WHERE {bounds}channel = $1 AND due_time <= $2 ORDER BY movement_id LIMIT $3
"""

_MISSING_MOVEMENTS = """
WITH due AS MATERIALIZED (
    SELECT movement_id FROM open_movement
    WHERE movement_id = ANY($1::text[]) AND due_time IS NOT NULL ORDER BY movement_id
),
waits AS (UPDATE open_movement m SET due_time = NULL FROM due d WHERE m.movement_id = d.movement_id),
kept AS (
    INSERT INTO movement_outcome (movement_id, status, line_no) SELECT movement_id, 'MISSING_CHANNEL', NULL FROM due
    ON CONFLICT (movement_id) DO NOTHING
)
SELECT NULL::bigint AS line_no, movement_id, 'MISSING_CHANNEL' AS status FROM due
"""

_LOOK_AGAIN = "UPDATE open_line SET fresh = true WHERE line_no = ANY($1::bigint[]) AND differs"


async def wake_lines(tx: Tx, channel: str, batches: Sequence[MatchingRule], *, sla: timedelta, limit: int) -> int:
    """Have lines looked at again for which movements came, and say of how many that was; these wait for lines now.

    A line that sums up a day, by the rules of `batches`, is looked at again for each movement of its day.
    """
    operations, lags = [rule.operation for rule in batches], [rule.lag_days for rule in batches]
    return int((await fetch_by_index(tx, _WAKE_LINES, channel, limit, sla, operations, lags))[0]["movements"])


async def look_again(tx: Tx, line_nos: Sequence[int]) -> None:
    """Have lines that differ looked at again with what came while a correction waited."""
    if line_nos:
        await tx.run(_LOOK_AGAIN, list(line_nos))


async def due_lines(tx: Tx, channel: str, limit: int, *, until: datetime) -> list[int]:
    """Take lines whose movement should have come by then, as far as `tx.claims` allows, the oldest first."""
    bounds, keys = tx.claims.bounds(("o.line_no",), types=("bigint",), first=5)
    rows = await tx.fetch(_DUE.format(bounds=bounds), channel, until, limit, list(STATEMENT_OPERATIONS), *keys)
    tx.claims.take(row["line_no"] for row in rows)
    return [row["line_no"] for row in rows]


async def call_lines_missing(tx: Tx, line_nos: Sequence[int]) -> list[LineDifference]:
    """Decide lines that nothing was found for in time; they stay open for what comes later."""
    return await _decided(tx, _MISSING_LINES, list(line_nos), "MISSING") if line_nos else []


async def call_movements_missing(tx: Tx, channel: str, limit: int, *, until: datetime) -> list[LineDifference]:
    """Decide movements of which a line should have told by then; they stay open for what comes later.

    Taken are those that `tx.claims` allows.
    """
    bounds, keys = tx.claims.bounds(("movement_id",), first=4)
    rows = await tx.fetch(_DUE_MOVEMENTS.format(bounds=bounds), channel, until, limit, *keys)
    due = [row["movement_id"] for row in rows]
    tx.claims.take(due)
    return await _decided(tx, _MISSING_MOVEMENTS, due) if due else []


async def _decided(tx: Tx, sql: str, *args: object) -> list[LineDifference]:
    return [LineDifference(*row) for row in await tx.fetch(sql, *args)]
