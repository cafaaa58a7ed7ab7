"""A cluster of librdkafka's own that can take the leader from a single partition, as one real broker cannot.

It listens on a port of this machine and answers by Kafka's protocol; the clients are the real ones.

Source: rdkafka_mock.h of librdkafka, whose library the driver brings.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

PRODUCER_TYPE = 0
BROKER_ID = 1
NO_LEADER = -1
ERROR_BYTES = 512


class MockCluster:
    """One broker; made by `mock_cluster`, of whose `library` it is."""

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p, bootstrap: str) -> None:
        self.library = library
        self._handle = handle
        self.bootstrap = bootstrap

    def take_leader(self, topic: str, partition: int) -> None:
        self._set_leader(topic, partition, NO_LEADER)

    def give_leader(self, topic: str, partition: int) -> None:
        self._set_leader(topic, partition, BROKER_ID)

    def _set_leader(self, topic: str, partition: int, broker: int) -> None:
        set_leader = self.library.rd_kafka_mock_partition_set_leader
        assert set_leader(self._handle, topic.encode(), partition, broker) == 0


@contextmanager
def mock_cluster(*topics: str, partitions: int) -> Iterator[MockCluster]:
    """Run a cluster with topics for as long as the block lasts."""
    (path,) = (Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka-*")
    library = ctypes.CDLL(str(path))
    for function in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, function).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    error = ctypes.create_string_buffer(ERROR_BYTES)
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(configuration, b"log_level", b"0", error, ERROR_BYTES)
    client = ctypes.c_void_p(library.rd_kafka_new(PRODUCER_TYPE, configuration, error, ERROR_BYTES))
    handle = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, 1))
    try:
        for topic in topics:
            assert library.rd_kafka_mock_topic_create(handle, topic.encode(), partitions, 1) == 0
        yield MockCluster(library, handle, library.rd_kafka_mock_cluster_bootstraps(handle).decode())
    finally:
        library.rd_kafka_mock_cluster_destroy(handle)
        library.rd_kafka_destroy(client)
