"""Kafka, the registry and PostgreSQL go away and come back, and nobody restarts anything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from paykit.base.config import Settings
from paykit.process.catalogue import schema_names
from paykit.testing import databases
from tests.chaos.flow import Flow
from tests.chaos.outage import Outages, fragile
from tests.chaos.proof import AMOUNT_MINOR, FEES, assert_booked_once
from tests.line import books, topics
from tests.line.clients import Clients, call_through, connected, new_merchant, payment_request, refused
from tests.line.isolation import lay
from tests.line.processes import ServiceProcess, launching
from tests.line.waiting import until

pytestmark = pytest.mark.chaos

SERVICES = ("merchant", "payment", "accounting", "channel")


@pytest.fixture(scope="module")
async def outages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outages]:
    async with fragile(tmp_path_factory.mktemp("fragile") / "stack") as running:
        yield running


@pytest.fixture(scope="module")
async def fragile_template(outages: Outages) -> str:
    return await databases.make_template(outages.endpoints.postgres, schema_names())


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """All services in one process on a stack that breaks, with one merchant's first payment booked."""

    settings: Settings
    admin_url: str
    process: ServiceProcess
    clients: Clients
    flow: Flow
    merchant_id: str

    async def settled(self, payments: int) -> None:
        """Wait until so many payments are booked and everything has reached Kafka."""
        async with books.opened(self.admin_url) as kept:

            async def look() -> bool:
                return len(await kept.booked()) >= payments and await kept.drained(*SERVICES)

            await until(look)

    async def in_outbox(self) -> int:
        """Count what has not reached Kafka."""
        async with books.opened(self.admin_url) as kept:
            return await kept.outbox("payment")


@asynccontextmanager
async def running(outages: Outages, template: str, scratch: Path) -> AsyncIterator[Line]:
    async with databases.database(template) as database_url:
        settings = await lay(outages.endpoints, database_url=database_url, cache_dir=scratch / "cache")
        async with launching(settings, scratch) as launch, connected(settings.grpc_address) as clients:
            process = launch(*SERVICES, address=settings.grpc_address)
            await process.start()
            merchant_id = await new_merchant(clients, FEES)
            flow = Flow(clients, [merchant_id], lambda _: AMOUNT_MINOR)
            await flow.begin(1)
            admin_url = databases.admin_url_of(template, database_url)
            line = Line(
                settings=settings,
                admin_url=admin_url,
                process=process,
                clients=clients,
                flow=flow,
                merchant_id=merchant_id,
            )
            await line.settled(1)
            yield line


@pytest.fixture
async def line(outages: Outages, fragile_template: str, tmp_path: Path) -> AsyncIterator[Line]:
    async with running(outages, fragile_template, tmp_path) as made:
        yield made


def logged(line: Line, event: str) -> Callable[[], "asyncio.Future[bool]"]:
    async def look() -> bool:
        return f'"{event}"' in line.process.output

    return lambda: asyncio.ensure_future(look())


async def test_without_kafka_the_api_accepts_and_everything_is_delivered_in_order_later(
    line: Line, outages: Outages
) -> None:
    async with outages.of("kafka"):
        await line.flow.run_singly(40)

        async def shown() -> bool:
            return await line.process.metric("paystream_outbox_rows", service="payment") == 80

        await until(lambda: waiting(line, 80))  # PaymentCreated and PaymentSuccess of each.
        await until(logged(line, "kafka_not_acknowledging"))
        await until(shown)
        assert await line.process.metric("paystream_outbox_oldest_seconds", service="payment") > 0
        await line.process.kill()
        await line.process.start()
        await line.flow.run_singly(10)
        await until(lambda: waiting(line, 100))
    await line.settled(51)
    told = topics.by_key(topics.once(await topics.events(line.settings, "payment.events")))
    assert sorted(told) == sorted(line.flow.acknowledged)
    stories = {tuple(type(event).__name__ for event in events) for events in told.values()}
    assert stories == {("PaymentCreated", "PaymentSuccess")}
    async with books.opened(line.admin_url) as kept:
        await assert_booked_once(line.settings, kept, payments=51)


async def waiting(line: Line, events: int) -> bool:
    return await line.in_outbox() == events


async def test_without_the_registry_nothing_stops_and_new_processes_start(line: Line, outages: Outages) -> None:
    async with outages.of("registry"):
        await line.flow.run_singly(20)
        await line.settled(21)
        await line.process.kill()
        await line.process.start()
        await line.flow.run_singly(20)
        await line.settled(41)
    async with books.opened(line.admin_url) as kept:
        await assert_booked_once(line.settings, kept, payments=41)


async def test_without_postgresql_callers_are_told_to_retry_and_everything_recovers_by_itself(
    line: Line, outages: Outages
) -> None:
    request = payment_request(line.merchant_id, AMOUNT_MINOR)
    async with outages.of("postgres"):
        refusal = await refused(line.clients.payment.CreatePayment, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
        assert refusal.retry_delay
        assert dict(refusal.metadata)["part"] == "postgresql"
    await call_through(line.clients.payment.CreatePayment, request)
    await line.flow.run_singly(20)
    await line.settled(22)
    async with books.opened(line.admin_url) as kept:
        await assert_booked_once(line.settings, kept, payments=22)
