"""The mail sink: what services send stays here, for people to look at."""

import sys
from pathlib import Path

from paytools.localstack.parts import probes
from paytools.localstack.processes import Command
from paytools.localstack.steps import Steps


class MailSink:
    """A sink on 127.0.0.1 that takes every mail and keeps it under `mail` of the stack's home."""

    name = "mail"
    after: tuple[str, ...] = ()
    result = "serves"

    def __init__(self, *, home: Path, port: int) -> None:
        self._directory = home / self.name
        self.marker = str(self._directory)
        self.port = port

    def prepare(self) -> Steps:
        """Make the directory that mails are kept in."""
        self._directory.mkdir(parents=True, exist_ok=True)
        yield from ()

    def command(self) -> Command:
        """Run it."""
        argv = [sys.executable, "-m", "paytools.localstack.parts.mail_sink", self.marker, str(self.port)]
        return Command(argv=argv, environment={}, marker=self.marker, directory=self._directory)

    def healthy(self) -> bool:
        """Ask for its greeting."""
        return probes.mail(self.endpoint())

    def settle(self) -> None:
        """Nothing: it keeps no settings."""

    def endpoint(self) -> str:
        """Return where it listens."""
        return f"127.0.0.1:{self.port}"
