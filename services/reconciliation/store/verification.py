"""The SQL of counts and sums: each line and each movement has one outcome, or waits for one.

What keys between these tables, and a check of each row, would cost in speed is caught up with here, in sets, on one
snapshot. `paystream recon verify` runs it.
"""

from datetime import date

import asyncpg

from paykit.postgres.database import Tx
from paykit.postgres.long_reading import read_for_long
from paykit.verification import Notice, Progress
from services.reconciliation.domain.verification import AccountKey, ReconciliationDifferenceError

NOTICES_MAX = 100
"""Named of each kind."""

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

# Each of these reads the first difference, as (subject, detail), or no row.

# What is called missing waits besides.
_LINES = """
SELECT 'line ' || l.line_no || ', ' || l.line_id AS subject, CASE
    WHEN o.status IS NULL AND w.line_no IS NULL THEN 'has no outcome and does not wait for one'
    WHEN w.line_no IS NULL THEN 'is ' || o.status || ' and does not wait for what is missing'
    WHEN o.status IS NOT NULL AND o.rule <> 'MISSING' THEN 'is ' || o.status || ' and waits for an outcome'
    ELSE 'waits as another than it is' END AS detail
FROM statement_line l LEFT JOIN line_outcome o USING (line_no) LEFT JOIN open_line w USING (line_no)
WHERE w.line_no IS NULL AND (o.status IS NULL OR o.rule = 'MISSING' AND o.status <> 'MATCHED')
    OR w.line_no IS NOT NULL AND (o.rule <> 'MISSING' OR (w.statement_id, w.channel, w.amount_minor, w.currency_code)
        IS DISTINCT FROM (l.statement_id, l.channel, l.amount_minor, l.currency_code))
ORDER BY l.line_no LIMIT 1
"""

_MOVEMENTS = """
SELECT i.movement_id AS subject, CASE
    WHEN o.status IS NULL AND w.movement_id IS NULL THEN 'has no outcome and does not wait for one'
    WHEN w.movement_id IS NULL THEN 'is ' || o.status || ' and does not wait for its line'
    WHEN o.status IS NOT NULL AND o.status <> 'MISSING_CHANNEL' THEN 'is ' || o.status || ' and waits for a line'
    ELSE 'waits at ' || w.channel || ', and moved at ' || i.channel END AS detail
FROM internal_transaction i
LEFT JOIN movement_outcome o USING (movement_id) LEFT JOIN open_movement w USING (movement_id)
WHERE w.movement_id IS NULL AND (o.status IS NULL OR o.status = 'MISSING_CHANNEL')
    OR w.movement_id IS NOT NULL AND (o.status <> 'MISSING_CHANNEL' OR w.channel <> i.channel)
ORDER BY i.movement_id LIMIT 1
"""

_NAMELESS = """
SELECT subject, 'is not there, and has ' || what AS detail FROM (
    SELECT 'line ' || line_no AS subject, 'an outcome' AS what FROM line_outcome o
    WHERE NOT EXISTS (SELECT FROM statement_line l WHERE l.line_no = o.line_no)
    UNION ALL SELECT 'line ' || line_no, 'to wait' FROM open_line o
    WHERE NOT EXISTS (SELECT FROM statement_line l WHERE l.line_no = o.line_no)
    UNION ALL SELECT movement_id, 'an outcome' FROM movement_outcome o
    WHERE NOT EXISTS (SELECT FROM internal_transaction i WHERE i.movement_id = o.movement_id)
    UNION ALL SELECT movement_id, 'to wait' FROM open_movement o
    WHERE NOT EXISTS (SELECT FROM internal_transaction i WHERE i.movement_id = o.movement_id)
) nameless ORDER BY subject, what LIMIT 1
"""

# A line for all movements of a day names the first of them.
_PAIRS = """
SELECT subject, detail FROM (
    SELECT m.movement_id AS subject, CASE
        WHEN o.line_no IS NULL THEN 'has line ' || m.line_no || ', which has no outcome'
        WHEN o.status <> m.status THEN 'is ' || m.status || ', and its line ' || o.line_no || ' is ' || o.status
        ELSE 'has line ' || o.line_no || ', which has ' || coalesce(o.movement_id, 'none') END AS detail
    FROM movement_outcome m LEFT JOIN line_outcome o ON o.line_no = m.line_no
    WHERE m.line_no IS NOT NULL AND (o.line_no IS NULL OR o.status <> m.status
        OR o.rule <> 'BATCH' AND o.movement_id IS DISTINCT FROM m.movement_id)
    UNION ALL
    SELECT 'line ' || o.line_no, 'has ' || o.movement_id || ', which has no line'
    FROM line_outcome o LEFT JOIN movement_outcome m ON m.movement_id = o.movement_id
    WHERE o.movement_id IS NOT NULL AND m.line_no IS NULL
) torn ORDER BY subject LIMIT 1
"""

