"""A settlement service on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from paykit.clock import ManualClock
from paykit.testing import databases
from services.settlement.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import NOON


@pytest.fixture(scope="module")
async def database_url(template: str) -> AsyncIterator[str]:
    """One database for a module; each test finds it empty."""
    async with databases.database(template) as url:
        yield url


@pytest.fixture(autouse=True)
async def emptied(admin_url: str) -> None:
    await databases.empty(admin_url, "settlement")


@pytest.fixture
async def till(runtime_of: RuntimeOf) -> Till:
    clock = ManualClock(NOON)
    return Till(await runtime_of(SERVICE, clock=clock), clock)
