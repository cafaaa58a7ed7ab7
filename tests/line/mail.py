"""A place for the mails of a line, in the test's own process, as the local stack has one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from paytools.localstack.parts.mail_sink import Sink


class SlowSink(Sink):
    """Keeps a mail at once, and answers for it later.

    Attributes:
        unanswered: Mails that were kept and not answered for yet.

    Args:
        directory: Where mails are kept.
        pause_s: How long each answer waits.
    """

    def __init__(self, directory: Path, pause_s: Callable[[], float]) -> None:
        super().__init__(directory)
        self._pause_s = pause_s
        self.unanswered = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail, and answer after a pause."""
        answer = await super().handle_DATA(server, session, envelope)
        self.unanswered += 1
        try:
            await asyncio.sleep(self._pause_s())
        finally:
            self.unanswered -= 1
        return answer


@asynccontextmanager
async def kept_in(directory: Path) -> AsyncIterator[dict[str, Any]]:
    """Keep mails in a directory while the block lasts; gives the settings of services that send them there."""
    async with taken_by(Sink(directory)) as settings:
        yield settings


@asynccontextmanager
async def taken_by(sink: Sink) -> AsyncIterator[dict[str, Any]]:
    """Have mails taken while the block lasts; gives the settings of services that send them there."""
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), "127.0.0.1", 0)
    try:
        yield {
            "mail_host": "127.0.0.1",
            "mail_port": server.sockets[0].getsockname()[1],
            "mail_security": "none",
            "mail_from_address": "payments@paystream.example",
            "mail_operator_address": "operators@paystream.example",
        }
    finally:
        server.close()
