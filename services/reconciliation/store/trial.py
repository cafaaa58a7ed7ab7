"""The SQL of trials: lines that have an outcome are looked at anew, in a step that is undone."""

from collections.abc import Sequence
from datetime import date

from paykit.postgres.database import Tx

WAITING = "WAITING"
"""Stands for the status of a line that has none yet."""

# For a trial that is undone: lines since a day, and the movements they have, are as if they had just come.
_REOPEN = """
WITH again AS MATERIALIZED (
    SELECT l.line_no, coalesce(o.status, 'WAITING') AS status
    FROM statement_line l LEFT JOIN line_outcome o USING (line_no)
    WHERE l.channel = $1 AND l.line_date >= $2 ORDER BY l.line_no DESC LIMIT $3
),
undecided AS (DELETE FROM line_outcome o USING again a WHERE o.line_no = a.line_no),
freed AS (
    DELETE FROM movement_outcome o USING again a WHERE o.line_no = a.line_no RETURNING o.movement_id
),
waiting AS (
    INSERT INTO open_movement (movement_id, channel, fresh) SELECT DISTINCT movement_id, $1, true FROM freed
    ON CONFLICT DO NOTHING
),
opened AS (
    INSERT INTO open_line (line_no, statement_id, channel, operation, amount_minor, currency_code, fresh)
    SELECT l.line_no, l.statement_id, l.channel, l.operation, l.amount_minor, l.currency_code, true
    FROM again JOIN statement_line l USING (line_no) ON CONFLICT (line_no) DO UPDATE SET fresh = true
)
SELECT line_no, status FROM again
"""

_STATUSES = "SELECT line_no, status FROM line_outcome WHERE line_no = ANY($1::bigint[])"


async def reopen(tx: Tx, channel: str, *, since: date, limit: int) -> dict[int, str]:
    """Have the newest lines since a day looked at as if they had just come, and return the status that each had."""
    return {row["line_no"]: row["status"] for row in await tx.fetch(_REOPEN, channel, since, limit)}


async def statuses(tx: Tx, line_nos: Sequence[int]) -> dict[int, str]:
    """Return the status of the lines that have one."""
    return {row["line_no"]: row["status"] for row in await tx.fetch(_STATUSES, list(line_nos))}
