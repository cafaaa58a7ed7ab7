"""A row that Kafka refuses holds up its key, or its topic, and nobody else; it is delivered when Kafka takes it."""

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import asyncpg
import confluent_kafka
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # Public by the documentation, not by __all__.
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from prometheus_client import REGISTRY

from paykit.base.config import Settings
from paykit.postgres.database import Tx
from paykit.postgres.held import outbox_holds
from paykit.process.host import Host
from paykit.process.runtime import Runtime
from paykit.testing import databases, hosts
from tests import probe
from tests.e2e.runtime.flow import WAIT_S, consume_all, emit, rows_of, until
from tests.e2e.runtime.test_relay import END_LEADER

GOOD, MISSING = "payment.events", "missing.events"
LARGE = os.urandom(1_500_000)
"""Beyond what the topic takes (1 MiB), however it is compressed, and within what the relay sends."""
ADMIN_S = 30.0

Sent = tuple[str, str, bytes]
"""Topic without prefix, key, value."""


@pytest.fixture
async def administrator(probe_template: str, probe_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(databases.admin_url_of(probe_template, probe_url))
    yield connection
    await connection.close()


@pytest.fixture
async def relaying(settings: Settings) -> Settings:
    return settings.model_copy(update={"role": "relay"})


@pytest.fixture
async def host(relaying: Settings) -> AsyncIterator[Host]:
    async with hosts.hosted([probe.SERVICE], relaying) as host:
        yield host


@pytest.fixture
def runtime(host: Host) -> Runtime:
    return host.runtimes[0]


async def put(runtime: Runtime, settings: Settings, sent: Sequence[Sent]) -> None:
    """Write rows of the outbox, in one transaction."""

    async def work(tx: Tx) -> None:
        for topic, key, value in sent:
            tx.emit_raw(topic=settings.topic_prefix + topic, key=key, value=value, headers=[])

    await runtime.transaction(work)


def numbered(topic: str, key: str, numbers: range) -> list[Sent]:
    return [(topic, key, str(number).encode()) for number in numbers]


class Arrivals:
    """What a topic has, in order, as read again from its begin."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": settings.kafka_bootstrap, "group.id": f"{settings.topic_prefix}arrivals"}
        )
        topic = settings.topic_prefix + topic
        partitions = self._consumer.list_topics(topic, timeout=ADMIN_S).topics[topic].partitions
        begin = confluent_kafka.OFFSET_BEGINNING
        self._consumer.assign([confluent_kafka.TopicPartition(topic, number, begin) for number in partitions])
        self._values: dict[str, list[bytes]] = {}

    async def of(self, key: str, count: int) -> list[bytes]:
        """Wait until a key has so many different values, and return all that it has, repetitions included."""
        async with asyncio.timeout(WAIT_S):
            while len(set(self._values.get(key, []))) < count:
                await asyncio.to_thread(self._read, 1.0)
        await asyncio.to_thread(self._read, 0.1)
        return self._values[key]

    def now(self, key: str) -> list[bytes]:
        return self._values.get(key, [])

    def _read(self, timeout_s: float) -> None:
        for message in self._consumer.consume(1000, timeout=timeout_s):
            assert message.error() is None
            self._values.setdefault((message.key() or b"").decode(), []).append(message.value() or b"")

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def arrivals(settings: Settings) -> Iterator[Arrivals]:
    arrivals = Arrivals(settings, GOOD)
    yield arrivals
    arrivals.close()


def values(numbers: range) -> list[bytes]:
    return [str(number).encode() for number in numbers]


def create_topic(settings: Settings, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    for future in admin.create_topics([NewTopic(settings.topic_prefix + topic, 3, 1)]).values():
        future.result(ADMIN_S)


def allow(settings: Settings, topic: str, bytes_max: int) -> None:
    """Have a topic take larger messages."""
    entry = ConfigEntry("max.message.bytes", str(bytes_max), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, settings.topic_prefix + topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(ADMIN_S)


async def until_held(runtime: Runtime, count: int) -> list[Any]:
    """Wait until rows are held, and nothing is in the outbox; return the holds."""

    async def look() -> bool:
        return len(await rows_of(runtime, "outbox_held")) == count and not await rows_of(runtime, "outbox")

    await until(look)
    return await rows_of(runtime, "outbox_hold")


async def until_all_is_delivered(runtime: Runtime) -> None:
    """Have what is held tried now, and wait until nothing is left."""
    await runtime.transaction(lambda tx: outbox_holds.retry(tx, None))

    async def look() -> bool:
        return not any([await rows_of(runtime, table) for table in ("outbox", "outbox_held", "outbox_hold")])

    await until(look)


def refused(settings: Settings, topic: str, reason: str) -> float | None:
    labels = {"service": "probe", "topic": settings.topic_prefix + topic, "reason": reason}
    return REGISTRY.get_sample_value("paystream_outbox_refused", labels)


def quarantined(settings: Settings, topic: str) -> float | None:
    labels = {"service": "probe", "topic": settings.topic_prefix + topic}
    return REGISTRY.get_sample_value("paystream_outbox_quarantined_keys", labels)


async def test_a_missing_topic_among_good_ones_stops_itself_alone(
    settings: Settings, runtime: Runtime, arrivals: Arrivals
) -> None:
    mixed = zip(numbered(MISSING, "m", range(5)), numbered(GOOD, "g", range(5)), strict=True)
    await put(runtime, settings, [row for pair in mixed for row in pair])
    assert await arrivals.of("g", 5) == values(range(5))
    (hold,) = await until_held(runtime, 5)
    assert (hold["topic"], hold["key"]) == (settings.topic_prefix + MISSING, None)
    assert (hold["reason"], hold["tries"]) == ("UNKNOWN_TOPIC_OR_PART", 1)
    assert refused(settings, MISSING, "UNKNOWN_TOPIC_OR_PART") == 1
    await until(lambda: _is(quarantined(settings, MISSING), 1))

    await put(runtime, settings, [*numbered(MISSING, "m", range(5, 8)), *numbered(GOOD, "g", range(5, 8))])
    assert await arrivals.of("g", 8) == values(range(8))
    await until_held(runtime, 8)

    await asyncio.to_thread(create_topic, settings, MISSING)
    await until_all_is_delivered(runtime)
    healed = Arrivals(settings, MISSING)
    assert await healed.of("m", 8) == values(range(8))
    healed.close()
    assert refused(settings, MISSING, "UNKNOWN_TOPIC_OR_PART") == 0
    await until(lambda: _is(quarantined(settings, MISSING), 0))


async def _is(actual: float | None, expected: float) -> bool:
    return actual == expected


async def test_rows_behind_more_than_a_batch_of_a_dead_topic_are_reached(
    settings: Settings, runtime: Runtime, arrivals: Arrivals
) -> None:
    dead = [row for number in range(2500) for row in numbered(MISSING, f"m{number}", range(1))]
    await put(runtime, settings, [*dead, *numbered(GOOD, "g", range(5))])
    assert await arrivals.of("g", 5) == values(range(5))
    await until_held(runtime, 2500)
    await put(runtime, settings, numbered(GOOD, "g", range(5, 10)))
    assert await arrivals.of("g", 10) == values(range(10))

    await asyncio.to_thread(create_topic, settings, MISSING)
    await until_all_is_delivered(runtime)


async def test_a_row_too_large_holds_up_its_key_alone_and_is_delivered_in_order_when_it_may(
    settings: Settings, runtime: Runtime, arrivals: Arrivals
) -> None:
    bad = [*numbered(GOOD, "k", range(2)), (GOOD, "k", LARGE), *numbered(GOOD, "k", range(2, 5))]
    others = [numbered(GOOD, f"g{number}", range(3)) for number in range(40)]
    await put(runtime, settings, [*bad[:3], *(row for rows in others for row in rows), *bad[3:]])
    await arrivals.of("g39", 3)
    for number in range(40):
        assert await arrivals.of(f"g{number}", 3) == values(range(3))
    (hold,) = await until_held(runtime, 4)
    assert (hold["key"], hold["reason"]) == ("k", "MSG_SIZE_TOO_LARGE")
    assert refused(settings, GOOD, "MSG_SIZE_TOO_LARGE") == 1
    assert await arrivals.of("k", 2) == values(range(2))

    await put(runtime, settings, [*numbered(GOOD, "k", range(5, 7)), *numbered(GOOD, "g0", range(3, 5))])
    assert await arrivals.of("g0", 5) == values(range(5))
    await until_held(runtime, 6)
    assert arrivals.now("k") == values(range(2))

    await asyncio.to_thread(allow, settings, GOOD, 2 * 1024 * 1024)
    await until_all_is_delivered(runtime)
    assert await arrivals.of("k", 8) == [*values(range(2)), LARGE, *values(range(2, 7))]
    assert refused(settings, GOOD, "MSG_SIZE_TOO_LARGE") == 0


async def test_an_event_of_a_batch_that_is_refused_holds_up_its_key_alone(settings: Settings, runtime: Runtime) -> None:
    await asyncio.to_thread(allow, settings, GOOD, 2000)
    events = [
        dataclasses.replace(
            probe.payment_created(key, version=number + 1),
            event_id=f"{key}/{number}",
            merchant_reference=os.urandom(2000).hex() if (key, number) == ("k", 1) else "small",
        )
        for number in range(3)
        for key in ("k", "g", "h")
    ]
    await emit(runtime, events)
    (hold,) = await until_held(runtime, 2)
    assert (hold["key"], hold["reason"]) == ("k", "MSG_SIZE_TOO_LARGE")
    good = [f"{key}/{number}" for number in range(3) for key in ("g", "h")]
    arrived = [dict(each.headers())["ce_id"].decode() for each in await consumed(settings, 7)]
    assert sorted(set(arrived)) == sorted([*good, "k/0"])
    await emit(runtime, [dataclasses.replace(event, event_id=event.event_id + "/again") for event in events[-3:]])
    await until_held(runtime, 3)

    await asyncio.to_thread(allow, settings, GOOD, 2 * 1024 * 1024)
    await until_all_is_delivered(runtime)
    arrived = [dict(each.headers())["ce_id"].decode() for each in await consumed(settings, 12)]
    first = list(dict.fromkeys(arrived))
    assert [each for each in first if each.startswith("k/")] == ["k/0", "k/1", "k/2", "k/2/again"]
    assert [each for each in first if each.startswith("g/")] == ["g/0", "g/1", "g/2", "g/2/again"]
    # What was acknowledged before the refusal was not sent again with what was left.
    assert arrived.count("k/0") == 1


async def consumed(settings: Settings, count: int) -> list[Any]:
    return await asyncio.to_thread(consume_all, settings, GOOD, count)


async def test_a_row_that_no_topic_could_take_holds_up_its_key_alone(
    settings: Settings, runtime: Runtime, arrivals: Arrivals
) -> None:
    await put(
        runtime, settings, [*numbered(GOOD, "g", range(3)), (GOOD, "k", LARGE * 2), *numbered(GOOD, "h", range(3))]
    )
    assert await arrivals.of("g", 3) == values(range(3))
    assert await arrivals.of("h", 3) == values(range(3))
    (hold,) = await until_held(runtime, 1)
    assert (hold["key"], hold["reason"]) == ("k", "MSG_SIZE_TOO_LARGE")


async def test_small_rows_of_a_topic_that_takes_no_large_batches_are_not_refused(
    settings: Settings, runtime: Runtime, arrivals: Arrivals
) -> None:
    await asyncio.to_thread(allow, settings, GOOD, 2000)
    await put(runtime, settings, [(GOOD, "g", os.urandom(1000)) for _ in range(20)])
    assert len(set(await arrivals.of("g", 20))) == 20
    await until_all_is_delivered(runtime)


async def test_what_is_held_changes_hands_with_the_lead_and_keeps_its_order(
    relaying: Settings, administrator: asyncpg.Connection, runtime: Runtime, arrivals: Arrivals
) -> None:
    async with hosts.hosted([probe.SERVICE], relaying):
        await put(runtime, relaying, [(GOOD, "k", LARGE), *numbered(GOOD, "k", range(50))])
        await until_held(runtime, 51)
        for number in range(3):
            await until(lambda: _some(administrator))
            await put(runtime, relaying, numbered(GOOD, "k", range(50 + number, 51 + number)))
            await put(runtime, relaying, numbered(GOOD, "g", range(number, number + 1)))
        # A leader that ends before it deletes what was acknowledged leaves it to the next one, to be sent again.
        assert list(dict.fromkeys(await arrivals.of("g", 3))) == values(range(3))
        await until_held(runtime, 54)
        await asyncio.to_thread(allow, relaying, GOOD, 2 * 1024 * 1024)
        await until(lambda: _some(administrator))
        await until_all_is_delivered(runtime)
    arrived = await arrivals.of("k", 54)
    assert list(dict.fromkeys(arrived)) == [LARGE, *values(range(53))]


async def _some(administrator: asyncpg.Connection) -> bool:
    """End whoever leads; whether there was one."""
    return bool(await administrator.fetch(END_LEADER))
