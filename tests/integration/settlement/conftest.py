"""A settlement service on a database of its own."""

import pytest

from paykit.clock import ManualClock
from services.settlement.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import NOON

database_url = shared_database.of_a_module()
emptied = shared_database.emptied("settlement")


@pytest.fixture
async def till(runtime_of: RuntimeOf) -> Till:
    clock = ManualClock(NOON)
    return Till(await runtime_of(SERVICE, clock=clock), clock)
