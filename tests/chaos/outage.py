"""A stack of its own, whose servers may be stopped and come back where they were."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from paytools.localstack import Endpoints, Stack, processes
from paytools.localstack.settings import StackSettings
from paytools.localstack.state import State


class Outages:
    """The three servers of one stack."""

    def __init__(self, home: Path, endpoints: Endpoints) -> None:
        self._home = home
        self.endpoints = endpoints

    @asynccontextmanager
    async def of(self, part: str) -> AsyncIterator[None]:
        """Stop a server for as long as the block lasts."""
        identity = State(self._home).records[part].identity
        assert identity is not None
        await asyncio.to_thread(processes.stop, [identity])
        try:
            yield
        finally:
            # A stack repairs what is missing, at the address it had.
            outcome = await asyncio.to_thread(_stack(self._home).up)
        assert part in outcome.started
        assert outcome.endpoints == self.endpoints


@asynccontextmanager
async def fragile(home: Path) -> AsyncIterator[Outages]:
    """Run a stack until the block ends."""
    stack = _stack(home)
    try:
        outcome = await asyncio.to_thread(stack.up)
        yield Outages(home, outcome.endpoints)
    finally:
        await asyncio.to_thread(stack.down)


def _stack(home: Path) -> Stack:
    return Stack(StackSettings().any_port.model_copy(update={"home": home}), services=())
