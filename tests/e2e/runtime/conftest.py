"""The probe service on topics and a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paykit.base.config import Settings
from paykit.process.runtime import Runtime
from paykit.testing import hosts
from paytools.localstack import Endpoints
from tests import probe


@pytest.fixture
async def settings(stack: Endpoints, probe_url: str, tmp_path: Path) -> Settings:
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=["payment.events"], groups=["probe"])
    return hosts.settings_for(stack, database_url=probe_url, cache_dir=tmp_path, prefix=prefix)


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    async with hosts.hosted([probe.SERVICE], settings) as host:
        yield host.runtimes[0]