# What was missing and came has ended its discrepancy; all else ends by people, whatever it still is.
_DISCREPANCIES = """
SELECT subject, detail FROM (
    SELECT 'line ' || o.line_no AS subject, 'is ' || o.status || ', and no discrepancy says so' AS detail
    FROM line_outcome o
    WHERE o.status <> 'MATCHED'
        AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.line_no = o.line_no AND d.kind = o.status)
    UNION ALL
    SELECT o.movement_id, 'is ' || o.status || ', and no discrepancy says so'
    FROM movement_outcome o
    WHERE o.status = 'MISSING_CHANNEL' AND NOT EXISTS (
        SELECT FROM discrepancy d WHERE d.line_no IS NULL AND d.movement_id = o.movement_id AND d.kind = o.status)
    UNION ALL
    SELECT d.discrepancy_id, 'is open for ' || d.kind || ', and line ' || d.line_no || ' is '
        || coalesce(o.status, 'without an outcome')
    FROM discrepancy d LEFT JOIN line_outcome o ON o.line_no = d.line_no
    WHERE d.state = 'OPEN' AND d.line_no IS NOT NULL AND o.status IS DISTINCT FROM d.kind
    UNION ALL
    SELECT d.discrepancy_id, 'is open for ' || d.kind || ', and ' || d.movement_id || ' has a line'
    FROM discrepancy d JOIN movement_outcome o ON o.movement_id = d.movement_id AND o.line_no IS NOT NULL
    WHERE d.state = 'OPEN' AND d.line_no IS NULL
) untrue ORDER BY subject LIMIT 1
"""

# Not all that is told is awaited, for not every chart books it; all that is booked is.
_BOOKINGS = """
SELECT b.transaction_type || ' of ' || b.related_no AS subject, CASE
    WHEN o.related_no IS NULL THEN 'is booked and not told, and does not wait'
    ELSE 'is booked and told, and waits' END AS detail
FROM movement_booking b
LEFT JOIN open_booking o ON o.transaction_type = b.transaction_type AND o.related_no = b.related_no
WHERE NOT b.told AND o.related_no IS NULL
    OR b.told AND b.transaction_id IS NOT NULL AND o.related_no IS NOT NULL AND NOT o.listed
ORDER BY b.transaction_type, b.related_no LIMIT 1
"""

_STATEMENTS = """
WITH counted AS (
    SELECT l.statement_id, count(*) AS line_count, count(o.line_no) AS decided, min(l.channel) AS least_channel,
        max(l.channel) AS greatest_channel
    FROM statement_line l LEFT JOIN line_outcome o USING (line_no) GROUP BY l.statement_id
)
SELECT coalesce(s.statement_id, c.statement_id) AS subject, CASE
    WHEN s.statement_id IS NULL THEN 'is not there, and has ' || c.line_count || ' lines'
    WHEN c.least_channel <> s.channel OR c.greatest_channel <> s.channel THEN 'has lines of another channel'
    ELSE 'is reconciled with ' || s.line_count || ' lines; it has ' || coalesce(c.line_count, 0) || ', of which '
        || coalesce(c.decided, 0) || ' have an outcome' END AS detail
FROM statement s FULL JOIN counted c ON c.statement_id = s.statement_id
WHERE s.statement_id IS NULL OR c.least_channel <> s.channel OR c.greatest_channel <> s.channel
    OR s.state = 'RECONCILED'
        AND (s.line_count <> coalesce(c.line_count, 0) OR s.line_count <> coalesce(c.decided, 0))
ORDER BY 1 LIMIT 1
"""

