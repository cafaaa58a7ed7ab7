"""A stack of its own whose three servers are reached through proxies, and services that know only these."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.process.catalogue import schema_names
from paykit.testing import databases
from paytools.localstack import Endpoints, Stack, ports
from paytools.localstack.settings import StackSettings
from tests.faults.proxy import FaultProxy, proxy_to
from tests.line import books, isolation
from tests.line.clients import Clients, connected
from tests.line.processes import ServiceProcess, launching
from tests.line.waiting import until

SERVICES = ("merchant", "payment", "accounting", "channel")
PARTS = ("postgres", "kafka", "registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyStack:
    """Three servers, each behind a proxy.

    Attributes:
        endpoints: The servers themselves, for whoever looks on.
        proxies: By the part's name.
    """

    endpoints: Endpoints
    proxies: Mapping[str, FaultProxy]

    def through_proxies(self, settings: Settings) -> Settings:
        """Return the settings of a process that has nothing but the proxies."""
        return settings.model_copy(
            update={
                "database_url": _moved(settings.database_url, self.endpoints.postgres, self.proxies["postgres"]),
                "kafka_bootstrap": self.proxies["kafka"].address,
                "registry_url": self.endpoints.registry.replace(
                    _authority(self.endpoints.registry), self.proxies["registry"].address
                ),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyLine:
    """The services of a payment as processes by role, which reach everything through proxies."""

    stack: FaultyStack
    settings: Settings
    """Past the proxies, for whoever looks on."""
    admin_url: str
    processes: Mapping[str, ServiceProcess]
    """By role."""
    clients: Clients
    scratch: Path


@asynccontextmanager
async def faulty_stack(home: Path) -> AsyncIterator[FaultyStack]:
    """Run the three servers and their proxies until the block ends."""
    taken: set[int] = set()
    listener, advertised = (ports.choose(0, taken=taken) for _ in range(2))
    chosen = {"home": home, "stack_kafka_proxied_port": listener, "stack_kafka_proxy": f"127.0.0.1:{advertised}"}
    stack = Stack(StackSettings().any_port.model_copy(update=chosen), services=())
    async with AsyncExitStack() as opened:
        # The port that the broker advertises is taken before anybody else can have it.
        kafka = await opened.enter_async_context(proxy_to("127.0.0.1", listener, at=advertised))
        opened.push_async_callback(asyncio.to_thread, stack.down)
        endpoints = (await asyncio.to_thread(stack.up)).endpoints
        proxies = {"kafka": kafka}
        for part, url in (("postgres", endpoints.postgres), ("registry", endpoints.registry)):
            host, _, port = _authority(url).rpartition(":")
            proxies[part] = await opened.enter_async_context(proxy_to(host, int(port)))
        yield FaultyStack(endpoints=endpoints, proxies=proxies)


@asynccontextmanager
async def faulty_line(stack: FaultyStack, scratch: Path) -> AsyncIterator[FaultyLine]:
    """Run one process for calls, one for consumers and jobs, and one for relays, all on a database of their own."""
    template = await databases.make_template(stack.endpoints.postgres, schema_names())
    async with databases.database(template) as database_url:
        settings = await isolation.lay(stack.endpoints, database_url=database_url, cache_dir=scratch / "cache")
        proxied = stack.through_proxies(settings)
        async with launching(proxied, scratch) as launch, connected(settings.grpc_address) as clients:
            processes = {
                role: launch(*SERVICES, role=role, address=settings.grpc_address if role == "api" else None)
                for role in ("api", "worker", "relay")
            }
            await asyncio.gather(*(started(process) for process in processes.values()))
            yield FaultyLine(
                stack=stack,
                settings=settings,
                admin_url=databases.admin_url_of(template, database_url),
                processes=processes,
                clients=clients,
                scratch=scratch,
            )


async def started(process: ServiceProcess) -> None:
    """Start a process, of whatever role, and wait until it says that it has started."""
    process.spawn()
    await until(process.has_started)


@asynccontextmanager
async def newcomer(line: FaultyLine) -> AsyncIterator[ServiceProcess]:
    """Start one more accounting worker, whose cache of schema ids is empty, and do not wait for it.

    It stops in order when the block has ended well, so that its partitions need not wait for its session to end.
    """
    proxied = line.stack.through_proxies(line.settings).model_copy(update={"cache_dir": line.scratch / "no-cache"})
    log = line.scratch / "newcomer.log"
    process = ServiceProcess(("accounting",), proxied, log=log, role="worker")
    process.spawn()
    try:
        yield process
        assert await process.stop() == 0, process.output[-2_000:]
    finally:
        await process.end()


@asynccontextmanager
async def kept(line: FaultyLine) -> AsyncIterator[books.Books]:
    """Open the tables of all services, past the proxy."""
    async with books.opened(line.admin_url) as opened:
        yield opened


def _authority(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _moved(database_url: SecretStr, admin_url: str, proxy: FaultProxy) -> SecretStr:
    """Put the proxy's address in the place of the server's."""
    return SecretStr(database_url.get_secret_value().replace(_authority(admin_url), proxy.address))
