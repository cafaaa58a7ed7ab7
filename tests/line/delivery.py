"""Deliveries as no test could provoke them by chance: every record twice, topics late by turns or one after another.

A service hosted as `unconsumed` serves calls, runs jobs and sends its outbox, but has no consumer. Its events are read
from Kafka here, and go through the service's own application with its offsets, as a consumer's would.
"""

import asyncio
import dataclasses
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import confluent_kafka

from paykit.base.config import Settings
from paykit.consume.delivery import Record
from paykit.consume.prepared import PreparedRecord
from paykit.consume.store import offsets
from paykit.consume.store.offsets import Position
from paykit.kafka import client as kafka
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.process.service import Service

FETCH_MAX = 500
FETCH_S = 0.05
HOLD_S_MAX = 0.8
"""How much later one topic may come than another."""
COPY_OFFSET = 2**40
"""Between a record and its copy, which is another record to Kafka; no topic here gets that long."""

Place = tuple[str, int]


def unconsumed(service: Service) -> Service:
    """Give a service that consumes nothing by itself."""
    return dataclasses.replace(service, consumers=0)


class Deliverer:
    """Delivers the topics of one service.

    Attributes:
        twice: Whether all that is delivered is delivered again right after.
    """

    def __init__(self, runtime: Runtime, *, twice: bool = False) -> None:
        self._runtime = runtime
        self.twice = twice

    async def begin(self, bootstrap: str) -> None:
        """Store where the service begins, as its consumer would on its first assignment."""
        topics = self._runtime.application.topics
        incarnations = await asyncio.to_thread(kafka.incarnations, bootstrap, topics)
        partitions = await asyncio.to_thread(_partitions, bootstrap, topics)

        async def store(tx: Tx) -> None:
            for place in partitions:
                await offsets.begin(tx, place, Position(0, *incarnations[place[0]]))

        await self._runtime.transaction(store)

    async def deliver(self, records: Sequence[Record]) -> None:
        """Apply records in this order, in one transaction with their offsets, and their copies in another."""
        copies = [dataclasses.replace(each, offset=each.offset + COPY_OFFSET) for each in records]
        for delivered in (records, copies) if self.twice else (records,):
            events = await self._prepared(delivered)

            async def work(tx: Tx, events: Sequence[PreparedRecord] = tuple(events)) -> None:
                ends = {(each.topic, each.partition): each.offset + 1 for each in records}
                await offsets.lock(tx, sorted(ends))
                await self._runtime.application.apply(tx, events)
                await offsets.advance(tx, ends)

            await self._runtime.transaction(work)
            self._runtime.redelivery.applied.set()

    async def _prepared(self, records: Sequence[Record]) -> list[PreparedRecord]:
        application = self._runtime.application
        for record in records:
            await application.learn(record)
        return [event for record in records if (event := application.prepare(record)) is not None]


@asynccontextmanager
async def delivering(
    runtimes: Iterable[Runtime], settings: Settings, *, twice: bool, chance: random.Random | None
) -> AsyncIterator[None]:
    """Deliver to all services until the block ends, each topic held back by turns if there is chance."""
    tasks = [
        asyncio.create_task(_keep_delivering(runtime, settings, twice=twice, chance=chance))
        for runtime in runtimes
        if runtime.service.subscriptions
    ]
    try:
        yield
    finally:
        failed = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in failed:
            task.result()


async def _keep_delivering(runtime: Runtime, settings: Settings, *, twice: bool, chance: random.Random | None) -> None:
    deliverer = Deliverer(runtime, twice=twice)
    await deliverer.begin(settings.kafka_bootstrap)
    consumer = await asyncio.to_thread(_reader, settings.kafka_bootstrap, runtime.application.topics)
    waiting: dict[str, deque[Record]] = defaultdict(deque)
    due: dict[str, float] = defaultdict(float)
    loop = asyncio.get_running_loop()
    try:
        while True:
            for record in await asyncio.to_thread(_fetch, consumer):
                waiting[record.topic].append(record)
            ready = [topic for topic, records in waiting.items() if records and due[topic] <= loop.time()]
            if chance is not None:
                chance.shuffle(ready)
            for topic in ready:
                await deliverer.deliver(list(waiting.pop(topic)))
                due[topic] = loop.time() + (chance.uniform(0, HOLD_S_MAX) if chance else 0)
    finally:
        await asyncio.to_thread(consumer.close)


def recorded(bootstrap: str, topics: Sequence[str]) -> list[Record]:
    """Give all records that topics have now, in order per partition."""
    ends = {(topic, number): end for topic in topics for number, end in enumerate(kafka.end_offsets(bootstrap, topic))}
    found: list[Record] = []
    consumer = _reader(bootstrap, topics)
    try:
        while any(end > 0 for end in ends.values()):
            for record in _fetch(consumer):
                found.append(record)
                if record.offset + 1 >= ends[record.topic, record.partition]:
                    ends[record.topic, record.partition] = 0
    finally:
        consumer.close()
    return found


def _reader(bootstrap: str, topics: Sequence[str]) -> Any:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "deliverer", "enable.auto.commit": False}
    )
    consumer.assign([confluent_kafka.TopicPartition(*place, 0) for place in _partitions(bootstrap, topics)])
    return consumer


def _partitions(bootstrap: str, topics: Sequence[str]) -> list[Place]:
    return sorted((topic, number) for topic in topics for number in range(len(kafka.end_offsets(bootstrap, topic))))


def _fetch(consumer: Any) -> list[Record]:
    messages = [each for each in consumer.consume(FETCH_MAX, timeout=FETCH_S) if each.error() is None]
    return [
        Record(
            topic=each.topic(),
            partition=each.partition(),
            offset=each.offset(),
            key=each.key().decode(),
            value=each.value(),
            headers=[(name, content) for name, content in each.headers() or ()],
        )
        for each in messages
    ]
