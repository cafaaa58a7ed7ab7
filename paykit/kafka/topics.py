"""The declared topics on a cluster: created when missing, refused when they differ."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import confluent_kafka
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # Public by the documentation, not by __all__.
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from paykit.base.errors import UnavailableError
from paykit.events.schema_files import Topic
from paykit.kafka.client import LOGGER, MESSAGE_BYTES_MAX, common_options

ADMIN_TIMEOUT_S = 15.0
BROKER_DEFAULT = -1
"""Replication as the cluster is configured: one broker on a laptop, three in a cluster."""
AT_LEAST = frozenset({"min.insync.replicas"})
"""Configurations that a cluster may set higher than declared."""
DEAD_LETTER_PARTITIONS = 1
VISIBLE_POLL_S = 0.05


class TopicDriftError(Exception):
    """Topics on the cluster differ from their declaration; nothing was changed.

    Attributes:
        drifts: One line per difference: topic, what, declared and actual value.
    """

    def __init__(self, drifts: list[str]) -> None:
        super().__init__("; ".join(drifts))
        self.drifts = drifts


@dataclass(frozen=True, kw_only=True)
class TopicState:
    """A topic as the cluster has it."""

    partitions: int
    configs: Mapping[str, str]


def declared(topics: Iterable[Topic], *, prefix: str = "") -> dict[str, Topic]:
    """Return the topics a cluster must have by name: with the prefix, and with a dead letter topic per consumer."""
    wanted: dict[str, Topic] = {}
    for topic in topics:
        wanted[prefix + topic.name] = topic
        for consumer in topic.consumers:
            wanted[f"{prefix}{topic.name}.{consumer}.dlq"] = dead_letters(topic)
    return wanted


def dead_letters(topic: Topic) -> Topic:
    """Declare the topic of a consumer's dead letters, which are few, need no order, and are larger by their error."""
    return Topic(
        name=f"{topic.name}.dlq",
        key=topic.key,
        keys=topic.keys,
        producer=topic.producer,
        consumers=(),
        partitions=DEAD_LETTER_PARTITIONS,
        configs={**topic.configs, "max.message.bytes": str(MESSAGE_BYTES_MAX)},
    )


def init(bootstrap: str, topics: Mapping[str, Topic], *, timeout_s: float = ADMIN_TIMEOUT_S) -> list[str]:
    """Create the topics that are missing; blocks until the cluster answers.

    Returns:
        The names created, in order.

    Raises:
        TopicDriftError: A topic that exists differs from its declaration; then none is created.
        UnavailableError: Kafka cannot be reached.
    """
    admin = _admin(bootstrap)
    present = _states(admin, topics, timeout_s)
    drifts = [line for name, state in present.items() for line in compare(name, topics[name], state)]
    if drifts:
        raise TopicDriftError(drifts)
    missing = [name for name in topics if name not in present]
    _create(admin, {name: topics[name] for name in missing}, timeout_s)
    _await_visible(admin, missing, timeout_s)
    return missing


def states(bootstrap: str, topics: Iterable[str]) -> dict[str, TopicState]:
    """Describe those of the topics that exist; blocks until the cluster answers.

    Raises:
        UnavailableError: Kafka cannot be reached.
    """
    return _states(_admin(bootstrap), topics, ADMIN_TIMEOUT_S)


def compare(name: str, topic: Topic, state: TopicState) -> list[str]:
    """Say how a topic on a cluster differs from its declaration, one line per difference."""
    drifts = []
    if state.partitions != topic.partitions:
        drifts.append(f"{name}: partitions: declared {topic.partitions}, actual {state.partitions}")
    for config, wanted in topic.configs.items():
        actual = state.configs.get(config, "unset")
        enough = config in AT_LEAST and actual.isdecimal() and int(actual) >= int(wanted)
        if actual != wanted and not enough:
            drifts.append(f"{name}: {config}: declared {wanted}, actual {actual}")
    return drifts


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient(common_options(bootstrap, "paystream-topics"), logger=LOGGER)


def _states(admin: AdminClient, topics: Iterable[str], timeout_s: float) -> dict[str, TopicState]:
    try:
        metadata = admin.list_topics(timeout=timeout_s).topics
        partitions = {name: len(metadata[name].partitions) for name in topics if name in metadata}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in partitions]
        answers = admin.describe_configs(resources, request_timeout=timeout_s) if resources else {}
        configs = {resource.name: answer.result() for resource, answer in answers.items()}
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka cannot be reached: {error.args[0].str()}", part="kafka") from error
    return {
        name: TopicState(partitions=count, configs={key: str(entry.value) for key, entry in configs[name].items()})
        for name, count in partitions.items()
    }


def _create(admin: AdminClient, topics: Mapping[str, Topic], timeout_s: float) -> None:
    if not topics:
        return
    requests = [
        NewTopic(name, topic.partitions, BROKER_DEFAULT, config=dict(topic.configs)) for name, topic in topics.items()
    ]
    try:
        for answer in admin.create_topics(requests, request_timeout=timeout_s).values():
            answer.result()
    except confluent_kafka.KafkaException as error:
        # Another `topics init` that ran side by side declared the same.
        if error.args[0].code() != confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS:
            raise UnavailableError(f"Kafka refused a topic: {error.args[0].str()}", part="kafka") from error


def _await_visible(admin: AdminClient, names: Iterable[str], timeout_s: float) -> None:
    """Wait until the broker answers with the topics: the controller has them a moment before."""
    deadline = time.monotonic() + timeout_s
    while not set(names) <= _states(admin, names, timeout_s).keys():
        if time.monotonic() > deadline:
            raise UnavailableError(f"topics created are not visible after {timeout_s} s", part="kafka")
        time.sleep(VISIBLE_POLL_S)
