"""The reconciliation service on a real database."""

import pytest

from services.reconciliation.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database
from tests.integration.reconciliation.matching import Matcher
from tests.integration.reconciliation.resolving import Desk

database_url = shared_database.of_a_module()
emptied = shared_database.emptied("reconciliation")


@pytest.fixture
async def desk(runtime_of: RuntimeOf) -> Desk:
    return Desk(await runtime_of(SERVICE))


@pytest.fixture
async def matcher(runtime_of: RuntimeOf) -> Matcher:
    return Matcher(await runtime_of(SERVICE))
