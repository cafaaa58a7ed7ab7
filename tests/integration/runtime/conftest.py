"""The probe service's runtime on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paykit.process.runtime import Runtime
from paykit.testing import runtimes
from tests import probe


@pytest.fixture
async def runtime(probe_url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    async with runtimes.runtime(probe.SERVICE, probe_url, cache_dir=tmp_path) as made:
        yield made
