"""The SQL of statements and their lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table, where
from services.reconciliation.domain.statement import ReportedLine, ReportedStatement, StatementState

_LINE_COLUMNS = (
    *("statement_id", "channel", "line_id", "operation", "outcome", "amount_minor", "currency_code"),
    *("channel_fee_minor", "line_date", "value_date", "occurred_at", "related_no", "attempt_id", "channel_reference"),
    *("original_channel_reference", "settlement_amount_minor", "settlement_currency_code", "exchange_rate"),
    *("payout_reference", "acquirer_reference", "text"),
)

OWN_ID = "substring(text from '(?:cap|ref|dsp|wdr)_[0-9a-f]{32}')"
"""One of our ids in the text of a line."""
_OPEN_COLUMNS = """
    line_no, statement_id, channel, operation, amount_minor, currency_code, channel_reference, attempt_id, related_no,
    line_date
"""
# What a line's text names is what it waits for, as if a column of its own named it.
_WAITING_COLUMNS = f"""
    line_no, statement_id, channel, operation, amount_minor, currency_code, channel_reference, attempt_id,
    coalesce(related_no, {OWN_ID}), line_date
"""

_ADD_LINES = """
WITH added AS (
    INSERT INTO statement_line ({columns}) SELECT {columns} FROM unnest({parameters}) AS new ({columns})
    ON CONFLICT (channel, line_id) DO NOTHING
    RETURNING {waiting_columns}
)
INSERT INTO open_line ({open_columns}, fresh) SELECT *, true FROM added
"""

_OPEN_LINES = f"""
INSERT INTO open_line ({_OPEN_COLUMNS}, fresh)
SELECT {_WAITING_COLUMNS}, true FROM statement_line WHERE statement_id = ANY($1::text[]) ON CONFLICT DO NOTHING
"""

_OPEN_AGAIN = f"""
INSERT INTO open_line ({_OPEN_COLUMNS}, fresh, differs)
SELECT {_WAITING_COLUMNS}, false, $2 FROM unnest($1::bigint[]) AS n(line_no) JOIN statement_line USING (line_no)
ON CONFLICT (line_no) DO UPDATE SET fresh = false, differs = excluded.differs, due_time = NULL
"""

# All lines are there, and each has an outcome: what waits for its movement has none yet.
_COMPLETE = """
state = 'CLOSED' AND line_count = (SELECT count(*) FROM statement_line l WHERE l.statement_id = statement.statement_id)
    AND NOT EXISTS (
        SELECT FROM open_line o WHERE o.statement_id = statement.statement_id
            AND NOT EXISTS (SELECT FROM line_outcome d WHERE d.line_no = o.line_no))
ORDER BY statement_id LIMIT $1
"""

_WITH_OWN_LINES = """
state = 'CLOSED'
    AND statement_id IN (SELECT statement_id FROM open_line WHERE operation = ANY($1::text[]) AND NOT fresh)
ORDER BY statement_id LIMIT $2
"""

_OWN_LINES = """
SELECT l.line_no, l.operation, l.amount_minor, coalesce(l.payout_reference, l.channel_reference) AS reference
FROM open_line o JOIN statement_line l USING (line_no)
WHERE o.statement_id = $1 AND l.operation = ANY($2::text[]) ORDER BY l.line_no
"""

# Walks the index of those that are closed.
_UNRECONCILED = """
SELECT channel, count(*) AS statements, min(update_time) AS since FROM statement WHERE state = 'CLOSED' GROUP BY channel
"""

_PAYOUT_AT_THE_BANK = """
SELECT acquirer_net_minor FROM statement WHERE bank_reference = $1 AND currency_code = $2 ORDER BY statement_id LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFilter:
    """Which statements to list; None does not filter.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    channel: str | None = None
    currency_code: str | None = None
    statement_date: date | None = None
    state: StatementState | None = None
    file_id: str | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line that belongs to its statement as a whole: its fee, or what is paid out for it."""

    line_no: int
    operation: str
    amount_minor: int
    reference: str | None


