"""Keys are sent to the partitions that Java's clients would choose, and stay there while their producer lives."""

import pytest

from paykit.kafka.lanes import Lanes, waits


class Cluster:
    """Stands for a producer that knows how many partitions a topic has; 0 while it cannot be asked."""

    def __init__(self, partitions: int) -> None:
        self.count = partitions

    def partitions(self, topic: str, *, timeout_s: float) -> int:
        assert (topic, timeout_s > 0) == ("t", True)
        return self.count


@pytest.mark.parametrize(
    ("key", "murmur2"),
    # Source: UtilsTest.testMurmur2 of Apache Kafka's clients.
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_a_key_has_the_partition_of_java_s_clients(key: str, murmur2: int) -> None:
    lanes = Lanes()
    lanes.count(Cluster(24), "t")  # type: ignore[arg-type]  # What is asked of it.
    assert lanes.of(key) == (murmur2 & 0x7FFFFFFF) % 24


def test_a_wider_topic_moves_no_key_of_a_producer() -> None:
    cluster, lanes = Cluster(0), Lanes()
    lanes.count(cluster, "t")  # type: ignore[arg-type]
    assert lanes.of("foobar") is None
    cluster.count = 6
    lanes.count(cluster, "t")  # type: ignore[arg-type]
    cluster.count = 12
    lanes.count(cluster, "t")  # type: ignore[arg-type]
    # Its hash without the sign is 1357151166, which is 0 modulo 6 and 6 modulo 12.
    assert lanes.of("foobar") == 0


def test_a_lane_waits_with_itself_or_the_whole_topic() -> None:
    assert waits(3, {3})
    assert not waits(3, {4})
    assert waits(3, {None})
    assert waits(None, {None})
    assert not waits(None, set())


def test_all_partitions_wait_where_each_does() -> None:
    lanes = Lanes()
    assert not lanes.all_in({0, 1})
    lanes.count(Cluster(2), "t")  # type: ignore[arg-type]
    assert not lanes.all_in({1})
    assert lanes.all_in({0, 1})
