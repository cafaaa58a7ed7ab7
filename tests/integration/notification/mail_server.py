"""Mail servers in the test's own loop: one that takes mails, refuses or stalls, and one that breaks off."""

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class MailServer:
    """A server that keeps what it takes.

    Attributes:
        refusals: What it answers to recipients, by address, as in `550 nobody`; each answer once, or for ever.
        stalled: Recipients that it does not answer to before `released` is set.
        mails: What it took, in order, with the recipient of each.
    """

    port: int = 0
    refusals: dict[str, list[str]] = field(default_factory=dict)
    stalled: frozenset[str] = frozenset()
    released: asyncio.Event = field(default_factory=asyncio.Event)
    data_answers: list[str] = field(default_factory=list)
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        self.tries.append(address)
        if address in self.stalled:
            await self.released.wait()
        answers = self.refusals.get(address, [])
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_answers and not (answer := self.data_answers.pop(0)).startswith("250"):
            return answer
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append((envelope.rcpt_tos[0], message))
        return "250 taken as 1"

    @property
    def message_ids(self) -> list[str]:
        return [str(message["Message-ID"]) for _, message in self.mails]


@asynccontextmanager
async def mail_server(server: MailServer | None = None, **options: Any) -> AsyncIterator[MailServer]:
    """Run a server for as long as the block lasts."""
    taking = server or MailServer()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(taking, hostname="sink.test", **options), "127.0.0.1", taking.port
    )
    taking.port = listening.sockets[0].getsockname()[1]
    try:
        yield taking
    finally:
        listening.close()


@dataclass
class BreakingServer:
    """A server that breaks off its first conversations, each where it is told, and then takes mails.

    Attributes:
        breaks: For each conversation in turn the command that it breaks off at: CONNECT, MAIL, RCPT, DATA (before the
            mail), BODY (after a part of it) or END (after its last line); an empty text for none.
        silent: Whether it falls silent there instead.
        bodies: The mails of which it got the last line, in order.
    """

    breaks: list[str]
    silent: bool = False
    port: int = 0
    bodies: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = self.breaks.pop(0) if self.breaks else ""
        try:
            await self._converse(reader, writer, at)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at: str) -> None:
        if at == "CONNECT":
            return await self._break()
        writer.write(b"220 breaking.test\r\n")
        while line := await reader.readline():
            verb = line.split()[0].upper().decode()
            if verb == at:
                return await self._break()
            if verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return None
            writer.write(b"354 go on\r\n" if verb == "DATA" else b"250 OK\r\n")
            if verb == "DATA" and not await self._take(reader, writer, at):
                return await self._break()
        return None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at: str) -> bool:
        if at == "BODY":
            await reader.read(40)
            return False
        body = await reader.readuntil(b"\r\n.\r\n")
        self.bodies.append(body.decode())
        if at == "END":
            return False
        writer.write(b"250 taken\r\n")
        return True

    async def _break(self) -> None:
        if self.silent:
            await asyncio.sleep(3_600)


@asynccontextmanager
async def breaking_server(*breaks: str, silent: bool = False) -> AsyncIterator[BreakingServer]:
    """Run a server that breaks off for as long as the block lasts."""
    breaking = BreakingServer(list(breaks), silent)
    listening = await asyncio.start_server(breaking.serve, "127.0.0.1", 0)
    breaking.port = listening.sockets[0].getsockname()[1]
    try:
        yield breaking
    finally:
        listening.close()
