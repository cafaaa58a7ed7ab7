"""Reports of what became of a channel's lines and movements, as CSV and as JSON lines, in pieces. Pure.

Each line and each movement has one status: the counts of a day's sums add up to its lines and movements.
"""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from paykit.spreadsheet import csv_rows

REPORT_DAYS_MAX = 92
NO_COUNTERPART = "NO_COUNTERPART"
"""The status of a line that belongs to no movement: it moves no money, or belongs to its statement as a whole."""


class RowKind(StrEnum):
    """SUM counts lines or movements of a day; ITEM is one of them."""

    SUM = "SUM"
    ITEM = "ITEM"


class ReportRow(NamedTuple):
    """A row of a report; its fields are the columns. What follows `resolved_count` is of an ITEM alone.

    Attributes:
        day: Of a line its booking date in the channel's zone; of a movement its date in UTC.
        side: LINE or MOVEMENT.
        operation: As in CAPTURE.
        outcome: SUCCEEDED or FAILED; of movements always SUCCEEDED.
        status: MATCHED, a kind of discrepancy, WAITING or NO_COUNTERPART.
        amount_minor: In minor units of currency_code, added up over the operation's items whichever way money went.
        channel_fee_minor: What the channel keeps, in minor units; of movements 0.
        resolved_count: Those whose discrepancy is over.
        item_id: The channel's identity of a line, or a movement_id.
        counterpart_id: The same of what it belongs to, the first of several.
        rule: By which the status was decided; only of lines.
    """

    row: RowKind
    channel: str
    day: date
    currency_code: str
    side: str
    operation: str
    outcome: str
    status: str
    item_count: int
    amount_minor: int
    channel_fee_minor: int
    resolved_count: int
    item_id: str | None = None
    counterpart_id: str | None = None
    rule: str | None = None
    discrepancy_id: str | None = None
    statement_id: str | None = None
    related_no: str | None = None
    attempt_id: str | None = None
    channel_reference: str | None = None
    root_reference: str | None = None
    merchant_id: str | None = None


COLUMNS = ReportRow._fields
SUM_COLUMNS = COLUMNS[: COLUMNS.index("item_id")]


class RowWriter(Protocol):
    """Writes rows piece by piece."""

    media_type: str
    """Of what is written, as Content-Type has it."""

    def begin(self) -> str:
        """Return what stands before the rows."""

    def write(self, rows: Iterable[ReportRow]) -> str:
        """Return the next rows."""


class CsvRows:
    """RFC 4180: a line of column names, then one for each row; the columns of items only where these are wanted."""

    media_type = "text/csv; charset=utf-8"

    def __init__(self, *, items: bool) -> None:
        self._width = len(COLUMNS if items else SUM_COLUMNS)

    def begin(self) -> str:
        """Return the column names."""
        return csv_rows([COLUMNS[: self._width]])

    def write(self, rows: Iterable[ReportRow]) -> str:
        """Return a line for each row."""
        return csv_rows(row[: self._width] for row in rows)


class JsonRows:
    """A line with an object for each row, in ASCII: whatever a text holds, nothing else ends a line."""

    media_type = "application/x-ndjson"

    def begin(self) -> str:
        """Return nothing: the first row is the beginning."""
        return ""

    def write(self, rows: Iterable[ReportRow]) -> str:
        """Return a line for each row, without what it does not have."""
        return "".join(f"{json.dumps(_object(row), default=str)}\n" for row in rows)


def days_between(first: date, last: date) -> list[date]:
    """Return the days of a range, both ends with it."""
    return [first + timedelta(days=at) for at in range((last - first).days + 1)]


def _object(row: ReportRow) -> dict[str, object]:
    return {name: value for name, value in zip(COLUMNS, row, strict=True) if value is not None}
