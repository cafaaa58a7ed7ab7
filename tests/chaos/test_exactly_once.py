"""Every event has its effect once, by offsets alone, while its consumers are killed and stand still."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import confluent_kafka
import pytest

from paykit.base.config import Settings
from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paykit.testing import databases, hosts
from paystream.payment.v1.events import PaymentCreated
from paytools.localstack import Endpoints
from tests import probe
from tests.chaos.stopped_process import stands, suspend_in_a_transaction
from tests.line import books
from tests.line.processes import ServiceProcess
from tests.line.waiting import WAIT_S_MAX, until

pytestmark = pytest.mark.chaos

SEED = 20260303
PORTIONS = 60
EVENTS_PER_PORTION = 150
PAUSE_S = 0.5
KILLS = 3
KILL_WITHIN_S_MAX = 0.5


@pytest.fixture
async def settings(stack: Endpoints, probe_url: str, tmp_path: Path) -> Settings:
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=["payment.events"], groups=["probe"])
    return hosts.settings_for(stack, database_url=probe_url, cache_dir=tmp_path / "cache", prefix=prefix)


@pytest.fixture
def admin_url(probe_template: str, probe_url: str) -> str:
    return databases.admin_url_of(probe_template, probe_url)


@pytest.fixture
async def seen(admin_url: str) -> AsyncIterator[books.Books]:
    async with books.opened(admin_url) as opened:
        yield opened


async def encoded(settings: Settings) -> list[list[tuple[str, str, bytes]]]:
    """Make all events: (event_id, key, value), in portions."""
    async with RegistryClient(settings.registry_url) as registry:
        codec = Codec(registry=registry, cache_dir=settings.cache_dir, topic_prefix=settings.topic_prefix)
        await codec.prepare([PaymentCreated])
        stamps = {"recorded_at": probe.NOON, "correlation_id": "cor_tally"}
        portions = []
        for portion in range(PORTIONS):
            ids = [f"evt_{portion * EVENTS_PER_PORTION + n:032x}" for n in range(EVENTS_PER_PORTION)]
            events = [(event_id, probe.payment_created(probe.new_payment_id())) for event_id in ids]
            portions.append(
                [
                    (event_id, e.payment_id, codec.encode(e, stamps=stamps | {"event_id": event_id}))
                    for event_id, e in events
                ]
            )
        return portions


async def produce(settings: Settings, portions: Sequence[Sequence[tuple[str, str, bytes]]]) -> None:
    """Write the events, some at a time."""
    producer = confluent_kafka.Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True})
    for portion in portions:
        for _, key, value in portion:
            producer.produce(f"{settings.topic_prefix}payment.events", key=key, value=value)
        assert await asyncio.to_thread(producer.flush, WAIT_S_MAX) == 0
        await asyncio.sleep(PAUSE_S)


async def disturb(processes: Sequence[ServiceProcess], seen: books.Books, admin_url: str) -> None:
    """Kill consumers in the middle of their work, restarting them at once; then let one stand still and go on."""
    chance = random.Random(SEED)  # noqa: S311 - chooses instants
    for number in range(KILLS):
        await more(seen)
        await asyncio.sleep(chance.uniform(0, KILL_WITHIN_S_MAX))
        await processes[number % 2].kill()
        processes[number % 2].spawn()
    await more(seen)
    assert await processes[1].stop() == 0
    session = await suspend_in_a_transaction(processes[0], seen, table="probe.seen", admin_url=admin_url)
    processes[1].spawn()
    await more(seen)  # The other one took over.

    async def ended() -> bool:
        return not await stands(seen, session)

    await until(ended)  # PostgreSQL, or the other one, ended the transaction.
    processes[0].resume()


async def more(seen: books.Books) -> None:
    """Wait until events are applied."""
    before = await count(seen)

    async def look() -> bool:
        return await count(seen) > before or before == PORTIONS * EVENTS_PER_PORTION

    await until(look)


async def count(seen: books.Books) -> int:
    return await seen.number("SELECT count(*) FROM probe.seen")


async def test_every_event_has_its_effect_once_though_consumers_are_killed_and_stand_still(
    settings: Settings, seen: books.Books, admin_url: str, tmp_path: Path
) -> None:
    program = ("-m", "tests.chaos.row_per_event_process")
    processes = [ServiceProcess((), settings, log=tmp_path / f"{n}.log", program=program) for n in range(2)]
    portions = await encoded(settings)
    try:
        for process in processes:
            await process.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(produce(settings, portions))
            group.create_task(disturb(processes, seen, admin_url))

        async def all_seen() -> bool:
            return await count(seen) >= PORTIONS * EVENTS_PER_PORTION

        await until(all_seen)
        assert [await process.stop() for process in processes] == [0, 0]
    finally:
        for process in processes:
            await process.end()
    applied = Counter(row["event_id"] for row in await seen.rows("SELECT event_id FROM probe.seen"))
    assert applied == Counter(event_id for portion in portions for event_id, _, _ in portion)
    assert await seen.number("SELECT count(*) FROM probe.dead_letter") == 0
