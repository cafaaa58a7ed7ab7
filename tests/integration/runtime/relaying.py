"""A relay on a cluster of librdkafka's own, what it brings there, and what is left of the outbox."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import confluent_kafka

from paykit.kafka.relay import Relay
from paykit.postgres.database import Tx
from paykit.postgres.wakeups import Wakeups
from paykit.process.runtime import Runtime
from tests import probe
from tests.faults.mock_cluster import MockCluster
from tests.line.waiting import until

PARTITIONS = 6
WAIT_S = 60.0
KEYS = [f"pay_{number}" for number in range(24)]


@asynccontextmanager
async def relaying(runtime: Runtime, cluster: MockCluster) -> AsyncIterator[Relay]:
    wakeups = Wakeups(dsn=runtime.database.url, schema="probe")
    relay = Relay(dsn=runtime.database.url, schema="probe", kafka_bootstrap=cluster.bootstrap, wakeups=wakeups)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Arrivals:
    """What a cluster has taken, by topic and key, in order, repetitions included."""

    def __init__(self, cluster: MockCluster, *topics: str) -> None:
        self._consumer = confluent_kafka.Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "arrivals"})
        begin = confluent_kafka.OFFSET_BEGINNING
        self._consumer.assign(
            [confluent_kafka.TopicPartition(topic, number, begin) for topic in topics for number in range(PARTITIONS)]
        )
        self.values: dict[tuple[str, str], list[int]] = {}

    async def until(self, topic: str, numbers: range, keys: Sequence[str]) -> None:
        """Wait until keys have their numbers, and see that they came once and in order."""
        async with asyncio.timeout(WAIT_S):
            while any(len(self.of(topic, key)) < len(numbers) for key in keys):
                await asyncio.to_thread(self.read, 0.2)
        assert {key: self.of(topic, key) for key in keys} == {key: list(numbers) for key in keys}

    def of(self, topic: str, key: str) -> list[int]:
        return self.values.get((topic, key), [])

    def read(self, timeout_s: float) -> None:
        for message in self._consumer.consume(1000, timeout=timeout_s):
            if message.error() is None:
                place = (str(message.topic()), (message.key() or b"").decode())
                headers: dict[str, Any] = dict(message.headers() or ())
                number = bytes(headers["ce_id"]).partition(b"/")[2] if headers else message.value() or b""
                self.values.setdefault(place, []).append(int(number))

    def close(self) -> None:
        self._consumer.close()


async def put(runtime: Runtime, topic: str, numbers: range, keys: Sequence[str] = KEYS) -> None:
    """Write rows of each key, in one transaction."""

    async def work(tx: Tx) -> None:
        for number in numbers:
            for key in keys:
                tx.emit_raw(topic=topic, key=key, value=str(number).encode(), headers=[])

    await runtime.transaction(work)


async def emit(runtime: Runtime, numbers: range, keys: Sequence[str] = KEYS) -> None:
    """Emit an event of each key for each number, which its id ends with, in one transaction."""

    async def work(tx: Tx) -> None:
        tx.hold(*keys)
        for number in numbers:
            for key in keys:
                event = dataclasses.replace(probe.payment_created(key, version=number + 1), event_id=f"{key}/{number}")
                tx.emit(event, cause=probe.CAUSE)

    await runtime.transaction(work)


async def left(runtime: Runtime) -> list[Any]:
    return await runtime.read(lambda tx: tx.fetch("SELECT topic, key, value FROM outbox ORDER BY id"))


async def until_nothing_is_left(runtime: Runtime) -> None:
    async def nothing_is() -> bool:
        return not await left(runtime)

    await until(nothing_is, seconds=WAIT_S)
