"""A mail server that delivers nothing: every mail becomes a file, for people and tests to look at.

python -m paytools.localstack.parts.mail_sink DIRECTORY PORT
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

MAILS_KEPT_MAX = 10_000
"""Mails in a directory; the oldest make room."""
RECIPIENT_HEADER = "X-Envelope-To"
ENDING = ".eml"


@dataclass(frozen=True, kw_only=True)
class KeptMail:
    """A mail as it was taken.

    Attributes:
        number: From 1, in the order in which they came.
        time: When it came, UTC.
        recipient: Whom the envelope named.
    """

    number: int
    time: datetime
    recipient: str
    message: EmailMessage

    def header(self, name: str) -> str:
        """Return a header; empty where there is none."""
        return str(self.message[name] or "")

    def body(self, kind: str) -> str:
        """Return the plain or html body; empty where there is none."""
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


class Sink:
    """Takes mails and keeps each in a file of its own, whose name is its number."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = max((number for number, _ in _files(directory)), default=0)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail, once for each recipient, before it is answered for."""
        for recipient in envelope.rcpt_tos:
            self._keep(recipient, envelope.content)
        return "250 OK"

    def _keep(self, recipient: str, content: bytes) -> None:
        self._number += 1
        header = f"{RECIPIENT_HEADER}: {recipient}\r\n".encode("ascii", "backslashreplace")
        descriptor, scratch = tempfile.mkstemp(dir=self._directory, prefix=".taking-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(header + content)
        Path(scratch).replace(self._directory / f"{self._number:08d}{ENDING}")
        (self._directory / f"{self._number - MAILS_KEPT_MAX:08d}{ENDING}").unlink(missing_ok=True)


def kept(directory: Path) -> list[KeptMail]:
    """Read the mails in a directory, in the order in which they came."""
    return [_read(number, path) for number, path in sorted(_files(directory))]


async def serve(directory: Path, port: int) -> None:
    """Take mails until the process is told to stop."""
    loop = asyncio.get_running_loop()
    sink, stopped = Sink(directory), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink.paystream.example"), "127.0.0.1", port)
    async with server:
        await stopped.wait()


def _files(directory: Path) -> Iterator[tuple[int, Path]]:
    yield from ((int(path.stem), path) for path in directory.glob(f"*{ENDING}") if path.stem.isdecimal())


def _read(number: int, path: Path) -> KeptMail:
    message = message_from_bytes(path.read_bytes(), policy=default)
    if not isinstance(message, EmailMessage):
        raise TypeError(f"{path} holds no mail")
    return KeptMail(
        number=number,
        time=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        recipient=str(message[RECIPIENT_HEADER] or ""),
        message=message,
    )


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
