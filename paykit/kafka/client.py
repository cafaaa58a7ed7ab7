"""confluent-kafka, wrapped once: its options, its threads and its logs."""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import confluent_kafka
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ re-exports without saying so
    AdminClient,
    OffsetSpec,
)

from paykit.base.errors import UnavailableError
from paykit.kafka.cloud_events import HeaderList

LEADER_TRIES_MAX = 15
"""How often the offsets of a partition are asked for that has no leader just now."""
LEADER_PAUSE_S = 0.2
_LEADERLESS = frozenset(
    {confluent_kafka.KafkaError.NOT_LEADER_FOR_PARTITION, confluent_kafka.KafkaError.LEADER_NOT_AVAILABLE}
)
RECONNECT_BACKOFF_MAX_MS = 2_000
METADATA_TIMEOUT_S = 10.0
FLUSH_SLICE_S = 0.5
"""How often a waiting producer looks whether it was discarded."""
QUEUE_WAIT_S = 0.1
"""How long to wait for room when librdkafka's queue is full, before trying again."""
MESSAGE_BYTES_MAX = 2 * 1024 * 1024
"""The largest message produced: a dead letter's copy, which is the largest record of a topic and its error."""
TOPIC_UNKNOWN_GRACE_MS = 10_000
"""How long a topic that Kafka does not know is asked for before its messages are refused."""

_ANY_PARTITION = -1
"""As librdkafka has it: the partition of the key."""

Report = Callable[[confluent_kafka.KafkaError | None, Any], None]
"""What a producer calls once for each message: with None when it was acknowledged, else with what it failed by.

It may be called while an exception of the driver is raised, and so must call nothing: it puts down what it is told.
"""

LOGGER = logging.getLogger("librdkafka")


class Producer:
    """An idempotent producer whose failures are terminal: discard it and start again from what is not acknowledged.

    Attributes:
        error: The first delivery failure, or None.
    """

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self.error: confluent_kafka.KafkaError | None = None
        self._discarded = False
        # Nothing may enter the queue once it was purged: it would overtake what was purged before it.
        self._gate = threading.Lock()
        self._producer = confluent_kafka.Producer(
            common_options(bootstrap, client_id)
            | {
                "acks": "all",
                "enable.idempotence": True,
                # A timeout per message would drop one and send its successors: the key would be out of order.
                "message.timeout.ms": 0,
                # Nor may the successors of a refused one be sent before it is tried again.
                "enable.gapless.guarantee": True,
                "partitioner": "murmur2_random",
                "message.max.bytes": MESSAGE_BYTES_MAX,
                "topic.metadata.propagation.max.ms": TOPIC_UNKNOWN_GRACE_MS,
                "linger.ms": 2,
                "compression.type": "lz4",
            },
            logger=LOGGER,
        )

    def produce(
        self,
        *,
        topic: str,
        key: str,
        value: bytes | None,
        headers: HeaderList,
        partition: int | None = None,
        report: Report | None = None,
    ) -> None:
        """Queue a message, waiting while the queue is full; to the partition of its key, unless one is named.

        Raises:
            confluent_kafka.KafkaException: It is refused at once: too large for any topic, or its topic is unknown.
        """
        report, lane = report or self._on_delivery, _ANY_PARTITION if partition is None else partition
        while True:
            with self._gate:
                if self._discarded:
                    return
                try:
                    self._producer.produce(
                        topic, value=value, key=key, partition=lane, headers=headers, on_delivery=report
                    )
                except BufferError:
                    pass
                else:
                    return
            self._producer.poll(QUEUE_WAIT_S)

    def __len__(self) -> int:
        """Messages that are neither acknowledged nor reported to have failed."""
        return len(self._producer)

    def flush(self, timeout_s: float = FLUSH_SLICE_S) -> int:
        """Send what is queued, make the reports that are due and return how many are missing; blocks the thread."""
        self._report(self._producer.flush, timeout_s)
        return len(self._producer)

    def serve(self, timeout_s: float) -> None:
        """Make the reports that are due, waiting for the first so long; blocks the thread."""
        self._report(self._producer.poll, timeout_s)

    def _report(self, wait: Callable[[float], int], timeout_s: float) -> None:
        try:
            wait(timeout_s)
        except confluent_kafka.KafkaException:
            return
        except SystemError as error:
            # The driver raises a fatal error of the client by itself, and goes on with reports while it is raised, of
            # which the interpreter complains once they are made.
            if not isinstance(error.__cause__, confluent_kafka.KafkaException):
                raise

    def wait_acknowledged(self) -> None:
        """Wait until nothing is in flight, a message failed, or the producer was discarded; blocks the thread."""
        while not self._discarded and self.error is None and self.flush():
            pass

    def partitions(self, topic: str, *, timeout_s: float) -> int:
        """Return how many partitions a topic has, 0 where that cannot be told in time; blocks the thread."""
        try:
            return len(self._producer.list_topics(topic, timeout=timeout_s).topics[topic].partitions)
        except confluent_kafka.KafkaException:
            return 0

    def settle(self, timeout_s: float) -> None:
        """Drop what was not sent yet, and wait for the answers to what was; blocks the thread."""
        with self._gate:
            self._producer.purge(in_queue=True, in_flight=False, blocking=False)
        self.flush(timeout_s)

    def discard(self) -> None:
        """Drop what is not acknowledged; the producer is of no use afterwards. May be called from any thread."""
        with self._gate:
            if self._discarded:
                return
            self._discarded = True
            if self.error is None:
                self.error = confluent_kafka.KafkaError(confluent_kafka.KafkaError._PURGE_QUEUE)  # noqa: SLF001 - public code
            self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def _on_delivery(self, error: confluent_kafka.KafkaError | None, _message: Any) -> None:
        if error is not None and self.error is None:
            self.error = error


