"""Reading a service's own tables from the command line, as the service itself would."""

from collections.abc import Awaitable, Callable
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
