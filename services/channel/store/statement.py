"""The SQL of statements: sums of the lines of a day."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.rows import columns

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
SELECT line_date AS statement_date, currency_code, count(*) AS line_count,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'CAPTURE'), 0) AS captured_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'CAPTURE_REVERSED'), 0) AS reversed_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'REFUND'), 0) AS refunded_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'REFUND_RETURNED'), 0) AS refund_returned_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'DISPUTE'), 0)
           - coalesce(sum(amount_minor) FILTER (WHERE kind = 'DISPUTE_REVERSED'), 0) AS disputed_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'DISPUTE_REVERSED'), 0) AS dispute_won_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'PAY'), 0) AS paid_minor,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'RETURN'), 0) AS returned_minor,
       sum(fee_minor) AS channel_fee_minor
FROM line
WHERE line_date > coalesce((SELECT max(statement_date) FROM statement), '')
GROUP BY line_date, currency_code
ORDER BY line_date, currency_code
"""

# Of two processes that close the same day the second waits, and then finds its rows there.
_INSERT_STATEMENTS = """
INSERT INTO statement (statement_id, statement_date, currency_code, line_count, captured_minor, reversed_minor,
                       refunded_minor, refund_returned_minor, disputed_minor, dispute_won_minor, paid_minor,
                       returned_minor, channel_fee_minor, create_time)
SELECT s.*, $14 FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::numeric[], $6::numeric[],
                            $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[],
                            $13::numeric[])
    AS s (statement_id, statement_date, currency_code, line_count, captured_minor, reversed_minor, refunded_minor,
          refund_returned_minor, disputed_minor, dispute_won_minor, paid_minor, returned_minor, channel_fee_minor)
ORDER BY s.statement_date, s.currency_code
ON CONFLICT DO NOTHING
RETURNING statement_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    """The sums of one day's lines in one currency, in minor units.

    Attributes:
        disputed_minor: Held back, less what was given again.
        dispute_won_minor: What of that was given again.
    """

    statement_date: str
    currency_code: str
    line_count: int
    captured_minor: int
    reversed_minor: int
    refunded_minor: int
    refund_returned_minor: int
    disputed_minor: int
    dispute_won_minor: int
    paid_minor: int
    returned_minor: int
    channel_fee_minor: int

    @property
    def acquirer_net_minor(self) -> int:
        """What the acquirer pays to the platform's bank account for the day."""
        came_minor = self.captured_minor - self.reversed_minor + self.refund_returned_minor
        return came_minor - self.refunded_minor - self.disputed_minor - self.channel_fee_minor

    @property
    def bank_net_minor(self) -> int:
        """What payouts did to the platform's bank account."""
        return self.returned_minor - self.paid_minor

    @property
    def net_minor(self) -> int:
        """What the channel pays out for the day, the bank's part included."""
        return self.acquirer_net_minor + self.bank_net_minor


async def sum_open_days(tx: Tx, *, before: str) -> list[DayTotal]:
    """Sum the lines of the days before a day that have no statement yet, by day and currency."""
    rows = await tx.fetch(_SUM_OPEN_DAYS, before)
    return [DayTotal(**{name: _whole(value) for name, value in row.items()}) for row in rows]


async def insert_statements(tx: Tx, statements: Sequence[tuple[str, DayTotal]]) -> set[str]:
    """Write statements under their ids, unless their day and currency have one; hold and return the ids written."""
    totals = [total for _, total in statements]
    ids = [statement_id for statement_id, _ in statements]
    names = [field.name for field in fields(DayTotal)]
    rows = await tx.fetch(_INSERT_STATEMENTS, ids, *columns(totals, names), tx.now) if statements else []
    inserted = {row["statement_id"] for row in rows}
    tx.hold(*inserted)
    return inserted


def _whole(value: Any) -> Any:
    """PostgreSQL sums bigint as numeric, which arrives as Decimal."""
    return int(value) if isinstance(value, Decimal) else value
