"""Whether Kafka gives back what is written to it, on a topic of its own that is gone afterwards."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import confluent_kafka
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # Public by the documentation, not by __all__.
    AdminClient,
    NewTopic,
)

from paykit.base.errors import UnavailableError
from paykit.kafka.client import LOGGER, common_options
from paykit.kafka.topics import ADMIN_TIMEOUT_S, BROKER_DEFAULT

ANSWER_S_MAX = 30.0
"""How long writing, and then reading, may take."""
POLL_S = 0.5
_KEY = b"paystream"


def round_trip(bootstrap: str, *, prefix: str = "") -> float:
    """Write a record with all acknowledgements and read it back; give the seconds from the one to the other.

    Raises:
        UnavailableError: Kafka cannot be reached, refuses, or does not answer in time.
    """
    try:
        admin = AdminClient(common_options(bootstrap, "paystream-check"), logger=LOGGER)
        admin.list_topics(timeout=ADMIN_TIMEOUT_S)
        with _scratch_topic(admin, f"{prefix}paystream.check.{uuid.uuid4().hex}") as topic:
            began = time.monotonic()
            _write(bootstrap, topic)
            _read(bootstrap, topic)
            return time.monotonic() - began
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka cannot be used: {error.args[0].str()}", part="kafka") from error


@contextmanager
def _scratch_topic(admin: AdminClient, name: str) -> Iterator[str]:
    wanted = NewTopic(name, num_partitions=1, replication_factor=BROKER_DEFAULT)
    admin.create_topics([wanted], operation_timeout=ADMIN_TIMEOUT_S)[name].result()
    try:
        yield name
    finally:
        admin.delete_topics([name], operation_timeout=ADMIN_TIMEOUT_S)[name].result()


def _write(bootstrap: str, topic: str) -> None:
    failures: list[Any] = []
    options = common_options(bootstrap, "paystream-check") | {"acks": "all", "enable.idempotence": True}
    producer = confluent_kafka.Producer(options, logger=LOGGER)
    producer.produce(topic, key=_KEY, value=_KEY, on_delivery=lambda error, _message: failures.append(error))
    if producer.flush(ANSWER_S_MAX) or failures != [None]:
        producer.purge()
        reason = failures[0].str() if failures else f"no acknowledgement in {ANSWER_S_MAX:.0f} s"
        raise UnavailableError(f"Kafka did not take a record: {reason}", part="kafka")


def _read(bootstrap: str, topic: str) -> None:
    options = common_options(bootstrap, "paystream-check") | {
        "group.id": "paystream-check",  # Required, and never joined: the partition is assigned by hand.
        "enable.auto.commit": False,
    }
    consumer = confluent_kafka.Consumer(options, logger=LOGGER)
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        deadline = time.monotonic() + ANSWER_S_MAX
        while time.monotonic() < deadline:
            message = consumer.poll(POLL_S)
            if message is not None and message.error() is None and message.value() == _KEY:
                return
    finally:
        consumer.close()
    raise UnavailableError(f"Kafka did not give a record back in {ANSWER_S_MAX:.0f} s", part="kafka")
