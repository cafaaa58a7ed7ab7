"""How a topic on a cluster is compared with its declaration."""

import dataclasses

import pytest

from paykit.events import schema_files
from paykit.kafka import topics

PAYMENT = schema_files.load_topics(schema_files.schema_root())["payment.events"]
AS_DECLARED = topics.TopicState(
    partitions=24,
    replicas=3,
    configs={
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "min.insync.replicas": "2",
        "unclean.leader.election.enable": "false",
        "max.message.bytes": "1048576",
        "compression.type": "producer",
    },
)


def state(partitions: int = 24, replicas: int = 3, **configs: str) -> topics.TopicState:
    given = {name.replace("_", "."): value for name, value in configs.items()}
    return topics.TopicState(partitions=partitions, replicas=replicas, configs={**AS_DECLARED.configs, **given})


def test_a_topic_as_declared_does_not_drift() -> None:
    assert topics.compare("payment.events", PAYMENT, AS_DECLARED) == []


@pytest.mark.parametrize(
    ("actual", "drift"),
    [
        (state(12), "payment.events: partitions: declared 24, actual 12"),
        (state(retention_ms="604800000"), "payment.events: retention.ms: declared -1, actual 604800000"),
        (state(cleanup_policy="compact"), "payment.events: cleanup.policy: declared delete, actual compact"),
        (
            state(unclean_leader_election_enable="true"),
            "payment.events: unclean.leader.election.enable: declared false, actual true",
        ),
        (
            dataclasses.replace(AS_DECLARED, configs={**AS_DECLARED.configs, "max.message.bytes": "1024"}),
            "payment.events: max.message.bytes: declared 1048576, actual 1024",
        ),
    ],
)
def test_a_difference_is_named(actual: topics.TopicState, drift: str) -> None:
    assert topics.compare("payment.events", PAYMENT, actual) == [drift]


def test_nothing_is_declared_of_replicas_so_that_the_cluster_s_setting_holds() -> None:
    assert "min.insync.replicas" not in PAYMENT.configs
    assert topics.compare("payment.events", PAYMENT, state(min_insync_replicas="1")) == []


@pytest.mark.parametrize(("replicas", "in_sync"), [(3, "2"), (3, "3"), (5, "2"), (1, "1"), (2, "1")])
def test_what_a_cluster_can_keep_is_durable(replicas: int, in_sync: str) -> None:
    assert topics.undurable("payment.events", state(replicas=replicas, min_insync_replicas=in_sync)) == []


@pytest.mark.parametrize("replicas", [3, 5])
def test_a_record_that_one_of_several_brokers_alone_has_is_not_durable(replicas: int) -> None:
    lost = f"at least 2 of {replicas} replicas, actual 1: an acknowledged event could be lost with one broker"
    found = topics.undurable("payment.events", state(replicas=replicas, min_insync_replicas="1"))
    assert found == [f"payment.events: min.insync.replicas: {lost}"]


def test_a_cluster_and_topics_that_lose_events_are_named_where_it_matters() -> None:
    weak = state(min_insync_replicas="1")
    wanted, present = {"payment.events": PAYMENT}, {"payment.events": weak}
    assert topics.differences(wanted, present, new=None) == []
    lost = (
        "min.insync.replicas: at least 2 of 3 replicas, actual 1: an acknowledged event could be lost with one broker"
    )
    assert topics.differences(wanted, present, new=weak) == [f"the cluster: {lost}", f"payment.events: {lost}"]
    assert topics.differences(wanted, {"payment.events": AS_DECLARED}, new=weak) == [f"the cluster: {lost}"]
    assert topics.differences(wanted, present, new=AS_DECLARED) == [f"payment.events: {lost}"]


def test_an_installation_may_have_another_number_of_partitions_but_one_for_dead_letters() -> None:
    wanted = topics.declared([PAYMENT], partitions=6)
    assert {name: topic.partitions for name, topic in wanted.items() if not name.endswith(".dlq")} == {
        "payment.events": 6
    }
    assert {topic.partitions for name, topic in wanted.items() if name.endswith(".dlq")} == {1}
    assert topics.compare("payment.events", wanted["payment.events"], state(partitions=6)) == []


def test_each_consumer_has_a_topic_for_its_dead_letters_under_the_prefix() -> None:
    wanted = topics.declared([PAYMENT], prefix="t1.")
    readers = ("accounting", "order", "withdrawal", "notification", "reconciliation", "analytics")
    assert set(wanted) == {"t1.payment.events", *(f"t1.payment.events.{reader}.dlq" for reader in readers)}
    assert wanted["t1.payment.events.accounting.dlq"].partitions == 1
    larger = {"max.message.bytes": "2097152"}  # A copy is the largest record of the topic and its error.
    assert wanted["t1.payment.events.accounting.dlq"].configs == {**PAYMENT.configs, **larger}
