"""Sending events through the probe service, and waiting for what becomes of them."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import confluent_kafka

from paykit.base.config import Settings
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from tests import probe

WAIT_S = 60.0
"""Bound on every wait; far beyond what a loaded machine needs."""
PAUSE_S = 0.05


async def emit(runtime: Runtime, sent: Sequence[Event]) -> None:
    async def work(tx: Tx) -> None:
        for event in sent:
            tx.hold(getattr(event, event.KEY))
            tx.emit(event, cause=probe.CAUSE)

    await runtime.transaction(work)


async def seen(runtime: Runtime) -> list[tuple[str, str]]:
    rows = await runtime.read(lambda tx: tx.fetch("SELECT key, record FROM seen ORDER BY seen_id"))
    return [(row["key"], row["record"].rpartition(".")[2]) for row in rows]


async def rows_of(runtime: Runtime, table: str) -> list[Any]:
    return await runtime.read(lambda tx: tx.fetch(f"SELECT * FROM {table}"))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - the condition is in a database
            await asyncio.sleep(PAUSE_S)


async def until_seen(runtime: Runtime, count: int) -> list[tuple[str, str]]:
    async def enough() -> bool:
        return len(await seen(runtime)) >= count

    await until(enough)
    return await seen(runtime)


def produce(
    settings: Settings,
    *,
    key: str | bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]] = (),
) -> None:
    """Send a record as somebody else's producer would, which compresses and knows no bounds."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "message.max.bytes": 16 * 1024 * 1024,
        }
    )
    producer.produce(f"{settings.topic_prefix}payment.events", key=key, value=value, headers=list(headers))
    assert producer.flush(WAIT_S) == 0


def consume_all(settings: Settings, topic: str, count: int) -> list[Any]:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": f"test-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([settings.topic_prefix + topic])
    try:
        messages: list[Any] = []
        for _ in range(int(WAIT_S)):
            messages += [m for m in consumer.consume(count, timeout=1.0) if m.error() is None]
            if len(messages) >= count:
                break
        return messages
    finally:
        consumer.close()
