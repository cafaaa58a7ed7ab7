"""A team that knows only the broker, the topic's name and the registry reads the ledger's events."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from paykit.events import classes as catalogue
from paykit.events import registration, schema_files
from paykit.events.codec import Codec
from paykit.events.registry import RegistryClient
from paykit.kafka import topics
from paykit.kafka.client import Producer
from paykit.testing import goldens
from paykit.testing.hosts import new_prefix
from paytools.localstack import Endpoints

READ_WAIT_S = 60.0


@pytest.fixture
async def prefix(stack: Endpoints, tmp_path: Path) -> str:
    """Put the golden events of accounting on a topic of the test's own, as accounting does."""
    prefix = new_prefix()
    declared = schema_files.load_topics(schema_files.schema_root())["accounting.events"]
    topics.init(stack.kafka, topics.declared([declared], prefix=prefix), durable=True)
    everything = [file for file in schema_files.versions(schema_files.schema_root()) if file.topic == declared.name]
    async with RegistryClient(stack.registry) as registry:
        await registration.register(registry, everything, prefix=prefix)
        codec = Codec(registry=registry, cache_dir=tmp_path, topic_prefix=prefix)
        await codec.prepare(
            [cls for name in sorted(catalogue.records_of(declared.name)) if (cls := catalogue.event_class(name))]
        )
    producer = Producer(stack.kafka, client_id="test")
    for golden in goldens.goldens(declared.name):
        event = goldens.event(golden)
        key = getattr(event, event.KEY)
        producer.produce(topic=codec.topic(event.TOPIC), key=key, value=codec.encode(event, stamps={}), headers=[])
    producer.wait_acknowledged()
    assert producer.error is None
    return prefix


def read(stack: Endpoints, topic: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Read with Confluent's own classes alone."""
    consumer = Consumer({"bootstrap.servers": stack.kafka, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    context = SerializationContext(topic, MessageField.VALUE)
    found = []
    with closing(consumer), SchemaRegistryClient({"url": stack.registry}) as registry:
        deserialize = AvroDeserializer(registry)
        for _ in range(count):
            message = consumer.poll(READ_WAIT_S)
            assert message is not None
            assert message.error() is None
            found.append(((message.key() or b"").decode(), deserialize(message.value(), context)))
    return found


def test_a_plain_consumer_reads_accounting_events_by_the_registry_alone(stack: Endpoints, prefix: str) -> None:
    found = read(stack, f"{prefix}accounting.events", count=4)
    assert len(found) == 4
    # Two versions of one record, each by the schema that it was written with.
    [_, booked] = [value for _, value in found if "transaction_id" in value]
    assert booked["transaction_type"] == "PaymentSuccess"
    assert (booked["amount_minor"], booked["currency_code"], booked["direction"]) == (1234, "USD", "CREDIT")
    assert booked["effective_at"] == datetime(2026, 11, 22, 12, 10, 1, 500_000, tzinfo=UTC)
    signed = [entry["effect"] * entry["amount_minor"] for entry in booked["entries"]]
    assert signed == [1234, 1234, -66, 66]
    keys = {key for key, _ in found}
    assert keys == {"pay_0192f5d0c0de70008000000000000002", "acc_5d8c1b1ef0b35e7e9c0a000000000001"}
