"""The reader of each format."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from services.reconciliation.domain.formats.camt053 import read_camt053
from services.reconciliation.domain.formats.csv_file import read_csv
from services.reconciliation.domain.formats.file_line import Reading
from services.reconciliation.domain.formats.mapping import StatementFormat, StatementMapping
from services.reconciliation.domain.formats.mt940 import read_mt940

READERS: Mapping[StatementFormat, Callable[[Iterable[bytes], StatementMapping], Iterator[Reading]]] = MappingProxyType(
    {StatementFormat.CSV: read_csv, StatementFormat.CAMT053: read_camt053, StatementFormat.MT940: read_mt940}
)
"""Each makes lines and statements of the bytes of a file, or refuses it."""
