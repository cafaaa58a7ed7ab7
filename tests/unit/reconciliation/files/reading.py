"""How the tests read a file: whole, or in pieces of a few bytes, and what it is refused with."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from paykit.errors import DomainError
from services.reconciliation.domain.formats.camt053 import read_camt053
from services.reconciliation.domain.formats.csv_file import read_csv
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement, Reading
from services.reconciliation.domain.formats.mapping import BANK_MAPPING, StatementFormat, StatementMapping
from services.reconciliation.domain.formats.mt940 import read_mt940

READERS: dict[StatementFormat, Callable[[Iterable[bytes], StatementMapping], Iterator[Reading]]] = {
    StatementFormat.CSV: read_csv,
    StatementFormat.CAMT053: read_camt053,
    StatementFormat.MT940: read_mt940,
}
CSV_MAPPING = StatementMapping()


def pieces(content: bytes, size: int) -> list[bytes]:
    """Cut a file into chunks."""
    return [content[at : at + size] for at in range(0, len(content), size)]


def read(
    format_: StatementFormat, content: bytes, mapping: StatementMapping | None = None, *, size: int = 7
) -> tuple[list[FileLine], list[FileStatement]]:
    """Read a file to its end."""
    mapping = mapping or (CSV_MAPPING if format_ is StatementFormat.CSV else BANK_MAPPING)
    found = list(READERS[format_](pieces(content, size), mapping))
    lines = [each for each in found if isinstance(each, FileLine)]
    return lines, [each for each in found if isinstance(each, FileStatement)]


def refusal(
    format_: StatementFormat, content: bytes, mapping: StatementMapping | None = None, *, size: int = 7
) -> tuple[str, str | None, str | None]:
    """Return reason, line and column of what a file is refused with."""
    with pytest.raises(DomainError) as refused:
        read(format_, content, mapping, size=size)
    error = refused.value
    return error.reason, error.metadata.get("line"), error.metadata.get("column")
