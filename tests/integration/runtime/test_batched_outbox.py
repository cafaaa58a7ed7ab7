"""The events of a transaction are one row of the outbox, and each is sent, kept back and left as if it was its own."""

import asyncio
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest

from paykit.kafka.cloud_events import CloudEventHeaders
from paykit.postgres import connecting, outbox
from paykit.postgres.batches.outbox_writing import set_batches
from paykit.postgres.held import outbox_holds
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from tests import probe
from tests.faults.mock_cluster import MockCluster, mock_cluster
from tests.integration.runtime.relaying import (
    KEYS,
    PARTITIONS,
    Arrivals,
    emit,
    put,
    relaying,
    until_nothing_is_left,
)
from tests.line.waiting import until

TOPIC = "payment.events"
STALLED = 2
STALLED_KEYS = [key for key in KEYS if confluent_kafka.murmur2(key.encode(), PARTITIONS) == STALLED]
FREE_KEYS = [key for key in KEYS if key not in STALLED_KEYS]
WIDE = [f"pay_{number}" for number in range(1_500)]


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster(TOPIC, partitions=PARTITIONS) as cluster:
        yield cluster


@pytest.fixture
def arrivals(cluster: MockCluster) -> Iterator[Arrivals]:
    arrivals = Arrivals(cluster, TOPIC)
    yield arrivals
    arrivals.close()


async def rows(runtime: Runtime) -> list[Any]:
    return await runtime.read(lambda tx: tx.fetch("SELECT * FROM outbox ORDER BY id"))


async def test_the_events_of_a_transaction_are_one_small_row_and_are_sent_as_they_were(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    await emit(runtime, range(3))
    [row] = await rows(runtime)
    events = await outbox_events(runtime)
    assert (row["topic"], row["events"], len(events)) == (TOPIC, 72, 72)
    assert 4 * len(row["value"]) < sum(len(event["value"]) for event in events)
    assert [event["id"] - row["id"] for event in events] == list(range(72))
    async with relaying(runtime, cluster):
        await arrivals.until(TOPIC, range(3), KEYS)
        await until_nothing_is_left(runtime)


async def test_one_event_is_a_row_of_its_own_and_many_are_several(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    await emit(runtime, range(1), WIDE[:1])
    await emit(runtime, range(1), WIDE[1:])
    assert [row["events"] for row in await rows(runtime)] == [1, 749, 750]
    ids = [event["id"] for event in await outbox_events(runtime)]
    assert ids == sorted(set(ids))
    async with relaying(runtime, cluster):
        await arrivals.until(TOPIC, range(1), WIDE)
        await until_nothing_is_left(runtime)


async def test_rows_of_a_build_before_batches_go_in_turn_with_them(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    await emit(runtime, range(1))
    await put(runtime, TOPIC, range(1, 2))
    await emit(runtime, range(2, 3))
    async with relaying(runtime, cluster):
        await arrivals.until(TOPIC, range(3), KEYS)
        await until_nothing_is_left(runtime)


async def test_of_a_batch_what_waits_for_a_stalled_partition_is_left_alone(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    cluster.take_leader(TOPIC, STALLED)
    async with relaying(runtime, cluster):
        for number in range(3):
            await emit(runtime, range(number, number + 1))
            await arrivals.until(TOPIC, range(number + 1), FREE_KEYS)

        async def only_stalled_rows_are_left() -> bool:
            found = [(row["key"], row["events"]) for row in await rows(runtime)]
            return found == [(key, 1) for _ in range(3) for key in STALLED_KEYS]

        await until(only_stalled_rows_are_left)
    # What was acknowledged is not sent again by the next leader.
    async with relaying(runtime, cluster):
        await emit(runtime, range(3, 4))
        await arrivals.until(TOPIC, range(4), FREE_KEYS)
        cluster.give_leader(TOPIC, STALLED)
        await arrivals.until(TOPIC, range(4), STALLED_KEYS)
        await until_nothing_is_left(runtime)


async def test_batches_stay_whole_while_nothing_of_their_topic_is_taken(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    for partition in range(PARTITIONS):
        cluster.take_leader(TOPIC, partition)
    async with relaying(runtime, cluster):
        await emit(runtime, range(1))

        async def the_first_is_parted() -> bool:
            return len(await rows(runtime)) == len(KEYS)

        await until(the_first_is_parted)
        for number in range(1, 4):
            await emit(runtime, range(number, number + 1))
        await asyncio.sleep(1.0)  # They are looked at several times.
        assert [row["events"] for row in await rows(runtime)] == [1] * len(KEYS) + [len(KEYS)] * 3
        for partition in range(PARTITIONS):
            cluster.give_leader(TOPIC, partition)
        await arrivals.until(TOPIC, range(4), KEYS)
        await until_nothing_is_left(runtime)


async def test_single_events_are_written_where_older_builds_may_relay_them(runtime: Runtime) -> None:
    await runtime.transaction(lambda tx: set_batches(tx, batches=False))
    await emit(runtime, range(2), KEYS[:3])
    assert [row["events"] for row in await rows(runtime)] == [1] * 6


async def test_a_relay_of_an_older_build_fails_at_a_batch_and_sends_nothing_of_it(runtime: Runtime) -> None:
    await emit(runtime, range(2))
    # What such a relay does first with a row; it has known no other kind.
    with pytest.raises(IndexError):
        CloudEventHeaders().of((await rows(runtime))[0])


async def test_a_batch_that_an_older_relay_has_set_aside_is_sent_in_turn(
    runtime: Runtime, cluster: MockCluster, arrivals: Arrivals
) -> None:
    await put(runtime, TOPIC, range(1))
    await emit(runtime, range(1, 4))
    connection = await connecting.connect(runtime.database.url, "probe")
    try:
        await connection.execute(outbox.SET_ASIDE, [row["id"] for row in await rows(runtime)])
        await connection.execute(outbox_holds.REFUSE, TOPIC, None, 1, "TOPIC_AUTHORIZATION_FAILED", "refused")
        await connection.execute("UPDATE outbox_hold SET retry_time = clock_timestamp()")
    finally:
        await connection.close()
    await emit(runtime, range(4, 6))
    async with relaying(runtime, cluster):
        await arrivals.until(TOPIC, range(6), KEYS)
        await until_nothing_is_left(runtime)


async def test_events_are_counted_and_not_rows(runtime: Runtime) -> None:
    await emit(runtime, range(5))
    depth = (await runtime.read(lambda tx: tx.fetch(outbox.SELECT_DEPTH, 1_000, -1)))[0]
    assert (depth["rows"], depth["oldest"]) == (120, probe.NOON)
