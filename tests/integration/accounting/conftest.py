"""A ledger on a fresh database."""

import pytest

from paykit.process.runtime import Runtime
from services.accounting.service import SERVICE
from tests.conftest import RuntimeOf


@pytest.fixture
async def ledger(runtime_of: RuntimeOf) -> Runtime:
    return await runtime_of(SERVICE)
