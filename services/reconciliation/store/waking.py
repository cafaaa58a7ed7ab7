"""The SQL that has open lines looked at again for which movements came."""

from collections.abc import Sequence
from datetime import timedelta

from paykit.postgres.database import Tx
from services.reconciliation.domain.rule_set import MatchingRule
from services.reconciliation.store.matching import fetch_by_index

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
