"""The declared topics on a cluster: created when missing, refused when they differ."""

import dataclasses
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
REPLICAS_THAT_STAND_IN = 3
"""From so many on, a cluster goes on taking records with one broker gone, and so can ask for more than one copy."""
REPLICAS_IN_SYNC_MIN = 2
"""Copies that a record has there before it is acknowledged: with one, a broker that is lost takes events with it that
nobody else has, since the outbox lets go of what was acknowledged."""
DEAD_LETTER_PARTITIONS = 1
VISIBLE_POLL_S = 0.05
NEW_TOPICS = "the cluster"
"""Stands for a topic's name where the setting for new topics is meant."""


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
    """A topic as the cluster has it.

    Attributes:
        partitions: How many.
        replicas: Of its partitions, the fewest that one of them has.
        configs: In effect: its own, else the cluster's.
    """

    partitions: int
    replicas: int
    configs: Mapping[str, str]


def declared(topics: Iterable[Topic], *, prefix: str = "", partitions: int | None = None) -> dict[str, Topic]:
    """Return the topics a cluster must have by name: with the prefix, and with a dead letter topic per consumer.

    Args:
        topics: As declared.
        prefix: Put before their names.
        partitions: Of each topic but those of dead letters, in the place of what is declared.
    """
    wanted: dict[str, Topic] = {}
    for topic in topics:
        wanted[prefix + topic.name] = dataclasses.replace(topic, partitions=partitions or topic.partitions)
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


def init(
    bootstrap: str, topics: Mapping[str, Topic], *, durable: bool, timeout_s: float = ADMIN_TIMEOUT_S
) -> list[str]:
    """Create the topics that are missing; blocks until the cluster answers.

    How many replicas a topic has, and how many must be in sync, is the cluster's setting.

    Args:
        bootstrap: Brokers, `host:port[,host:port]`.
        topics: By name.
        durable: Refuse a cluster that has copies of a record and acknowledges it without one: `undurable`.
        timeout_s: For each question to the cluster.

    Returns:
        The names created, in order.

    Raises:
        TopicDriftError: A topic that exists differs from its declaration, or the cluster's settings are not durable;
            then none is created.
        UnavailableError: Kafka cannot be reached.
    """
    admin = _admin(bootstrap)
    present = _states(admin, topics, timeout_s)
    drifts = differences(topics, present, new=_new_topic_state(admin, timeout_s) if durable else None)
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


def differences(topics: Mapping[str, Topic], present: Mapping[str, TopicState], *, new: TopicState | None) -> list[str]:
    """Say what speaks against creating the topics that are not present, one line per difference.

    Args:
        topics: By name.
        present: Those of them that exist.
        new: What the cluster makes of a new topic; None where what is durable does not matter.
    """
    drifts = [line for name, state in present.items() for line in compare(name, topics[name], state)]
    if new is not None:
        drifts += [line for name, state in {NEW_TOPICS: new, **present}.items() for line in undurable(name, state)]
    return drifts


def compare(name: str, topic: Topic, state: TopicState) -> list[str]:
    """Say how a topic on a cluster differs from its declaration, one line per difference."""
    drifts = []
    if state.partitions != topic.partitions:
        drifts.append(f"{name}: partitions: declared {topic.partitions}, actual {state.partitions}")
    for config, wanted in topic.configs.items():
        actual = state.configs.get(config, "unset")
        if actual != wanted:
            drifts.append(f"{name}: {config}: declared {wanted}, actual {actual}")
    return drifts


def undurable(name: str, state: TopicState) -> list[str]:
    """Say whether a topic, or a cluster's setting for new ones, loses acknowledged records with one broker.

    Where there are less than `REPLICAS_THAT_STAND_IN` copies, asking for two would stop all writing with one broker:
    what such a cluster can promise is for its operators to know.
    """
    in_sync = state.configs.get("min.insync.replicas", "1")
    if state.replicas < REPLICAS_THAT_STAND_IN or int(in_sync) >= REPLICAS_IN_SYNC_MIN:
        return []
    wanted = f"at least {REPLICAS_IN_SYNC_MIN} of {state.replicas} replicas, actual {in_sync}"
    return [f"{name}: min.insync.replicas: {wanted}: an acknowledged event could be lost with one broker"]


def new_topic_state(bootstrap: str) -> TopicState:
    """Describe what the cluster makes of a topic that says nothing of replicas; blocks until it answers.

    Raises:
        UnavailableError: Kafka cannot be reached.
    """
    return _new_topic_state(_admin(bootstrap), ADMIN_TIMEOUT_S)


def _new_topic_state(admin: AdminClient, timeout_s: float) -> TopicState:
    try:
        broker = min(admin.list_topics(timeout=timeout_s).brokers)
        resource = ConfigResource(ResourceType.BROKER, str(broker))
        configs = admin.describe_configs([resource], request_timeout=timeout_s)[resource].result()
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka cannot be reached: {error.args[0].str()}", part="kafka") from error
    settings = {key: str(entry.value) for key, entry in configs.items()}
    return TopicState(partitions=0, replicas=int(settings["default.replication.factor"]), configs=settings)


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient(common_options(bootstrap, "paystream-topics"), logger=LOGGER)


def _states(admin: AdminClient, topics: Iterable[str], timeout_s: float) -> dict[str, TopicState]:
    try:
        metadata = admin.list_topics(timeout=timeout_s).topics
        found = {name: metadata[name].partitions.values() for name in topics if name in metadata}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in found]
        answers = admin.describe_configs(resources, request_timeout=timeout_s) if resources else {}
        configs = {resource.name: answer.result() for resource, answer in answers.items()}
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka cannot be reached: {error.args[0].str()}", part="kafka") from error
    return {
        name: TopicState(
            partitions=len(partitions),
            replicas=min((len(partition.replicas) for partition in partitions), default=0),
            configs={key: str(entry.value) for key, entry in configs[name].items()},
        )
        for name, partitions in found.items()
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
