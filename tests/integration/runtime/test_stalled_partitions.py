"""A partition without a leader stops itself alone: its rows wait in the outbox, all others go on, in order."""

from collections.abc import Iterator

import confluent_kafka
import pytest
from prometheus_client import REGISTRY

from paykit.process.runtime import Runtime
from tests.faults.mock_cluster import MockCluster, mock_cluster
from tests.integration.runtime.relaying import (
    KEYS,
    PARTITIONS,
    WAIT_S,
    Arrivals,
    left,
    put,
    relaying,
    until_nothing_is_left,
)
from tests.line.waiting import until

TOPIC, OTHER = "payment.events", "order.events"
STALLED = 2
STALLED_KEYS = [key for key in KEYS if confluent_kafka.murmur2(key.encode(), PARTITIONS) == STALLED]
FREE_KEYS = [key for key in KEYS if key not in STALLED_KEYS]


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(TOPIC, OTHER, partitions=PARTITIONS) as cluster:
        yield cluster


@pytest.fixture
def arrivals(cluster: MockCluster) -> Iterator[Arrivals]:
    arrivals = Arrivals(cluster, TOPIC, OTHER)
    yield arrivals
    arrivals.close()


async def test_a_partition_without_leader_stops_its_own_keys_alone(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    assert STALLED_KEYS
    assert FREE_KEYS
    cluster.take_leader(TOPIC, STALLED)
    async with relaying(runtime, cluster) as relay:
        for begin in (0, 2, 4):
            await put(runtime, TOPIC, range(begin, begin + 2))
            await arrivals.until(TOPIC, range(begin + 2), FREE_KEYS)
        assert await left(runtime) == [
            (TOPIC, key, str(number).encode()) for number in range(6) for key in STALLED_KEYS
        ]
        assert not relay.drained.is_set()
        assert [arrivals.of(TOPIC, key) for key in STALLED_KEYS] == [[] for _ in STALLED_KEYS]
        cluster.give_leader(TOPIC, STALLED)
        await arrivals.until(TOPIC, range(6), STALLED_KEYS)
        await until_nothing_is_left(runtime)
        await put(runtime, TOPIC, range(6, 8))
        await arrivals.until(TOPIC, range(8), KEYS)


async def one_is_told_to_be_stalled() -> bool:
    labels = {"service": "probe", "topic": TOPIC}
    return REGISTRY.get_sample_value("paystream_outbox_stalled_partitions", labels) == 1


async def test_what_is_behind_more_rows_of_it_than_are_looked_at_together_is_reached(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    cluster.take_leader(TOPIC, STALLED)
    async with relaying(runtime, cluster):
        await put(runtime, TOPIC, range(700), STALLED_KEYS)
        assert 700 * len(STALLED_KEYS) > 2000
        await put(runtime, TOPIC, range(3), FREE_KEYS)
        await put(runtime, OTHER, range(3))
        await arrivals.until(TOPIC, range(3), FREE_KEYS)
        await arrivals.until(OTHER, range(3), KEYS)
        assert len(await left(runtime)) == 700 * len(STALLED_KEYS)
        await until(one_is_told_to_be_stalled, seconds=WAIT_S)
        cluster.give_leader(TOPIC, STALLED)
        await arrivals.until(TOPIC, range(700), STALLED_KEYS)
        await until_nothing_is_left(runtime)


async def test_the_next_leader_goes_on_beside_it_as_well(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    cluster.take_leader(TOPIC, STALLED)
    async with relaying(runtime, cluster):
        await put(runtime, TOPIC, range(2))
        await arrivals.until(TOPIC, range(2), FREE_KEYS)
    async with relaying(runtime, cluster):
        await put(runtime, TOPIC, range(2, 4))
        await arrivals.until(TOPIC, range(4), FREE_KEYS)
        cluster.give_leader(TOPIC, STALLED)
        await arrivals.until(TOPIC, range(4), STALLED_KEYS)
        await until_nothing_is_left(runtime)


async def test_a_topic_of_which_no_partition_has_a_leader_goes_on_when_they_have(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    for partition in range(PARTITIONS):
        cluster.take_leader(TOPIC, partition)
    async with relaying(runtime, cluster):
        for begin in (0, 2, 4):
            await put(runtime, TOPIC, range(begin, begin + 2))
            await put(runtime, OTHER, range(begin, begin + 2))
            await arrivals.until(OTHER, range(begin + 2), KEYS)
        for partition in range(PARTITIONS):
            cluster.give_leader(TOPIC, partition)
        await arrivals.until(TOPIC, range(6), KEYS)
        await until_nothing_is_left(runtime)
