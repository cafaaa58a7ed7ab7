"""A TCP proxy that does to a connection what networks do: silence, slowness, lost directions, resets, refusals.

Bytes are held back or delayed, never changed, reordered or dropped in the middle: what TCP promises to both ends holds
for as long as a connection lives. What was held back while a fault lasted goes out when it ends, as from a network that
retransmits, also where the sender has given up meanwhile.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

CHUNK_BYTES = 64 * 1024
SLOW_PIECE_S = 0.05
"""A slow line carries pieces as large as it moves in this time, so that bytes drip instead of coming at once."""
CONNECT_S_MAX = 5.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, with no time to linger, closing sends RST."""


class Mode(Enum):
    """What becomes of connections, of those there are and of new ones.

    Attributes:
        PASS: Carried.
        SILENT: Accepted and kept open; nothing is carried in either direction.
        SLOW: Carried late and slowly.
        ONE_WAY: Carried towards the server; no answer comes back.
        HALF_OPEN: The server's side is gone, the client's stays open: what it sends is neither answered nor refused.
            New ones are accepted likewise. A client's connection stays so when the fault is over, for its server knows
            nothing of it any more.
        CUT: Reset, new ones as soon as they are made.
        REFUSE: Reset, and nobody listens.
    """

    PASS = "pass"
    SILENT = "silent"
    SLOW = "slow"
    ONE_WAY = "one_way"
    HALF_OPEN = "half_open"
    CUT = "cut"
    REFUSE = "refuse"


_TO_SERVER = frozenset({Mode.PASS, Mode.SLOW, Mode.ONE_WAY})
_TO_CLIENT = frozenset({Mode.PASS, Mode.SLOW})
_RESETS = frozenset({Mode.CUT, Mode.REFUSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowness:
    """How slow `Mode.SLOW` is.

    Attributes:
        bytes_per_s: What each connection carries in each direction.
        latency_s: Before each piece that is carried.
    """

    bytes_per_s: int = 64 * 1024
    latency_s: float = 0.05

    @property
    def piece_bytes(self) -> int:
        """The largest piece that is carried at once."""
        return max(1, int(self.bytes_per_s * SLOW_PIECE_S))


class FaultProxy:
    """One listening port in front of one server.

    Args:
        host: Of the server.
        port: Of the server.
        slowness: Of `Mode.SLOW`.
    """

    def __init__(self, host: str, port: int, *, slowness: Slowness | None = None) -> None:
        self._target = (host, port)
        self._slowness = slowness or Slowness()
        self._mode = Mode.PASS
        self._turned = asyncio.Event()
        self._connections: set[_Connection] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.accepted = 0
        """Connections so far."""

    @property
    def address(self) -> str:
        """Return where it listens, `host:port`."""
        return f"127.0.0.1:{self.port}"

    async def open(self, port: int = 0) -> None:
        """Begin to listen on a port of 127.0.0.1, any free one if 0."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def turn(self, mode: Mode) -> None:
        """Do so from now on, to the connections there are as well."""
        self._mode = mode
        self._wake()
        if mode is Mode.REFUSE:
            self._close_server()
        elif self._server is None:
            await self.open(self.port)
        for connection in tuple(self._connections):
            if mode in _RESETS:
                connection.reset()
            elif mode is Mode.HALF_OPEN:
                connection.lose_server()

    @asynccontextmanager
    async def turned(self, mode: Mode) -> AsyncIterator[None]:
        """Do so until the block ends, and carry again then."""
        await self.turn(mode)
        try:
            yield
        finally:
            await self.turn(Mode.PASS)

    async def close(self) -> None:
        """Reset every connection and listen no more."""
        self._close_server()
        for task in tuple(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def passable(self, *, to_server: bool) -> None:
        """Wait until bytes may go in a direction."""
        while self._mode not in (_TO_SERVER if to_server else _TO_CLIENT):
            await self._turned.wait()

    @property
    def slowness(self) -> Slowness | None:
        """Return how slowly to carry now; None for at once."""
        return self._slowness if self._mode is Mode.SLOW else None

    def _wake(self) -> None:
        """Have whoever waits look at the mode again."""
        self._turned.set()
        self._turned = asyncio.Event()

    def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            if self._mode in _RESETS:
                return
            if self._mode is Mode.HALF_OPEN:
                connection.lose_server()
            await connection.carry(self._target)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # One end is gone, or the proxy: both ends of the connection go with it.
        finally:
            connection.reset()
            self._connections.discard(connection)
            self._carrying.discard(task)


class _Connection:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._server_writer: asyncio.StreamWriter | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._server_lost = False

    def lose_server(self) -> None:
        """Reset the server's side and say nothing to the client any more."""
        self._server_lost = True
        for pump in self._pumps:
            pump.cancel()
        _reset(self._server_writer)

    def reset(self) -> None:
        """Reset both sides."""
        for pump in self._pumps:
            pump.cancel()
        for writer in (self._writer, self._server_writer):
            _reset(writer)

    async def carry(self, target: tuple[str, int]) -> None:
        """Carry bytes until an end closes its side; a lost server's client is listened to until it goes away.

        Raises:
            OSError, TimeoutError: An end is gone.
        """
        if not self._server_lost:
            await self._carry_both_ways(target)
        if self._server_lost:
            while await self._reader.read(CHUNK_BYTES):
                pass
        await self._close()

    async def _carry_both_ways(self, target: tuple[str, int]) -> None:
        """Return when both sides have ended, or the server's is lost."""
        await self._proxy.passable(to_server=True)
        async with asyncio.timeout(CONNECT_S_MAX):
            server_reader, self._server_writer = await asyncio.open_connection(*target)
        if self._server_lost:  # While it was being connected to.
            _reset(self._server_writer)
            return
        self._pumps = [
            asyncio.create_task(self._pump(self._reader, self._server_writer, to_server=True)),
            asyncio.create_task(self._pump(server_reader, self._writer, to_server=False)),
        ]
        try:
            await asyncio.gather(*self._pumps)
        except asyncio.CancelledError:
            if not self._server_lost:
                raise

    async def _close(self) -> None:
        """Close both sides in order: what was written is still sent."""
        for writer in (self._writer, self._server_writer):
            if writer is not None:
                writer.close()
                await writer.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_server: bool) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._deliver(data, writer, to_server=to_server)
        await self._proxy.passable(to_server=to_server)
        if writer.can_write_eof():
            writer.write_eof()

    async def _deliver(self, data: bytes, writer: asyncio.StreamWriter, *, to_server: bool) -> None:
        while data:
            await self._proxy.passable(to_server=to_server)
            slowness = self._proxy.slowness
            size = len(data) if slowness is None else slowness.piece_bytes
            if slowness is not None:
                await asyncio.sleep(slowness.latency_s + min(size, len(data)) / slowness.bytes_per_s)
                await self._proxy.passable(to_server=to_server)
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter | None) -> None:
    if writer is None or writer.transport.is_closing():
        return
    own_socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def proxy_to(host: str, port: int, *, at: int = 0, slowness: Slowness | None = None) -> AsyncIterator[FaultProxy]:
    """Run a proxy until the block ends.

    Args:
        host: Of the server.
        port: Of the server.
        at: The port to listen on; any free one if 0.
        slowness: Of `Mode.SLOW`.
    """
    proxy = FaultProxy(host, port, slowness=slowness)
    await proxy.open(at)
    try:
        yield proxy
    finally:
        await proxy.close()
