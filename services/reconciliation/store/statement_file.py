"""The SQL of statement files, and of the lines that they bring."""

from collections.abc import Mapping, Sequence

import asyncpg

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from services.reconciliation.domain.formats.file_line import FileLine
from services.reconciliation.domain.statement_file import StatementFile
from services.reconciliation.store.statement import lines

_COLUMNS = ("statement_id", "channel", "file_line_no", *FileLine._fields[2:])
_CONTENT = ("operation", "outcome", "amount_minor", "currency_code", "channel_fee_minor")
_OF_NEW = ", ".join(f"new.{column}" for column in _CONTENT)
_OF_LINE = ", ".join(f"l.{column}" for column in _CONTENT)

_ADD_UNKNOWN = f"""
INSERT INTO statement_line ({", ".join(_COLUMNS)})
SELECT * FROM unnest({lines.parameters(_COLUMNS)}) AS new ON CONFLICT (channel, line_id) DO NOTHING
"""

_OTHERWISE = f"""
SELECT new.file_line_no FROM unnest({lines.parameters(_COLUMNS)}) AS new ({", ".join(_COLUMNS)})
JOIN statement_line l USING (channel, line_id) WHERE ({_OF_LINE}) IS DISTINCT FROM ({_OF_NEW})
ORDER BY new.file_line_no LIMIT 1
"""

_COUNTS = """
SELECT statement_id, count(*) AS line_count FROM statement_line WHERE statement_id = ANY($1::text[]) GROUP BY 1
"""


class StatementFiles(Table[str, StatementFile]):
    """The table `statement_file`."""

    async def of_content(self, tx: Tx, channel: str, content_sha256: bytes) -> StatementFile | None:
        """Read the file of a channel that has these bytes."""
        rows = await self.select(tx, "channel = $1 AND content_sha256 = $2", channel, content_sha256)
        return rows[0] if rows else None


statement_files = StatementFiles(StatementFile, "statement_file", key="file_id")


async def add_lines(tx: Tx, rows: Sequence[tuple[object, ...]]) -> int | None:
    """Add lines as `Placement.place` makes rows of them, but those that are known with the same content.

    Returns:
        The line of the file that has the identity of a line with other content, if there is one; nothing is said of
        the others then.
    """
    try:
        async with tx.savepoint():
            await tx.copy("statement_line", _COLUMNS, rows)
    except asyncpg.UniqueViolationError:
        values = [list(column) for column in zip(*rows, strict=True)]
        await tx.run(_ADD_UNKNOWN, *values)
        other = await tx.fetch(_OTHERWISE, *values)
        return int(other[0][0]) if other else None
    return None


async def count_lines(tx: Tx, statement_ids: Sequence[str]) -> Mapping[str, int]:
    """Count the lines of statements."""
    return {row["statement_id"]: row["line_count"] for row in await tx.fetch(_COUNTS, list(statement_ids))}