def common_options(bootstrap: str, client_id: str) -> dict[str, Any]:
    """Return the options of every client."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client_id,
        "allow.auto.create.topics": False,
        "reconnect.backoff.max.ms": RECONNECT_BACKOFF_MAX_MS,
        "socket.keepalive.enable": True,
        "socket.nagle.disable": True,
        "log_level": 4,
    }


def incarnations(bootstrap: str, topics: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return (cluster id, topic id) by topic name; blocks the thread.

    They tell one Kafka cluster and topic from another of the same name: offsets mean nothing across them.

    Raises:
        UnavailableError: Kafka cannot be reached, or a topic does not exist.
    """
    admin = AdminClient(common_options(bootstrap, "paystream-incarnations"), logger=LOGGER)
    wanted = confluent_kafka.TopicCollection(list(topics))
    try:
        futures = admin.describe_topics(wanted, request_timeout=METADATA_TIMEOUT_S)
        cluster_id = str(admin.list_topics(timeout=METADATA_TIMEOUT_S).cluster_id)
        return {topic: (cluster_id, str(future.result().topic_id)) for topic, future in futures.items()}
    except confluent_kafka.KafkaException as error:
        raise UnavailableError(f"Kafka does not describe its topics: {error}", part="kafka") from error


def end_offsets(bootstrap: str, topic: str) -> list[int]:
    """Return where each partition of a topic ends, in their order: the offset after its last record; blocks the thread.

    Raises:
        UnavailableError: Kafka cannot be reached, or the topic does not exist.
    """
    return _offsets(bootstrap, topic, OffsetSpec.latest())  # type: ignore[no-untyped-call]


def offsets_since(bootstrap: str, topic: str, moment: datetime | None) -> list[int]:
    """Return, in the order of partitions, the offset of the first record written at a moment or later; blocks.

    Without a moment, of the first that there is; where there is none, the partition's end.

    Raises:
        UnavailableError: Kafka cannot be reached, or the topic does not exist.
    """
    if moment is None:
        return _offsets(bootstrap, topic, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    since = OffsetSpec.for_timestamp(math.ceil(moment.timestamp() * 1_000))
    ends = end_offsets(bootstrap, topic)
    found = _offsets(bootstrap, topic, since)
    return [end if offset < 0 else offset for offset, end in zip(found, ends, strict=True)]


def _offsets(bootstrap: str, topic: str, spec: Any) -> list[int]:
    admin = AdminClient(common_options(bootstrap, "paystream-offsets"), logger=LOGGER)
    for tries_left in range(LEADER_TRIES_MAX - 1, -1, -1):
        try:
            return _offsets_once(admin, topic, spec)
        except confluent_kafka.KafkaException as error:
            # A partition that was just made has its leader a moment later.
            if error.args[0].code() not in _LEADERLESS or not tries_left:
                raise UnavailableError(f"Kafka does not tell its offsets: {error}", part="kafka") from error
        time.sleep(LEADER_PAUSE_S)
    raise AssertionError  # The last try returned or raised.


def _offsets_once(admin: AdminClient, topic: str, spec: Any) -> list[int]:
    partitions = admin.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic].partitions
    asked = {confluent_kafka.TopicPartition(topic, partition): spec for partition in sorted(partitions)}
    if not asked:
        raise UnavailableError(f"Kafka has no topic {topic}", part="kafka")
    futures = admin.list_offsets(asked, request_timeout=METADATA_TIMEOUT_S)
    return [int(future.result().offset) for future in futures.values()]
