"""Topics read wholly: every record, and the events in them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import confluent_kafka

from paykit.base.config import Settings
from paykit.events.codec import Codec
from paykit.events.event import Event
from paykit.events.registry import RegistryClient

ASK_TIMEOUT_S = 30.0
SILENCES_MAX = 60
"""Seconds without a record before reading is given up."""


def records(settings: Settings, topic: str) -> list[Any]:
    """Give all records that a topic has now, in order per partition."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap, "group.id": "reader", "enable.auto.commit": False}
    )
    try:
        ends = _ends(consumer, settings.topic_prefix + topic)
        consumer.assign([confluent_kafka.TopicPartition(name, number, 0) for name, number in ends])
        return _read(consumer, ends)
    finally:
        consumer.close()


def _ends(consumer: Any, topic: str) -> dict[tuple[str, int], int]:
    partitions = consumer.list_topics(topic, timeout=ASK_TIMEOUT_S).topics[topic].partitions
    ends = {}
    for number in partitions:
        at = confluent_kafka.TopicPartition(topic, number)
        _, end = consumer.get_watermark_offsets(at, timeout=ASK_TIMEOUT_S, cached=False)
        if end > 0:
            ends[topic, number] = end
    return ends


def _read(consumer: Any, ends: dict[tuple[str, int], int]) -> list[Any]:
    found: list[Any] = []
    silences = 0
    while ends:
        messages = [message for message in consumer.consume(5000, timeout=1.0) if message.error() is None]
        silences = 0 if messages else silences + 1
        assert silences < SILENCES_MAX, f"records are missing before {ends}"
        for message in messages:
            found.append(message)
            place = (message.topic(), message.partition())
            if message.offset() + 1 >= ends.get(place, 0):
                ends.pop(place, None)
    return found


async def events(settings: Settings, topic: str) -> list[Any]:
    """Give all events that a topic has now, repeated ones as often as they stand there, in order per key."""
    found = await asyncio.to_thread(records, settings, topic)
    async with RegistryClient(settings.registry_url) as registry:
        codec = Codec(registry=registry, cache_dir=settings.cache_dir, topic_prefix=settings.topic_prefix)
        for schema_id in {codec.peek(record.value()) for record in found}:
            await codec.learn(schema_id)
        return [codec.decode(record.value()) for record in found]


def once(found: Iterable[Any]) -> list[Any]:
    """Leave repetitions out, as every consumer does: the first event of each event_id stays."""
    seen: set[str] = set()
    return [event for event in found if event.event_id not in seen and not seen.add(event.event_id)]  # type: ignore[func-returns-value]


def by_key(found: Iterable[Any]) -> dict[str, list[Event]]:
    """Give the events of each aggregate, in order."""
    grouped: dict[str, list[Event]] = defaultdict(list)
    for event in found:
        grouped[getattr(event, event.KEY)].append(event)
    return dict(grouped)
