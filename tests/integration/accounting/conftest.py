"""A ledger whose books are empty."""

import pytest

from paykit.process.runtime import Runtime
from services.accounting.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database

database_url = shared_database.of_a_module()
emptied = shared_database.emptied("accounting")


@pytest.fixture
async def ledger(emptied: None, runtime_of: RuntimeOf) -> Runtime:
    return await runtime_of(SERVICE)
