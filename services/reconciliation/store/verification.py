"""The SQL of counts and sums: each line and each movement has one outcome, or waits for one."""

from datetime import date

import asyncpg

from paykit.postgres.database import Tx

_COUNTS = """
SELECT
    (SELECT count(*) FROM statement_line) AS lines,
    (SELECT count(*) FROM line_outcome) AS decided_lines,
    (SELECT count(*) FROM open_line o WHERE NOT EXISTS (SELECT FROM line_outcome d WHERE d.line_no = o.line_no))
        AS waiting_lines,
    (SELECT count(*) FROM internal_transaction) AS movements,
    (SELECT count(*) FROM movement_outcome) AS decided_movements,
    (SELECT count(*) FROM open_movement o
        WHERE NOT EXISTS (SELECT FROM movement_outcome d WHERE d.movement_id = o.movement_id)) AS waiting_movements,
    (SELECT count(*) FROM line_outcome o WHERE o.status NOT IN ('MATCHED')
        AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.line_no = o.line_no AND d.kind = o.status)) AS untold_lines,
    (SELECT count(*) FROM movement_outcome o WHERE o.status = 'MISSING_CHANNEL'
        AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.movement_id = o.movement_id AND d.kind = o.status))
        AS untold_movements,
    (SELECT count(*) FROM movement_outcome o JOIN line_outcome l ON l.line_no = o.line_no
        WHERE l.status NOT IN ('MATCHED', 'AMOUNT_MISMATCH', 'CURRENCY_MISMATCH', 'FEE_MISMATCH', 'CONTRADICTED'))
        AS torn_pairs
"""

_OF_STATEMENT = """
SELECT coalesce(o.status, 'WAITING') AS status, count(*) AS line_count,
    coalesce(sum(CASE WHEN l.operation IN ('CAPTURE', 'DISPUTE_REVERSED', 'RETURN', 'REFUND_RETURNED', 'ADJUSTMENT')
        THEN l.amount_minor ELSE -l.amount_minor END) FILTER (WHERE l.outcome = 'SUCCEEDED'
        AND l.operation NOT IN ('AUTHORIZE', 'CANCEL')), 0)::bigint AS line_minor,
    coalesce(sum(l.channel_fee_minor), 0)::bigint AS channel_fee_minor
FROM statement_line l LEFT JOIN line_outcome o USING (line_no) WHERE l.statement_id = $1 GROUP BY 1
"""

_MISSING_OF_DAY = """
SELECT count(*) AS movements FROM discrepancy
WHERE kind = 'MISSING_CHANNEL' AND channel = $1 AND currency_code = $2 AND value_date = $3
"""


async def counts(tx: Tx) -> asyncpg.Record:
    """Count lines and movements, and those that have an outcome or wait for one."""
    return (await tx.fetch(_COUNTS))[0]


async def of_statement(tx: Tx, statement_id: str) -> list[asyncpg.Record]:
    """Count and sum up the lines of a statement by their status; WAITING stands for none."""
    return await tx.fetch(_OF_STATEMENT, statement_id)


async def missing_of_day(tx: Tx, channel: str, currency_code: str, day: date) -> int:
    """Count the movements of a day that no line told of in time."""
    return int((await tx.fetch(_MISSING_OF_DAY, channel, currency_code, day.isoformat()))[0]["movements"])
