"""One database for the tests of a module, each of which finds it empty: far quicker than a fresh one for each."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from paykit.testing import databases


def of_a_module() -> Any:
    """Give the fixture `database_url` of a folder whose tests share a database by module."""

    @pytest.fixture(scope="module")
    async def database_url(template: str) -> AsyncIterator[str]:
        async with databases.database(template) as url:
            yield url

    return database_url


def emptied(*schemas: str) -> Any:
    """Give the fixture that empties the tables of services before each test."""

    @pytest.fixture(autouse=True)
    async def emptied(admin_url: str) -> None:
        await databases.empty(admin_url, *schemas)

    return emptied
