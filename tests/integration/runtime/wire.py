"""A TCP proxy between a service and PostgreSQL: loses a COMMIT, another statement or its answer, holds answers back,
or falls silent.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import sqlalchemy

from paykit.process.runtime import Runtime
from paykit.process.service import Service
from paykit.testing import runtimes

CHUNK_BYTES = 64 * 1024
COMMIT = b"COMMIT\x00"
"""How a simple query ends in PostgreSQL's protocol."""

READY_FOR_QUERY = b"Z\x00\x00\x00\x05"
"""What ends every answer: the server has carried out what it was asked."""

Loss = Literal["request", "answer"]


class Wire:
    """One proxy; `lose_next` and `hold_next` arm it.

    Attributes:
        lost: How many COMMITs, or other statements, were lost.
        holding: Set once an answer is held back.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loss: Loss | None = None
        self._lost_text = COMMIT
        self._held_statement: bytes | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._heard = asyncio.Event()
        self._heard.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._down = False
        self.lost = 0
        self.holding = asyncio.Event()

    def lose_next(self, loss: Loss, *, text: bytes = COMMIT) -> None:
        """Cut the connection at the next COMMIT: before it reaches the server, or before its answer comes back.

        With a text, at the next statement that has it among its arguments.
        """
        self._loss, self._lost_text = loss, text

    def hold_next(self, statement: str) -> None:
        """Hold all answers back from the next simple query of this text on, until `release`."""
        self._held_statement = statement.encode() + b"\x00"

    def release(self) -> None:
        """Let everything through."""
        self._open.set()
        self._heard.set()

    def fall_silent(self) -> None:
        """Forward nothing any more in either direction, and take new connections without a word: nothing is closed."""
        self._heard.clear()

    def cut(self, *, mended: bool = False) -> None:
        """Break every connection and let no new one stand, until called with `mended`."""
        self._down = not mended
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if self._down:
            writer.close()
            return
        self._writers.add(writer)
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        back = asyncio.create_task(self._pump(there_reader, writer))
        try:
            await self._carry(reader, there_writer, there_reader, back)
        finally:
            back.cancel()
            self._writers.discard(writer)
            for side in (writer, there_writer):
                side.close()
                with contextlib.suppress(OSError):
                    await side.wait_closed()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there_reader: asyncio.StreamReader,
        back: "asyncio.Task[None]",
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._heard.wait()
            loss = self._loss if self._lost_text in data else None
            if self._held_statement is not None and data.endswith(self._held_statement):
                self._held_statement = None
                self._open.clear()
                self.holding.set()
            if loss is not None:
                self._loss = None
                self.lost += 1
                await self._lose(loss, data, writer, there_reader, back)
                return
            writer.write(data)
            await writer.drain()

    async def _lose(
        self,
        loss: Loss,
        data: bytes,
        writer: asyncio.StreamWriter,
        there_reader: asyncio.StreamReader,
        back: "asyncio.Task[None]",
    ) -> None:
        """Keep a statement, or its answer, from arriving. An answer is lost once the server has given it: whoever looks
        afterwards finds what it decided, not what it was still at.
        """
        back.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await back
        if loss == "request":
            return
        writer.write(data)
        await writer.drain()
        answer = b""
        while READY_FOR_QUERY not in answer and (more := await there_reader.read(CHUNK_BYTES)):
            answer += more

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._open.wait()
                await self._heard.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[tuple[str, Wire]]:
    """Give a URL that leads through a new proxy to the same database, and the proxy."""
    target = sqlalchemy.make_url(url)
    assert target.host is not None
    assert target.port is not None
    wire = Wire(target.host, target.port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield target.set(host="127.0.0.1", port=port).render_as_string(hide_password=False), wire
    finally:
        wire.release()
        server.close()


@contextlib.asynccontextmanager
async def runtime_over_wire(service: Service, url: str, *, cache_dir: Path) -> AsyncIterator[tuple[Runtime, Wire]]:
    """Give a runtime of a service whose connections to a database lead through a new proxy, and the proxy."""
    async with wire_to(url) as (led, wire), runtimes.runtime(service, led, cache_dir=cache_dir) as runtime:
        yield runtime, wire
