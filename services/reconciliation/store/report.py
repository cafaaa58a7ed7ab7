"""The SQL of reports: lines and movements of a channel on a day, with what became of each."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg

from paykit.postgres.database import Tx
from services.reconciliation.domain.report import NO_COUNTERPART, ReportRow, RowKind
from services.reconciliation.store.rule_set import WAITING

ITEM_ROWS = 1_000
"""Items read at once."""

# What is matched with nothing moves no money, or was held against its statement as a whole.
_LINES = f"""
SELECT l.currency_code, 'LINE' AS side, l.operation, l.outcome,
    CASE WHEN o.status = 'MATCHED' AND o.movement_id IS NULL THEN '{NO_COUNTERPART}'
        ELSE coalesce(o.status, '{WAITING}') END AS status,
    l.amount_minor, l.channel_fee_minor, d.state IS NOT DISTINCT FROM 'RESOLVED' AS resolved{{more}}
FROM statement_line l
LEFT JOIN line_outcome o ON o.line_no = l.line_no
LEFT JOIN discrepancy d ON d.line_no = l.line_no AND d.kind = o.status
{{joined}}
WHERE l.channel = $1 AND l.line_date = $2
"""
_MORE_OF_LINES = """,
    l.line_id AS item_id, o.movement_id AS counterpart_id, o.rule, d.discrepancy_id, l.statement_id, l.related_no,
    l.attempt_id, l.channel_reference, i.root_reference, i.merchant_id
"""
_JOINED_TO_LINES = "LEFT JOIN internal_transaction i ON i.movement_id = o.movement_id"

# The discrepancy of a movement is that of its line, where it has one.
_MOVEMENTS = f"""
SELECT i.currency_code, 'MOVEMENT' AS side, i.operation, 'SUCCEEDED' AS outcome,
    coalesce(o.status, '{WAITING}') AS status, i.amount_minor, 0::bigint AS channel_fee_minor,
    coalesce(of_line.state, of_movement.state) IS NOT DISTINCT FROM 'RESOLVED' AS resolved{{more}}
FROM internal_transaction i
LEFT JOIN movement_outcome o ON o.movement_id = i.movement_id
LEFT JOIN discrepancy of_line ON of_line.line_no = o.line_no AND of_line.kind = o.status
LEFT JOIN discrepancy of_movement ON of_movement.line_no IS NULL AND of_movement.movement_id = i.movement_id
    AND of_movement.kind = o.status
{{joined}}
WHERE i.channel = $1 AND i.occurred_at >= $2::date::timestamp AT TIME ZONE 'UTC'
    AND i.occurred_at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
"""
_MORE_OF_MOVEMENTS = """,
    i.movement_id AS item_id, l.line_id AS counterpart_id, NULL AS rule,
    coalesce(of_line.discrepancy_id, of_movement.discrepancy_id) AS discrepancy_id, l.statement_id, i.related_no,
    i.attempt_id, i.channel_reference, i.root_reference, i.merchant_id
"""
_JOINED_TO_MOVEMENTS = "LEFT JOIN statement_line l ON l.line_no = o.line_no"

_SUMS = f"""
SELECT currency_code, side, operation, outcome, status, count(*) AS item_count, sum(amount_minor) AS amount_minor,
    sum(channel_fee_minor) AS channel_fee_minor, count(*) FILTER (WHERE resolved) AS resolved_count
FROM ({_LINES.format(more="", joined="")} UNION ALL {_MOVEMENTS.format(more="", joined="")}) item
GROUP BY currency_code, side, operation, outcome, status ORDER BY currency_code, side, operation, outcome, status
"""

_ITEMS = (
    _LINES.format(more=_MORE_OF_LINES, joined=_JOINED_TO_LINES) + "ORDER BY l.line_no",
    _MOVEMENTS.format(more=_MORE_OF_MOVEMENTS, joined=_JOINED_TO_MOVEMENTS) + "ORDER BY i.occurred_at, i.movement_id",
)


async def sums(tx: Tx, channel: str, day: date) -> list[ReportRow]:
    """Count and sum up the lines and movements of a day by currency, side, operation, outcome and status."""
    rows = [dict(row) for row in await tx.fetch(_SUMS, channel, day)]
    return [
        ReportRow(
            **row
            | {
                "row": RowKind.SUM,
                "channel": channel,
                "day": day,
                "amount_minor": int(row["amount_minor"]),
                "channel_fee_minor": int(row["channel_fee_minor"]),
            }
        )
        for row in rows
    ]


async def items(tx: Tx, channel: str, day: date) -> AsyncIterator[list[ReportRow]]:
    """Read the lines of a day in the order in which they came, then its movements in that of their times, in pages."""
    for sql in _ITEMS:
        async for page in tx.pages(sql, channel, day, rows_max=ITEM_ROWS):
            yield [_item(row, channel, day) for row in page]


def _item(row: asyncpg.Record, channel: str, day: date) -> ReportRow:
    values = dict(row)
    return ReportRow(
        row=RowKind.ITEM,
        channel=channel,
        day=day,
        item_count=1,
        resolved_count=int(values.pop("resolved")),
        **values,
    )
