"""A receiver of webhooks on this machine that does what a test wants, down to the bytes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace

from services.notification.domain.webhooks import signing

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verify(self, *secrets: str) -> None:
        signing.verify(secrets, self.headers, self.body, now_s=int(self.headers["webhook-timestamp"]))


Behave = Callable[[asyncio.StreamWriter, Received], Awaitable[None]]


def answering(*answers: bytes) -> Behave:
    """Answer with these bytes, one after another, and with the last for ever."""
    left = list(answers)

    async def answer(writer: asyncio.StreamWriter, _received: Received) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return answer


def status(code: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {code} X", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def hanging(_writer: asyncio.StreamWriter, _received: Received) -> None:
    await asyncio.sleep(60)


class Receiver(SimpleNamespace):
    """A server on 127.0.0.1 and what it received."""

    behave: Behave
    received: list[Received]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]


@contextlib.asynccontextmanager
async def receiver(behave: Behave | None = None) -> AsyncIterator[Receiver]:
    """Serve one."""
    made = Receiver(behave=behave or answering(OK), received=[])
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            received = await _read(reader)
            made.received.append(received)
            await made.behave(writer, received)
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        server.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Received(first.split(" ")[1], headers, body)
