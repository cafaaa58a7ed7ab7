"""How a topic on a cluster is compared with its declaration."""

import pytest

from paykit.events import schema_files
from paykit.kafka import topics

PAYMENT = schema_files.load_topics(schema_files.schema_root())["payment.events"]
AS_DECLARED = topics.TopicState(
    partitions=6,
    configs={
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "min.insync.replicas": "1",
        "max.message.bytes": "1048576",
        "compression.type": "producer",
    },
)


def state(partitions: int = 6, **configs: str) -> topics.TopicState:
    given = {name.replace("_", "."): value for name, value in configs.items()}
    return topics.TopicState(partitions=partitions, configs={**AS_DECLARED.configs, **given})


def test_a_topic_as_declared_does_not_drift() -> None:
    assert topics.compare("payment.events", PAYMENT, AS_DECLARED) == []


def test_a_cluster_may_ask_for_more_replicas_in_sync_than_declared() -> None:
    assert topics.compare("payment.events", PAYMENT, state(min_insync_replicas="2")) == []


@pytest.mark.parametrize(
    ("actual", "drift"),
    [
        (state(12), "payment.events: partitions: declared 6, actual 12"),
        (state(retention_ms="604800000"), "payment.events: retention.ms: declared -1, actual 604800000"),
        (state(cleanup_policy="compact"), "payment.events: cleanup.policy: declared delete, actual compact"),
        (state(min_insync_replicas="0"), "payment.events: min.insync.replicas: declared 1, actual 0"),
        (
            topics.TopicState(partitions=6, configs={**AS_DECLARED.configs, "max.message.bytes": "1024"}),
            "payment.events: max.message.bytes: declared 1048576, actual 1024",
        ),
    ],
)
def test_a_difference_is_named(actual: topics.TopicState, drift: str) -> None:
    assert topics.compare("payment.events", PAYMENT, actual) == [drift]


def test_each_consumer_has_a_topic_for_its_dead_letters_under_the_prefix() -> None:
    wanted = topics.declared([PAYMENT], prefix="t1.")
    readers = ("accounting", "order", "withdrawal", "notification", "reconciliation", "analytics")
    assert set(wanted) == {"t1.payment.events", *(f"t1.payment.events.{reader}.dlq" for reader in readers)}
    assert wanted["t1.payment.events.accounting.dlq"].partitions == 1
    larger = {"max.message.bytes": "2097152"}  # A copy is the largest record of the topic and its error.
    assert wanted["t1.payment.events.accounting.dlq"].configs == {**PAYMENT.configs, **larger}
