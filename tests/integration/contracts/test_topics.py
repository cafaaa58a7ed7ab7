"""The declared topics on a real cluster."""

import dataclasses
import uuid

import pytest

from paykit.base.errors import UnavailableError
from paykit.events import schema_files
from paykit.kafka import topics
from paytools.localstack import Endpoints


@pytest.fixture
def wanted() -> dict[str, schema_files.Topic]:
    declared = schema_files.load_topics(schema_files.schema_root())
    return topics.declared(declared.values(), prefix=f"t{uuid.uuid4().hex[:8]}.", partitions=6)


def test_missing_topics_are_created_as_declared_and_then_left_alone(
    stack: Endpoints, wanted: dict[str, schema_files.Topic]
) -> None:
    assert topics.init(stack.kafka, wanted, durable=True) == list(wanted)
    assert topics.init(stack.kafka, wanted, durable=True) == []
    states = topics.states(stack.kafka, wanted)
    assert [line for name, topic in wanted.items() for line in topics.compare(name, topic, states[name])] == []
    assert {state.partitions for name, state in states.items() if not name.endswith(".dlq")} == {6}


def test_a_topic_that_differs_is_refused_and_nothing_is_created(
    stack: Endpoints, wanted: dict[str, schema_files.Topic]
) -> None:
    payment = next(name for name in wanted if name.endswith("payment.events"))
    other = dataclasses.replace(wanted[payment], partitions=3, configs={"retention.ms": "86400000"})
    topics.init(stack.kafka, {payment: other}, durable=True)
    with pytest.raises(topics.TopicDriftError) as caught:
        topics.init(stack.kafka, wanted, durable=True)
    assert caught.value.drifts[:2] == [
        f"{payment}: partitions: declared 6, actual 3",
        f"{payment}: retention.ms: declared -1, actual 86400000",
    ]
    assert list(topics.states(stack.kafka, wanted)) == [payment]


def test_a_cluster_that_does_not_answer_is_unavailable(
    wanted: dict[str, schema_files.Topic], unused_tcp_port: int
) -> None:
    with pytest.raises(UnavailableError, match="Kafka cannot be reached"):
        topics.init(f"127.0.0.1:{unused_tcp_port}", wanted, durable=True, timeout_s=0.5)
