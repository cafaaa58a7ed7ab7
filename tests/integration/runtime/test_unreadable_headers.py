"""A header whose name is not UTF-8, which producers of other languages can send, and which the driver fails at."""

import ctypes
import time
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest

from paykit.consume.fetching import record_of
from paykit.consume.prepared import ReadyEvent, UndecodableRecord
from paykit.kafka.cloud_events import UNREADABLE_HEADERS, Compactor
from paykit.process.runtime import Runtime
from tests import probe
from tests.faults.mock_cluster import MockCluster, mock_cluster
from tests.integration.runtime.arrivals import TOPIC, arrival, deliver, keys_of

WAIT_S = 30.0
_TOPIC, _PARTITION, _VALUE, _KEY, _MESSAGE_FLAGS, _HEADER = 1, 3, 4, 5, 7, 9
"""Kinds of arguments, as `rd_kafka_vtype_t` numbers them."""
_COPY = 2
"""`RD_KAFKA_MSG_F_COPY`."""


class _Memory(ctypes.Structure):
    _fields_ = (("begin", ctypes.c_char_p), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p), ("size", ctypes.c_ssize_t))


class _Content(ctypes.Union):
    _fields_ = (
        ("text", ctypes.c_char_p),
        ("number", ctypes.c_int),
        ("memory", _Memory),
        ("header", _Header),
        ("room", ctypes.c_char * 64),
    )


class _Argument(ctypes.Structure):
    """`rd_kafka_vu_t`."""

    _fields_ = (("kind", ctypes.c_int), ("content", _Content))


def _produce(cluster: MockCluster, *, key: bytes, value: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Produce as any program may that does not go through Python's driver."""
    library = cluster.library
    library.rd_kafka_produceva.restype = ctypes.c_void_p
    error = ctypes.create_string_buffer(512)
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(configuration, b"bootstrap.servers", cluster.bootstrap.encode(), error, 512)
    producer = ctypes.c_void_p(library.rd_kafka_new(0, configuration, error, 512))
    contents = [
        (_TOPIC, _Content(text=TOPIC.encode())),
        (_PARTITION, _Content(number=0)),
        (_VALUE, _Content(memory=_Memory(value, len(value)))),
        (_KEY, _Content(memory=_Memory(key, len(key)))),
        (_MESSAGE_FLAGS, _Content(number=_COPY)),
        *((_HEADER, _Content(header=_Header(name, content, len(content)))) for name, content in headers),
    ]
    arguments = (_Argument * len(contents))(*(_Argument(kind, content) for kind, content in contents))
    assert library.rd_kafka_produceva(producer, arguments, ctypes.c_size_t(len(contents))) is None
    assert library.rd_kafka_flush(producer, int(WAIT_S * 1_000)) == 0
    library.rd_kafka_destroy(producer)


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(TOPIC, partitions=1) as cluster:
        yield cluster


def _consumed(cluster: MockCluster, count: int) -> list[Any]:
    """Consume so many messages; what the client says of a cluster that is slow to answer comes among them."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "g"})
    consumer.assign([confluent_kafka.TopicPartition(TOPIC, 0, 0)])
    messages: list[Any] = []
    give_up_s = time.monotonic() + WAIT_S
    while len(messages) < count and time.monotonic() < give_up_s:
        messages += [message for message in consumer.consume(count, timeout=0.5) if message.error() is None]
    consumer.close()
    return messages


async def test_a_record_whose_headers_cannot_be_read_is_a_dead_letter_and_holds_up_no_other(
    runtime: Runtime, cluster: MockCluster
) -> None:
    events = [arrival(runtime, probe.payment_created(f"pay_{number}")) for number in range(3)]
    sent: list[list[tuple[bytes, bytes]]] = [[(b"ce_id", b"1")], [(b"ce_id", b"2"), (b"\xff\xfe", b"x")], []]
    for event, headers in zip(events, sent, strict=True):
        _produce(cluster, key=event.key.encode(), value=event.value or b"", headers=headers)
    records = [record_of(message) for message in _consumed(cluster, 3)]
    assert [list(record.headers) for record in records] == [[("ce_id", b"1")], list(UNREADABLE_HEADERS), []]
    assert (await deliver(runtime, records)).applied == 2
    assert await keys_of(runtime, "seen") == ["pay_0", "pay_2"]
    assert await keys_of(runtime, "dead_letter") == ["pay_1"]


def test_however_often_headers_are_read_none_that_cannot_be_fails_elsewhere(cluster: MockCluster) -> None:
    names = [b"\xff\xfe" if number % 3 else b"ce_id" for number in range(90)]
    for number, name in enumerate(names):
        _produce(cluster, key=b"%d" % number, value=b"x", headers=[(b"h", b"1"), (name, b"2")])
    records = [record_of(message) for message in _consumed(cluster, len(names))]
    assert [record.key for record in records] == [str(number) for number in range(len(names))]
    readable = [record.headers is not UNREADABLE_HEADERS for record in records]
    assert readable == [name == b"ce_id" for name in names]


def test_headers_that_cannot_be_read_are_known_from_others_of_their_name(runtime: Runtime) -> None:
    record = arrival(runtime, probe.payment_created("pay_1"))
    compact = Compactor().compact
    record.headers = compact([("paystream-unreadable-headers", None)])
    assert isinstance(runtime.application.prepare(record), ReadyEvent)  # As when people have it replayed.
    record.headers = compact(UNREADABLE_HEADERS)
    prepared = runtime.application.prepare(record)
    assert isinstance(prepared, UndecodableRecord)
    assert prepared.cause.error == "the name of a header is not UTF-8"