_FILES = """
SELECT f.file_id AS subject, 'was imported with ' || f.line_count || ' lines, ' || f.known_line_count
    || ' of them known; its statements have ' || sum(s.line_count) AS detail
FROM statement_file f JOIN statement s ON s.file_id = f.file_id
GROUP BY f.file_id HAVING sum(s.line_count) <> f.line_count - f.known_line_count ORDER BY 1 LIMIT 1
"""

_CHECKS = (
    ("lines", "statement_line", _LINES),
    ("movements", "internal_transaction", _MOVEMENTS),
    ("outcomes without a side", "line_outcome", _NAMELESS),
    ("pairs", "movement_outcome", _PAIRS),
    ("discrepancies", "discrepancy", _DISCREPANCIES),
    ("bookings", "movement_booking", _BOOKINGS),
    ("statements", "statement", _STATEMENTS),
    ("files", "statement_file", _FILES),
)
_COUNT = {table: f"SELECT count(*) FROM {table}" for _, table, _ in _CHECKS}

_UNCLEARED = """
SELECT account_kind, merchant_id, currency_code, sum(amount_minor) AS amount_minor
FROM uncleared GROUP BY account_kind, merchant_id, currency_code
"""

# What a channel says of a day as a whole can differ from its lines: no fault here, and the reason why it stays closed.
_TOTALS = """
WITH told AS (
    SELECT statement_id, count(*) AS line_count,
        coalesce(sum(CASE WHEN operation IN ('CAPTURE', 'REFUND_RETURNED', 'DISPUTE_REVERSED', 'ADJUSTMENT')
            THEN amount_minor ELSE -amount_minor END) FILTER (WHERE outcome = 'SUCCEEDED' AND operation NOT IN
            ('AUTHORIZE', 'CANCEL', 'PAY', 'RETURN', 'PAYOUT_TO_PLATFORM')), 0) - sum(channel_fee_minor) AS net_minor
    FROM statement_line GROUP BY statement_id
)
SELECT s.statement_id AS subject, 'of ' || s.channel || ' says ' || s.line_count || ' lines'
    || coalesce(' and a net of ' || s.acquirer_net_minor, '') || '; there are ' || coalesce(t.line_count, 0)
    || coalesce(' with ' || t.net_minor, '') AS detail
FROM statement s LEFT JOIN told t ON t.statement_id = s.statement_id
WHERE s.state <> 'OPEN' AND s.source = 'CHANNEL'
    AND (s.line_count <> coalesce(t.line_count, 0) OR s.acquirer_net_minor <> t.net_minor)
ORDER BY 1 LIMIT $1
"""


async def check_outcomes(tx: Tx, *, progress: Progress = lambda _check, _rows: None) -> None:
    """Check on the transaction's snapshot that each line and each movement has one outcome, or waits for one.

    Raises:
        ReconciliationDifferenceError: The first claim that does not hold.
    """
    await read_for_long(tx)
    for name, table, sql in _CHECKS:
        for row in await tx.fetch(sql):
            raise ReconciliationDifferenceError(name, row["subject"], row["detail"])
        progress(name, int((await tx.fetch(_COUNT[table]))[0][0]))


async def uncleared_balances(tx: Tx) -> dict[AccountKey, int]:
    """Read what is on each account that money passes through, as it was followed."""
    await read_for_long(tx)
    return {
        (row["account_kind"], row["merchant_id"], row["currency_code"]): int(row["amount_minor"])
        for row in await tx.fetch(_UNCLEARED)
    }


async def notices(tx: Tx) -> list[Notice]:
    """Read what asks for a person: statements that say otherwise than their lines, NOTICES_MAX at most."""
    await read_for_long(tx)
    return [Notice("statement", *row) for row in await tx.fetch(_TOTALS, NOTICES_MAX)]


async def counts(tx: Tx) -> asyncpg.Record:
    """Count lines and movements, and those that have an outcome or wait for one."""
    return (await tx.fetch(_COUNTS))[0]


async def of_statement(tx: Tx, statement_id: str) -> list[asyncpg.Record]:
    """Count and sum up the lines of a statement by their status; WAITING stands for none."""
    return await tx.fetch(_OF_STATEMENT, statement_id)


async def missing_of_day(tx: Tx, channel: str, currency_code: str, day: date) -> int:
    """Count the movements of a day that no line told of in time."""
    return int((await tx.fetch(_MISSING_OF_DAY, channel, currency_code, day.isoformat()))[0]["movements"])
