"""A topic gets more partitions only when nothing of it is left to apply."""

import dataclasses
from collections.abc import Iterator

import confluent_kafka
import pytest

from paykit.base.errors import UnavailableError
from paykit.events import schema_files
from paykit.kafka import topics, widening
from paykit.kafka.client import Producer, end_offsets
from paykit.testing.hosts import new_prefix
from paytools.localstack import Endpoints

KEYS = [f"pay_{number}" for number in range(40)]
PATIENCE_S = 30.0


@pytest.fixture
def topic(stack: Endpoints) -> str:
    """A topic of three partitions with one record of each key."""
    declared = schema_files.load_topics(schema_files.schema_root())["channel.events"]
    name = new_prefix() + "channel.events"
    topics.init(stack.kafka, {name: dataclasses.replace(declared, partitions=3)}, durable=False)
    write(stack, name, "first")
    return name


def write(stack: Endpoints, topic: str, text: str) -> None:
    producer = Producer(stack.kafka, client_id="test")
    for key in KEYS:
        producer.produce(topic=topic, key=key, value=text.encode(), headers=[])
    producer.wait_acknowledged()


def applied(stack: Endpoints, topic: str, group: str) -> Iterator[confluent_kafka.Message]:
    """Consume a record of each key as a member of the group, which tells Kafka of each that it has applied it."""
    options = {"bootstrap.servers": stack.kafka, "group.id": group, "enable.auto.commit": False}
    consumer = confluent_kafka.Consumer(options | {"auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    for message in consumer.consume(len(KEYS), timeout=PATIENCE_S):
        yield message
        consumer.commit(message=message, asynchronous=False)
    consumer.close()


def test_it_is_left_as_it_is_while_a_group_has_not_applied_all_of_it(stack: Endpoints, topic: str) -> None:
    ahead, behind = f"{topic}.ahead", f"{topic}.behind"
    assert len(list(applied(stack, topic, ahead))) == len(KEYS)
    with pytest.raises(widening.NotWidenedError) as caught:
        widening.widen(stack.kafka, topic, groups=[ahead, behind], partitions=6)
    assert str(caught.value) == f"{topic} was left as it is: {behind} has 40 records to go"
    assert len(end_offsets(stack.kafka, topic)) == 3


def test_a_drained_topic_is_widened_and_what_comes_next_of_each_key_is_applied_after_what_was(
    stack: Endpoints, topic: str
) -> None:
    group = f"{topic}.group"
    before = {text_of(message.key()): message.partition() for message in applied(stack, topic, group)}
    assert widening.widen(stack.kafka, topic, groups=[group], partitions=6) == 3
    write(stack, topic, "second")
    after = list(applied(stack, topic, group))
    assert sorted(text_of(message.key()) for message in after) == sorted(KEYS)
    assert {text_of(message.value()) for message in after} == {"second"}
    # This is what draining is for: some keys are elsewhere now, where nothing orders them behind their first record.
    moved = [message for message in after if before[text_of(message.key())] != message.partition()]
    assert moved
    assert {message.partition() for message in moved} <= {3, 4, 5}


def text_of(value: str | bytes | None) -> str:
    assert value is not None
    return value.decode() if isinstance(value, bytes) else value


def test_it_is_never_made_narrower(stack: Endpoints, topic: str) -> None:
    with pytest.raises(widening.NotWidenedError, match="has 3 partitions already"):
        widening.widen(stack.kafka, topic, groups=[], partitions=3)


def test_a_topic_that_is_not_there_is_unavailable(stack: Endpoints) -> None:
    with pytest.raises(UnavailableError, match=r"no\.such\.topic"):
        widening.widen(stack.kafka, "no.such.topic", groups=[], partitions=6)
