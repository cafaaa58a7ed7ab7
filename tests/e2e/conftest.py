"""All services in one process, on the real PostgreSQL, Kafka and registry."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from paykit.base.config import Settings
from paykit.process.catalogue import load_service, service_names
from paykit.process.host import Host
from paykit.process.service import Service
from paykit.testing import databases, hosts
from paytools.localstack import Endpoints
from tests.line import books
from tests.line.clients import Clients, connected
from tests.line.isolation import lay

GRACE_S = 3.0
"""For a schema id that the registry does not know; 60 s in earnest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The walking line: in by `clients`, out on the topics of `settings`, its tables in `kept`."""

    clients: Clients
    settings: Settings
    kept: books.Books
    host: Host


@pytest.fixture(scope="module")
def changed_settings() -> dict[str, Any]:
    """What a module wants set otherwise."""
    return {}


@pytest.fixture(scope="module")
async def line(
    stack: Endpoints, template: str, tmp_path_factory: pytest.TempPathFactory, changed_settings: dict[str, Any]
) -> AsyncIterator[Line]:
    async with line_of(
        [load_service(name) for name in service_names()],
        stack=stack,
        template=template,
        cache_dir=tmp_path_factory.mktemp("cache"),
        changed_settings=changed_settings,
    ) as made:
        yield made


@asynccontextmanager
async def line_of(
    services: Sequence[Service],
    *,
    stack: Endpoints,
    template: str,
    cache_dir: Path,
    changed_settings: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncIterator[Line]:
    """Give a line of these services, on a database and topics of its own."""
    async with databases.database(template) as url:
        laid = await lay(stack, database_url=url, cache_dir=cache_dir)
        settings = laid.model_copy(update={"schema_unknown_grace_s": GRACE_S} | dict(changed_settings))
        async with (
            hosts.hosted(services, settings) as host,
            connected(settings.grpc_address) as clients,
            books.opened(databases.admin_url_of(template, url)) as kept,
        ):
            yield Line(clients=clients, settings=settings, kept=kept, host=host)
