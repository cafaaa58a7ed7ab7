"""A settlement service on a fresh database."""

import pytest

from paykit.clock import ManualClock
from services.settlement.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import NOON


@pytest.fixture
async def till(runtime_of: RuntimeOf) -> Till:
    clock = ManualClock(NOON)
    return Till(await runtime_of(SERVICE, clock=clock), clock)
