"""A service's own tables from the command line: read as the service itself would, or by an administrator."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer

from paykit.base import config
from paykit.clock import SystemClock
from paykit.events.registry import RegistryClient
from paykit.postgres.database import Database, Tx
from paykit.process.runtime import make_codec, service_url

T = TypeVar("T")

DatabaseUrl = Annotated[
    str | None,
    typer.Option("--postgres", envvar="PAYSTREAM_DATABASE_URL", help="URL of PostgreSQL.", show_envvar=True),
]


@asynccontextmanager
async def as_administrator(settings: config.Settings, service: str) -> AsyncIterator[Database]:
    """Open a service's tables by the administrator's URL; neither Kafka nor the registry need be up.

    Raises:
        UnavailableError: PostgreSQL cannot be reached.
    """
    async with RegistryClient(settings.registry_url) as registry:
        database = Database(
            url=settings.admin_url,
            schema=service,
            clock=SystemClock(),
            codec=make_codec(settings, registry),
            connections_max=1,
        )
        try:
            yield database
        finally:
            await database.close()


async def read(url: str, service: str, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Run a query on a service's tables; neither Kafka nor the registry need be up.

    Raises:
        UnavailableError: PostgreSQL cannot be reached.
    """
    settings = config.load(database_url=url)
    async with RegistryClient(settings.registry_url) as registry:
        database = Database(
            url=service_url(settings, service),
            schema=service,
            clock=SystemClock(),
            codec=make_codec(settings, registry),
            connections_max=1,
        )
        try:
            return await database.read(work)
        finally:
            await database.close()
