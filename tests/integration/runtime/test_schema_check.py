"""A service started on a schema that is not the one of its build."""

from pathlib import Path

import pytest

from paykit.base.config import ConfigurationError
from paykit.process.catalogue import load_service
from paykit.process.revisions import revisions_of
from paykit.testing import runtimes
from tests.line import books

NEWEST = revisions_of("order")[-1]
BEFORE = revisions_of("order")[-2]


async def started(database_url: str, cache_dir: Path) -> None:
    async with runtimes.runtime(load_service("order"), database_url, cache_dir=cache_dir):
        pass


async def test_a_service_starts_on_its_own_schema(database_url: str, tmp_path: Path) -> None:
    await started(database_url, tmp_path)


async def test_a_service_does_not_start_on_an_older_schema(admin_url: str, database_url: str, tmp_path: Path) -> None:
    async with books.opened(admin_url) as kept:
        await kept.rows('UPDATE "order".alembic_version SET version_num = $1', BEFORE)
    with pytest.raises(ConfigurationError, match=f"the schema of order is at {BEFORE}, and this build needs {NEWEST}"):
        await started(database_url, tmp_path)


async def test_a_service_starts_on_a_newer_schema_only_if_that_takes_its_build(
    admin_url: str, database_url: str, tmp_path: Path
) -> None:
    async with books.opened(admin_url) as kept:
        await kept.rows("UPDATE \"order\".alembic_version SET version_num = 'order_9001'")
        await kept.rows("UPDATE \"order\".schema_support SET oldest_build = 'order_9001'")
    with pytest.raises(ConfigurationError, match=f"is at order_9001, which takes .*, and this build is of {NEWEST}"):
        await started(database_url, tmp_path)
    async with books.opened(admin_url) as kept:
        await kept.rows('UPDATE "order".schema_support SET oldest_build = $1', NEWEST)
    await started(database_url, tmp_path)


async def test_a_service_does_not_start_on_a_schema_that_says_nothing_of_builds(
    admin_url: str, database_url: str, tmp_path: Path
) -> None:
    async with books.opened(admin_url) as kept:
        await kept.rows('DROP TABLE "order".schema_support')
    with pytest.raises(ConfigurationError, match=f"the schema of order is older than this build, which needs {NEWEST}"):
        await started(database_url, tmp_path)
