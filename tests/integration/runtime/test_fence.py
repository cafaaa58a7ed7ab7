"""The stored offset decides: a consumer that holds another position applies nothing, whatever it has fetched."""

import asyncio
from collections.abc import Sequence

import pytest

from paykit.consume.consumer import Consumer
from paykit.consume.delivery import Record
from paykit.consume.fetching import Slice
from paykit.consume.store import offsets
from paykit.consume.store.offsets import Position, TopicPartition
from paykit.kafka.topic_watch import TopicWatch
from paykit.process.runtime import Runtime
from tests import probe
from tests.integration.runtime.arrivals import TOPIC, arrival, keys_of

FIRST: TopicPartition = (TOPIC, 0)
SECOND: TopicPartition = (TOPIC, 1)


@pytest.fixture
def consumer(runtime: Runtime) -> Consumer:
    """A consumer that never fetches: batches are put into its hands."""
    return Consumer(
        service="probe",
        bootstrap="127.0.0.1:1",
        group="probe",
        topic=TOPIC,
        lane=asyncio.Semaphore(),
        topics=TopicWatch("127.0.0.1:1"),
        database=runtime.database,
        application=runtime.application,
        on_applied=lambda: None,
    )


async def store(runtime: Runtime, partition: TopicPartition, next_offset: int) -> None:
    await runtime.transaction(lambda tx: offsets.begin(tx, partition, Position(next_offset, "cluster", "topic")))
    await runtime.transaction(lambda tx: offsets.advance(tx, {partition: next_offset}))


async def stored(runtime: Runtime, partition: TopicPartition) -> int:
    return (await runtime.read(lambda tx: offsets.load(tx, [partition])))[partition].next_offset


def piece(start: int, records: Sequence[Record]) -> Slice:
    return Slice(start, start + len(records), "topic", records=list(records))


async def test_a_batch_at_the_stored_offset_is_applied_and_moves_it(runtime: Runtime, consumer: Consumer) -> None:
    await store(runtime, FIRST, 100)
    consumer._positions[FIRST] = 100
    payment_id = probe.new_payment_id()
    dropped = await consumer._apply(
        {FIRST: piece(100, [arrival(runtime, probe.payment_created(payment_id))])}, isolate=False
    )
    assert dropped == []
    assert await keys_of(runtime, "seen") == [payment_id]
    assert await stored(runtime, FIRST) == 101


async def test_a_batch_is_dropped_where_another_process_went_on_meanwhile(runtime: Runtime, consumer: Consumer) -> None:
    await store(runtime, FIRST, 100)
    consumer._positions[FIRST] = 100
    await store(runtime, FIRST, 101)  # Another process applied the same record.
    batch = {FIRST: piece(100, [arrival(runtime, probe.payment_created(probe.new_payment_id()))])}
    assert await consumer._apply(batch, isolate=False) == [FIRST]
    assert await keys_of(runtime, "seen") == []
    assert await stored(runtime, FIRST) == 101


async def test_a_batch_fetched_from_another_position_is_dropped(runtime: Runtime, consumer: Consumer) -> None:
    await store(runtime, FIRST, 100)
    consumer._positions[FIRST] = 100
    for start in (99, 101):  # Fetched before a seek; fetched after a batch that was dropped.
        batch = {FIRST: piece(start, [arrival(runtime, probe.payment_created(probe.new_payment_id()))])}
        assert await consumer._apply(batch, isolate=False) == [FIRST]
    assert await keys_of(runtime, "seen") == []
    assert await stored(runtime, FIRST) == 100


async def test_one_lost_partition_does_not_hold_up_the_others(runtime: Runtime, consumer: Consumer) -> None:
    await store(runtime, FIRST, 100)
    await store(runtime, SECOND, 7)
    consumer._positions.update({FIRST: 99, SECOND: 7})
    mine = probe.new_payment_id()
    batch = {
        FIRST: piece(99, [arrival(runtime, probe.payment_created(probe.new_payment_id()))]),
        SECOND: piece(7, [arrival(runtime, probe.payment_created(mine))]),
    }
    assert await consumer._apply(batch, isolate=False) == [FIRST]
    assert await keys_of(runtime, "seen") == [mine]
    assert (await stored(runtime, FIRST), await stored(runtime, SECOND)) == (100, 8)