class Statements(Table[str, ReportedStatement]):
    """The table `statement`."""

    async def complete(self, tx: Tx, limit: int) -> list[ReportedStatement]:
        """Read closed statements all of whose lines have come and have an outcome."""
        bounds, keys = tx.claims.bounds(("statement_id",), first=2)
        statements = await self.select(tx, bounds + _COMPLETE, limit, *keys)
        tx.claims.take(statement.statement_id for statement in statements)
        return statements

    async def with_own_lines(self, tx: Tx, operations: Sequence[str], limit: int) -> list[ReportedStatement]:
        """Read closed statements with open lines of operations that belong to them as a whole."""
        bounds, keys = tx.claims.bounds(("statement_id",), first=3)
        statements = await self.select(tx, bounds + _WITH_OWN_LINES, [*operations], limit, *keys)
        tx.claims.take(statement.statement_id for statement in statements)
        return statements

    async def of_file(self, tx: Tx, file_id: str) -> Sequence[ReportedStatement]:
        """Read the statements of a file, in its order."""
        return await self.select(tx, "file_id = $1 ORDER BY section", file_id)

    async def list(
        self, tx: Tx, wanted: StatementFilter, *, after: TimeKey | None, limit: int
    ) -> Found[ReportedStatement]:
        """List statements as asked for, from after a (create_time, statement_id) on."""
        return await statement_walk.page(tx, wanted, after=after, limit=limit)


class StatementLines(Table[int, ReportedLine]):
    """The table `statement_line`, and `open_line` as far as lines begin there."""

    async def add(self, tx: Tx, lines: Sequence[ReportedLine]) -> None:
        """Add lines that are not there yet, by channel and line_id, to be looked at."""
        columns = ", ".join(_LINE_COLUMNS)
        ordered = sorted(lines, key=lambda line: (line.channel, line.line_id))
        sql = _ADD_LINES.format(
            columns=columns,
            parameters=self.parameters(_LINE_COLUMNS),
            open_columns=_OPEN_COLUMNS,
            waiting_columns=_WAITING_COLUMNS,
        )
        await tx.run(sql, *([getattr(line, column) for line in ordered] for column in _LINE_COLUMNS))

    async def open(self, tx: Tx, statement_ids: Sequence[str]) -> None:
        """Have all lines of statements looked at, which were copied in."""
        await tx.run(_OPEN_LINES, list(statement_ids))

    async def open_again(self, tx: Tx, line_nos: Sequence[int], *, differs: bool) -> None:
        """Have decided lines wait for what may come; `differs` says that they keep their outcome meanwhile."""
        if line_nos:
            await tx.run(_OPEN_AGAIN, list(line_nos), differs)

    async def of_statement(self, tx: Tx, statement_id: str, *, after: int | None, limit: int) -> list[ReportedLine]:
        """Read lines of a statement in their order, from after a line_no on."""
        condition, args = where(("statement_id = {}", statement_id), ("line_no > {}", after))
        return await self.select(tx, f"{condition} ORDER BY line_no LIMIT ${len(args) + 1}", *args, limit)


async def own_lines(tx: Tx, statement_id: str, operations: Sequence[str]) -> list[OwnLine]:
    """Read open lines that belong to a statement as a whole."""
    return [OwnLine(*row) for row in await tx.fetch(_OWN_LINES, statement_id, list(operations))]


async def count_unreconciled(tx: Tx) -> list[asyncpg.Record]:
    """Count the statements that are closed and not reconciled by channel, with since when the longest of them is."""
    return await tx.fetch(_UNRECONCILED)


async def payout_at_the_bank(tx: Tx, bank_reference: str, currency_code: str) -> int | None:
    """Return what an acquirer pays out under a reference at the bank; None when no statement says so."""
    rows = await tx.fetch(_PAYOUT_AT_THE_BANK, bank_reference, currency_code)
    return rows[0]["acquirer_net_minor"] if rows else None


statements = Statements(
    ReportedStatement,
    "statement",
    key="statement_id",
    changing=(
        *("state", "line_count", "opening_balance_minor", "closing_balance_minor", "acquirer_net_minor"),
        *("statement_fee_minor", "bank_reference", "aggregate_version", "update_time"),
    ),
)
statement_walk = Walk(statements, scopes=(("channel",), ()))
lines = StatementLines(ReportedLine, "statement_line", key="line_no")
