"""The proxy between services and servers does what its modes say, to both ends."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from tests.faults.proxy import FaultProxy, Mode, Slowness, proxy_to
from tests.line.waiting import until

SILENCE_S = 0.2
"""How long nothing must come for a side to count as silent."""

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Echo:
    """A server that answers every piece in capitals, and remembers what it got and how connections ended."""

    port: int = 0
    got: bytearray = field(default_factory=bytearray)
    ended: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.got += data
                writer.write(data.upper())
                await writer.drain()
            self.ended.append("closed")
        except ConnectionResetError:
            self.ended.append("reset")
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    async with proxy_to("127.0.0.1", echo.port, slowness=Slowness(bytes_per_s=10_000, latency_s=0.0)) as made:
        yield made


@pytest.fixture
async def connect(proxy: FaultProxy) -> AsyncIterator[Callable[[], "asyncio.Future[Ends]"]]:
    made: list[asyncio.StreamWriter] = []

    async def open_one() -> Ends:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        made.append(writer)
        return reader, writer

    yield lambda: asyncio.ensure_future(open_one())
    for writer in made:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


Connect = Callable[[], "asyncio.Future[Ends]"]


async def ask(ends: Ends, text: bytes) -> bytes:
    ends[1].write(text)
    return await asyncio.wait_for(ends[0].readexactly(len(text)), 10)


async def silent(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), SILENCE_S)
    except TimeoutError:
        return True
    return False


async def test_bytes_pass_both_ways_and_a_close_is_passed_on(echo: Echo, connect: Connect) -> None:
    ends = await connect()
    assert await ask(ends, b"one") == b"ONE"
    ends[1].close()

    async def ended() -> bool:
        return echo.ended == ["closed"]

    await until(ended)


async def test_all_that_was_written_before_a_close_arrives(echo: Echo, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"x" * 3_000_000)
    writer.write_eof()

    async def arrived() -> bool:
        return len(echo.got) == 3_000_000

    await asyncio.gather(until(arrived), _read_out(reader))


async def _read_out(reader: asyncio.StreamReader) -> None:
    assert len(await reader.read(-1)) == 3_000_000


async def test_a_silent_line_carries_nothing_either_way_and_all_of_it_later(
    echo: Echo, proxy: FaultProxy, connect: Connect
) -> None:
    old = await connect()
    assert await ask(old, b"one") == b"ONE"
    async with proxy.turned(Mode.SILENT):
        new = await connect()  # It is accepted.
        old[1].write(b"two")
        new[1].write(b"new")
        assert await silent(old[0])
        assert await silent(new[0])
        assert bytes(echo.got) == b"one"
        assert echo.ended == []
    assert await asyncio.wait_for(old[0].readexactly(3), 10) == b"TWO"
    assert await asyncio.wait_for(new[0].readexactly(3), 10) == b"NEW"


async def test_one_way_the_server_hears_and_is_not_heard(echo: Echo, proxy: FaultProxy, connect: Connect) -> None:
    ends = await connect()
    async with proxy.turned(Mode.ONE_WAY):
        ends[1].write(b"one")
        assert await silent(ends[0])
        assert bytes(echo.got) == b"one"
    assert await asyncio.wait_for(ends[0].readexactly(3), 10) == b"ONE"


async def test_of_a_half_open_line_the_server_is_gone_for_good_and_the_client_not_told(
    echo: Echo, proxy: FaultProxy, connect: Connect
) -> None:
    old = await connect()
    assert await ask(old, b"one") == b"ONE"
    async with proxy.turned(Mode.HALF_OPEN):
        new = await connect()

        async def reset() -> bool:
            return echo.ended == ["reset"]

        await until(reset)
        old[1].write(b"two")
        assert await silent(old[0])
        assert await silent(new[0])
    old[1].write(b"three")
    assert await silent(old[0])
    assert await ask(await connect(), b"four") == b"FOUR"
    assert bytes(echo.got) == b"onefour"


async def test_a_cut_line_resets_what_there_is_and_what_comes(echo: Echo, proxy: FaultProxy, connect: Connect) -> None:
    ends = await connect()
    assert await ask(ends, b"one") == b"ONE"
    async with proxy.turned(Mode.CUT):
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(ends[0].read(1), 10)
        with pytest.raises(OSError, match="reset"):
            await asyncio.wait_for((await connect())[0].read(1), 10)

        async def reset() -> bool:
            return echo.ended == ["reset"]

        await until(reset)
    assert await ask(await connect(), b"two") == b"TWO"


async def test_who_connects_is_refused_and_finds_the_same_port_later(proxy: FaultProxy, connect: Connect) -> None:
    async with proxy.turned(Mode.REFUSE):
        with pytest.raises(ConnectionRefusedError):
            await connect()
    assert await ask(await connect(), b"one") == b"ONE"


async def test_a_slow_line_takes_the_time_of_its_bytes(proxy: FaultProxy, connect: Connect) -> None:
    ends = await connect()
    async with proxy.turned(Mode.SLOW):
        began = time.monotonic()
        assert await ask(ends, b"x" * 3_000) == b"X" * 3_000
        # 3,000 bytes at 10,000 a second; a busy machine only takes longer.
        assert time.monotonic() - began >= 0.3
    assert await ask(ends, b"one") == b"ONE"
