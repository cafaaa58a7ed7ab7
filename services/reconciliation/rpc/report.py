"""The method of the ReconciliationOperationsService that streams reports."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import IO, Any

from google.api.httpbody_pb2 import HttpBody

from paykit.process.runtime import Runtime
from paykit.serve.reply_sizes import chunk_bytes
from paystream.reconciliation.v1 import report_pb2 as pb
from services.reconciliation import commands, messages
from services.reconciliation.rpc.statement import IN_MEMORY_BYTES_MAX

REPORTS_AT_ONCE = 2
"""Days of reports that a process reads at the same time: each takes a connection; sending them takes none."""


class ReportMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime
    _reporting: asyncio.Semaphore

    async def ExportReport(
        self, request: pb.ExportReportRequest, _context: Any
    ) -> AsyncIterator[pb.ExportReportResponse]:
        """Stream a report. A day is read whole, into a file once it is large: a slow caller holds no snapshot."""
        wanted = messages.report.from_export(request)
        writer = messages.report.to_writer(request)
        size = chunk_bytes(self._runtime.reply_bytes_max)
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES_MAX) as document:
            document.write(writer.begin().encode())
            for chunk in _chunks(document, size, writer.media_type):
                yield chunk
            for day in wanted.days:
                write = partial(commands.reporting.write_day, wanted=wanted, day=day, writer=writer, document=document)
                async with self._reporting:
                    await self._runtime.read(write)
                for chunk in _chunks(document, size, writer.media_type):
                    yield chunk


def _chunks(document: IO[bytes], size: int, media_type: str) -> Iterator[pb.ExportReportResponse]:
    """Read what was written, from its beginning."""
    document.seek(0)
    while chunk := document.read(size):
        yield pb.ExportReportResponse(document=HttpBody(content_type=media_type, data=chunk))
