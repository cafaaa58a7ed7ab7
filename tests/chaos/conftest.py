"""Services as processes that may be killed, on the shared stack."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from paykit.base.config import Settings
from paytools.localstack import Endpoints
from tests.line import books, processes
from tests.line.isolation import lay
from tests.line.processes import ServiceProcess

Launch = Callable[..., ServiceProcess]


@pytest.fixture
async def settings(stack: Endpoints, database_url: str, tmp_path: Path) -> Settings:
    return await lay(stack, database_url=database_url, cache_dir=tmp_path / "cache")


@pytest.fixture
async def launch(settings: Settings, tmp_path: Path) -> AsyncIterator[Launch]:
    """Name services to get a process of them, which ends with the test."""
    async with processes.launching(settings, tmp_path) as made:
        yield made


@pytest.fixture
async def kept(admin_url: str) -> AsyncIterator[books.Books]:
    """What the services' tables hold."""
    async with books.opened(admin_url) as opened:
        yield opened
