"""`paystream recon` as a person runs it, against a service that answers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from paykit.serve import server as grpc_server
from paykit.serve.server import ServerOptions
from paytools.cli.main import application
from services.reconciliation.service import SERVICE
from tests.integration.reconciliation.matching import Matcher

PAYSTREAM = application("recon")
WIDE = {"COLUMNS": "300", "NO_COLOR": "1"}
"""A terminal in which no message is broken over lines."""


class Shell:
    """Runs commands beside a server of the service."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def run(self, command: str, *arguments: str | Path) -> Result:
        """Run a command in a thread, for the service answers on this one."""
        given = ["recon", command, "--address", self.address, *map(str, arguments)]
        with capture_logs():  # The server's, whose lines would stand among those of the command.
            return await asyncio.to_thread(CliRunner(env=WIDE).invoke, PAYSTREAM, given)

    async def told(self, command: str, *arguments: str | Path) -> list[list[str]]:
        """Run a command that is to do what it is told, and give the words of each line."""
        result = await self.run(command, *arguments)
        assert result.exit_code == 0, result.output
        return [line.split() for line in result.stdout.splitlines()]

    async def refused(self, command: str, *arguments: str | Path) -> str:
        """Run a command that is to be refused, and give what it says of that."""
        result = await self.run(command, *arguments)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        return result.stderr


def write(file: Path, content: str) -> Path:
    """Write a file, and give it."""
    file.write_text(content, encoding="utf-8")
    return file


@pytest.fixture
async def shell(matcher: Matcher, tmp_path: Path) -> AsyncIterator[Shell]:
    options = ServerOptions(address=f"unix:{tmp_path}/recon.sock")
    server = await grpc_server.start(SERVICE.servicers(matcher.runtime), options)
    yield Shell(server.address)
    await server.stop(1.0)
