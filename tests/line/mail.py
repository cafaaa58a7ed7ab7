"""A place for the mails of a line, in the test's own process, as the local stack has one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from paytools.localstack.parts.mail_sink import Sink


@asynccontextmanager
async def kept_in(directory: Path) -> AsyncIterator[dict[str, Any]]:
    """Keep mails in a directory while the block lasts; gives the settings of services that send them there."""
    sink = Sink(directory)
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
