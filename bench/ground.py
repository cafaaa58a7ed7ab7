"""What measurements stand on: one stack of their own, and for each a fresh database with topics of its own."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console

from paykit.events.schema_files import load_topics, schema_root
from paykit.testing import databases, hosts
from paytools.localstack import Endpoints, Stack
from paytools.localstack.progress import Display
from paytools.localstack.settings import StackSettings

_HOME = Path(__file__).resolve().parent.parent / ".paystream" / "bench"
SERVICES = (
    *("merchant", "order", "payment", "accounting", "channel", "settlement", "withdrawal", "analytics"),
    "reconciliation",
)
TOPICS = tuple(load_topics(schema_root()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The servers of one run.

    Attributes:
        endpoints: Where they listen.
        template: A migrated database, to be copied.
        home: Where logs and caches lie.
    """

    endpoints: Endpoints
    template: str
    home: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What one measurement has to itself.

    Attributes:
        ground: The servers.
        database_url: Without a user: each service connects as its own role.
        admin_url: The same database, as an administrator.
        prefix: Of topics and subjects.
    """

    ground: Ground
    database_url: str
    admin_url: str
    prefix: str


@contextmanager
def running_stack(console: Console) -> Iterator[Endpoints]:
    """Run the three servers on free ports, with empty data; nothing is left of them, but data and logs after a failure.

    Servers that others run are never used, whatever the environment says: the figures are this machine's.
    """
    own = {
        "home": _HOME,
        "stack_postgres_url": None,
        "stack_kafka_bootstrap": None,
        "stack_registry_url": None,
    }
    stack = Stack(StackSettings().any_port.model_copy(update=own), services=())
    with contextlib.suppress(FileNotFoundError):  # What a run that was killed has left.
        stack.down(purge=True)
    with Display(console) as display:
        shown = Stack(StackSettings().any_port.model_copy(update=own), services=(), progress=display)
        endpoints = shown.up(tied_to_caller=True).endpoints
    finished = False
    try:
        yield endpoints
        finished = True
    finally:
        stack.down(purge=finished)


async def prepare(endpoints: Endpoints) -> Ground:
    """Migrate the template of every measurement's database."""
    template = await databases.make_template(endpoints.postgres, SERVICES)
    return Ground(endpoints=endpoints, template=template, home=_HOME)


@asynccontextmanager
async def plot(ground: Ground, *, topics: bool = True) -> AsyncIterator[Plot]:
    """Lay out a database, and topics with their schemas, for one measurement; the database is dropped afterwards."""
    async with databases.database(ground.template) as url:
        prefix = hosts.new_prefix()
        if topics:
            await hosts.lay_contracts(ground.endpoints, prefix, names=TOPICS)
        admin_url = databases.admin_url_of(ground.template, url)
        await _checkpoint(admin_url)
        yield Plot(ground=ground, database_url=url, admin_url=admin_url, prefix=prefix)


@asynccontextmanager
async def connected(url: str, *, schema: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection as the administrator, on one service's schema."""
    connection = await asyncpg.connect(url, server_settings={"search_path": schema}, timeout=10, command_timeout=120)
    try:
        yield connection
    finally:
        await connection.close()


async def _checkpoint(admin_url: str) -> None:
    """Write out what earlier measurements left dirty, so that this one does not pay for it."""
    async with connected(admin_url, schema="public") as connection:
        await connection.execute("CHECKPOINT")
