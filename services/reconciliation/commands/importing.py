"""Statement files become statements: whole, or not at all."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from paykit import ids
from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from services.reconciliation import domain, store
from services.reconciliation.domain.formats.file_line import FileLine, FileStatement, Reading
from services.reconciliation.domain.formats.mapping import StatementFormat, StatementMapping, require_applicable
from services.reconciliation.domain.formats.readers import READERS
from services.reconciliation.domain.formats.refusals import line_invalid
from services.reconciliation.domain.statement import ReportedStatement
from services.reconciliation.domain.statement_file import Placement, StatementFile

LINES_AT_ONCE = 5_000
"""Lines read, and copied into their table, before the next: as many are in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStatement:
    """A file to import.

    Attributes:
        content: Begins its bytes anew, in pieces; read in a thread.
    """

    channel: str
    format: StatementFormat
    mapping: StatementMapping
    file_name: str
    content_sha256: bytes
    size_bytes: int
    content: Callable[[], Iterable[bytes]]
    cause: Cause


@dataclass(frozen=True, slots=True)
class Imported:
    """A file and its statements."""

    file: StatementFile
    statements: Sequence[ReportedStatement]


async def import_statements(tx: Tx, items: Sequence[ImportStatement]) -> Sequence[Imported | DomainError]:
    """Import files, each for itself: what is refused leaves nothing behind."""
    return [await _import(tx, item) for item in items]


async def _import(tx: Tx, item: ImportStatement) -> Imported | DomainError:
    earlier = await store.statement_files.of_content(tx, item.channel, item.content_sha256)
    if earlier is not None:
        return Imported(earlier, await store.statements.of_file(tx, earlier.file_id))
    try:
        async with tx.savepoint():
            require_applicable(item.mapping)
            return await _read_into_tables(tx, item)
    except DomainError as refusal:
        return refusal


async def _read_into_tables(tx: Tx, item: ImportStatement) -> Imported:
    placement, found, line_count = Placement(item.channel), list[FileStatement](), 0
    readings = READERS[item.format](item.content(), item.mapping)
    async with contextlib.aclosing(_batches(readings, placement)) as batches:
        async for batch in batches:
            if batch.rows and (other := await store.add_lines(tx, batch.rows)) is not None:
                raise line_invalid("has the identity of a line with other content", line=other, column="line_id")
            line_count += len(batch.rows)
            found += batch.statements
    return await _save(tx, item, placement, found, line_count)


async def _save(
    tx: Tx, item: ImportStatement, placement: Placement, found: Sequence[FileStatement], line_count: int
) -> Imported:
    """Save a file whose lines are there, and its statements, whose lines are to be matched now."""
    counts = await store.count_lines(tx, placement.statement_ids)
    file = StatementFile(
        file_id=ids.new_id("stf"),
        channel=item.channel,
        format=item.format,
        file_name=item.file_name,
        content_sha256=item.content_sha256,
        size_bytes=item.size_bytes,
        line_count=line_count,
        known_line_count=line_count - sum(counts.values()),
        actor=item.cause.actor,
        create_time=tx.now,
    )
    statements = [_statement(each, file, placement, counts, item) for each in found]
    # The same file in another process waits here until this transaction has ended.
    await store.statement_files.insert(tx, [file])
    await store.statements.insert(tx, statements)
    await store.lines.open(tx, placement.statement_ids)
    return Imported(file, sorted(statements, key=lambda statement: statement.section or 0))


def _statement(
    found: FileStatement,
    file: StatementFile,
    placement: Placement,
    counts: Mapping[str, int],
    item: ImportStatement,
) -> ReportedStatement:
    statement_id = placement.statement_id(found.section)
    return domain.statement_file.imported(
        found,
        file,
        statement_id=statement_id,
        line_count=counts.get(statement_id, 0),
        correlation_id=item.cause.correlation_id,
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: list[tuple[object, ...]]
    statements: list[FileStatement]

    def __bool__(self) -> bool:
        return bool(self.rows or self.statements)


async def _batches(readings: Iterator[Reading], placement: Placement) -> AsyncGenerator["_Batch", None]:
    """Read a batch in a thread while the one before is copied, and end with what is being read."""
    reading = asyncio.ensure_future(asyncio.to_thread(_next_batch, readings, placement))
    try:
        while batch := await reading:
            reading = asyncio.ensure_future(asyncio.to_thread(_next_batch, readings, placement))
            yield batch
    finally:
        await asyncio.gather(reading, return_exceptions=True)


def _next_batch(readings: Iterator[Reading], placement: Placement) -> _Batch:
    batch = _Batch([], [])
    for reading in islice(readings, LINES_AT_ONCE):
        if isinstance(reading, FileLine):
            batch.rows.append(placement.place(reading))
        else:
            batch.statements.append(reading)
    return batch
