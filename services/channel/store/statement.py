"""The SQL of statements: sums of the lines of a day."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.channel.domain.statement import ChannelStatement, DayTotal

# Statements are closed in order of their days, so days up to the newest one that has a statement need no second look.
_SUM_OPEN_DAYS = """
WITH line AS (
    SELECT line_date, currency_code, CASE action WHEN 'AUTHORIZE' THEN 'CAPTURE' ELSE action END AS kind, amount_minor,
           fee_minor + wrong_fee_minor AS fee_minor
    FROM channel_transaction WHERE line_date < $1
    UNION ALL
    SELECT line_date, currency_code, operation, amount_minor, fee_minor FROM later_line WHERE line_date < $1
    UNION ALL
    SELECT line_date, currency_code, 'DISPUTE', amount_minor, 0 FROM dispute WHERE line_date < $1
    UNION ALL
    SELECT reversal_date, currency_code, 'DISPUTE_REVERSED', amount_minor, 0 FROM dispute WHERE reversal_date < $1
)
SELECT line_date AS statement_date, currency_code,
       count(*) FILTER (WHERE kind NOT IN ('PAY', 'RETURN')) AS acquirer_line_count,
       count(*) FILTER (WHERE kind IN ('PAY', 'RETURN')) AS bank_line_count,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'CAPTURE'), 0) AS captured_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'CAPTURE_REVERSED'), 0) AS reversed_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'REFUND'), 0) AS refunded_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'REFUND_RETURNED'), 0) AS refund_returned_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'DISPUTE'), 0)
           - coalesce(sum(amount_minor) FILTER (WHERE kind = 'DISPUTE_REVERSED'), 0) AS disputed_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'DISPUTE_REVERSED'), 0) AS dispute_won_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'PAY'), 0) AS paid_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'RETURN'), 0) AS returned_minor,
       sum(fee_minor) AS fee_minor
FROM line
WHERE line_date > coalesce((SELECT max(statement_date) FROM statement), '')
GROUP BY line_date, currency_code
ORDER BY line_date, currency_code
"""

_BANK_BALANCES = """
SELECT DISTINCT ON (currency_code) currency_code, closing_balance_minor FROM statement
ORDER BY currency_code, statement_date DESC
"""

_SUMS = (
    *("captured_minor", "refunded_minor", "paid_minor", "fee_minor", "disputed_minor", "returned_minor"),
    *("dispute_won_minor", "reversed_minor", "refund_returned_minor", "statement_fee_minor"),
    *("opening_balance_minor", "closing_balance_minor"),
)
"""What adds up over days or lines, and may outgrow a bigint."""

statements: Table[str, ChannelStatement] = Table(
    ChannelStatement,
    "statement",
    key="statement_id",
    sql_types=dict.fromkeys(_SUMS, "numeric"),
    writers={"closing_balance_minor": lambda closed: closed.closing_balance_minor},
)


async def sum_open_days(tx: Tx, *, before: str) -> list[DayTotal]:
    """Sum the lines of the days before a day that have no statement yet, by day and currency."""
    rows = await tx.fetch(_SUM_OPEN_DAYS, before)
    return [DayTotal(**{name: _whole(value) for name, value in row.items()}) for row in rows]


async def bank_balances(tx: Tx) -> dict[str, int]:
    """Read by currency what the newest statement left on the platform's bank account."""
    return {row["currency_code"]: int(row["closing_balance_minor"]) for row in await tx.fetch(_BANK_BALANCES)}


async def insert_statements(tx: Tx, closed: Collection[ChannelStatement]) -> list[str]:
    """Write statements, unless their day and currency have one, and return the ids written.

    Of two processes that close the same day the second waits, and then finds its rows there.
    """
    return await statements.insert_absent(tx, closed, unique=("statement_date", "currency_code"))


def _whole(value: Any) -> Any:
    """PostgreSQL sums bigint as numeric, which arrives as Decimal."""
    return int(value) if isinstance(value, Decimal) else value
