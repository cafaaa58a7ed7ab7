"""Files that statements were imported from. Pure."""

from dataclasses import dataclass
from datetime import datetime

from paykit import ids
from paystream.reconciliation.v1.events import StatementSource
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement
from services.reconciliation.domain.formats.mapping import StatementFormat
from services.reconciliation.domain.statement import ReportedStatement, StatementState


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFile:
    """A file that was imported; the same bytes of a channel are one.

    Attributes:
        content_sha256: Of its bytes.
        size_bytes: Its length.
        line_count: Lines in it.
        known_line_count: Of these, lines that were known already.
        actor: Who imported it.
    """

    file_id: str
    channel: str
    format: StatementFormat
    file_name: str
    content_sha256: bytes
    size_bytes: int
    line_count: int
    known_line_count: int
    actor: str | None
    create_time: datetime


def imported(
    found: FileStatement, file: StatementFile, *, statement_id: str, line_count: int, correlation_id: str
) -> ReportedStatement:
    """Make the statement of what stands in a file, with so many lines that were not known before."""
    return ReportedStatement(
        statement_id=statement_id,
        channel=file.channel,
        source=StatementSource.FILE,
        currency_code=found.currency_code,
        statement_date=found.statement_date,
        reference=found.reference,
        state=StatementState.CLOSED,
        line_count=line_count,
        opening_balance_minor=found.opening_balance_minor,
        closing_balance_minor=found.closing_balance_minor,
        file_id=file.file_id,
        section=found.section,
        account_last_four=found.account,
        correlation_id=correlation_id,
        create_time=file.create_time,
        update_time=file.create_time,
    )


class Placement:
    """Gives the statements of a file their ids, and its lines their identities where the file gives none."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._ids: dict[int, str] = {}
        self._lines: dict[int, int] = {}

    @property
    def statement_ids(self) -> list[str]:
        """The ids given so far."""
        return list(self._ids.values())

    def statement_id(self, section: int) -> str:
        """Return the id of a statement by its place in the file."""
        return self._ids.get(section) or self._ids.setdefault(section, ids.new_id("stm"))

    def place(self, line: FileLine) -> tuple[object, ...]:
        """Return a line as a row, its columns in the order of `FileLine`, with statement and channel before them."""
        section, file_line_no, line_id, *rest = line
        statement_id = self.statement_id(section)
        position = self._lines[section] = self._lines.get(section, 0) + 1
        return (statement_id, self._channel, file_line_no, line_id or f"{statement_id}:{position}", *rest)
