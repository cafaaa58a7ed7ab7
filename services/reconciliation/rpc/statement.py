"""The methods of the ReconciliationOperationsService about statement files."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import IO, Any

from paykit.base.call import current_call
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page, page_by_key
from paykit.serve.operations import Operation
from paystream.reconciliation.v1 import statement_pb2 as pb
from services.reconciliation import domain, messages, store
from services.reconciliation.commands import importing
from services.reconciliation.domain.formats.limits import FILE_BYTES_MAX
from services.reconciliation.domain.formats.refusals import file_invalid

READ_BYTES = 256 * 1024
"""Bytes of a file read at once."""
IN_MEMORY_BYTES_MAX = 1024 * 1024
"""Of a file on its way; a longer one is kept in a temporary file until it is imported."""
IMPORTS_AT_ONCE = 1
"""Files that a process reads at the same time: each takes a core, and one is enough for calls beside it."""

_IMPORT = Operation(
    name="ImportStatement",
    command=importing.import_statements,
    reply=messages.statement.to_imported,
    reply_type=pb.ImportStatementResponse,
)


class StatementMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime
    _importing: asyncio.Semaphore

    async def ImportStatement(
        self, request_iterator: AsyncIterator[pb.ImportStatementRequest], _context: Any
    ) -> pb.ImportStatementResponse:
        """Import a file once its last byte came, once per request_id and once for its bytes."""
        first = await _first(request_iterator)
        header = first.header
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES_MAX) as content:
            digest, size_bytes = await _take(first.file.data, request_iterator, content)
            if header.content_sha256 and header.content_sha256 != digest:
                raise file_invalid("does not have the SHA-256 that was told before it")
            header.content_sha256 = digest
            format_ = messages.statement.from_format(header.format)
            item = importing.ImportStatement(
                channel=header.channel,
                format=format_,
                mapping=messages.statement.from_mapping(messages.statement.mapping_of(header), format_),
                file_name=header.file_name,
                content_sha256=digest,
                size_bytes=size_bytes,
                content=partial(_pieces, content),
                cause=current_call().cause,
            )
            async with self._importing:
                return await self._runtime.call(_IMPORT, header, item)

    async def GetStatement(self, request: pb.GetStatementRequest, _context: Any) -> pb.GetStatementResponse:
        """Read a statement and its file."""
        statement = await self._runtime.read(lambda tx: store.statements.get(tx, request.statement_id))
        if statement is None:
            raise domain.statement.not_found(request.statement_id)
        files = await self._runtime.read(lambda tx: store.statement_files.by_key(tx, [statement.file_id or ""]))
        return pb.GetStatementResponse(
            statement=messages.statement.to_statement(statement),
            file=next(map(messages.statement.to_file, files.values()), None),
        )

    async def ListStatements(self, request: pb.ListStatementsRequest, _context: Any) -> pb.ListStatementsResponse:
        """Read a page of statements."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.statements.list,
            wanted=messages.statement.from_list(request),
            key=lambda statement: (statement.create_time, statement.statement_id),
            show=messages.statement.to_statement,
        )
        return pb.ListStatementsResponse(statements=page, next_page_token=token)

    async def ListStatementLines(
        self, request: pb.ListStatementLinesRequest, _context: Any
    ) -> pb.ListStatementLinesResponse:
        """Read a page of a statement's lines."""
        page, token = await page_by_key(
            self._runtime,
            request,
            store.lines.of_statement,
            wanted=request.statement_id,
            key=lambda line: line.line_no,
            kind=int,
            show=messages.statement.to_line,
        )
        return pb.ListStatementLinesResponse(lines=page, next_page_token=token)


async def _first(requests: AsyncIterator[pb.ImportStatementRequest]) -> pb.ImportStatementRequest:
    """Return the part that has the header, and may have bytes."""
    async for request in requests:
        if request.HasField("header"):
            return request
        break
    raise file_invalid("does not begin with its header")


async def _take(
    first: bytes, requests: AsyncIterator[pb.ImportStatementRequest], content: IO[bytes]
) -> tuple[bytes, int]:
    """Keep the bytes of a file as they come, and return their SHA-256 and how many they are."""
    digest, size_bytes = hashlib.sha256(first), content.write(first)
    async for request in requests:
        if request.HasField("header"):
            raise file_invalid("has a second header")
        size_bytes += len(request.file.data)
        if size_bytes > FILE_BYTES_MAX:
            raise file_invalid(f"has more than {FILE_BYTES_MAX} bytes")
        digest.update(request.file.data)
        content.write(request.file.data)
    if not size_bytes:
        raise file_invalid("is empty")
    return digest.digest(), size_bytes


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    """Read a file anew from its beginning: a transaction that is run again reads it again."""
    content.seek(0)
    while piece := content.read(READ_BYTES):
        yield piece
