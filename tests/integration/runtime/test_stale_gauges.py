"""What a process does not know any more it shows no more: of partitions that it lost, and of a lead."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import asyncpg
from prometheus_client import REGISTRY

from paykit.consume.halting.halt import HaltError, HaltReason
from paykit.consume.halting.halts import Halts
from paykit.consume.lag import Lag
from paykit.consume.store.offsets import TopicPartition
from paykit.kafka.relay import Relay
from paykit.kafka.topic_watch import LogRange
from paykit.process.runtime import Runtime
from tests.line.waiting import until

TOPIC = "payment.events"
KEPT, LOST = (TOPIC, 0), (TOPIC, 1)


def shown(gauge: str, partition: TopicPartition) -> float | None:
    labels = {"service": "probe", "topic": partition[0], "partition": str(partition[1])}
    return REGISTRY.get_sample_value(f"paystream_consumer_{gauge}", labels)


class Topics:
    """Ten records in each partition; while they are asked for, a partition can be lost."""

    def __init__(self, ours: set[TopicPartition]) -> None:
        self.ours = ours
        self.loses: set[TopicPartition] = set()

    async def ranges(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, LogRange | None]:
        self.ours -= self.loses
        return {partition: LogRange(first_offset=0, end_offset=10) for partition in partitions}


async def test_the_lag_of_a_partition_that_was_lost_is_shown_no_more_nor_again(runtime: Runtime) -> None:
    ours = {KEPT, LOST}
    topics: Any = Topics(ours)
    lag = Lag(service="probe", database=runtime.database, topics=topics, partitions=lambda: ours)
    await lag.measure()
    assert [shown("lag", each) for each in (KEPT, LOST)] == [10, 10]
    topics.loses = {LOST}  # In the middle of a measurement, which then ends.
    measuring = asyncio.create_task(lag.measure())
    lag.forget([LOST])
    await measuring
    for gauge in ("lag", "oldest_unapplied_seconds"):
        assert shown(gauge, KEPT) is not None
        assert shown(gauge, LOST) is None
    lag.forget([KEPT])


def test_a_partition_that_is_consumed_is_shown_as_not_halted_until_it_is_lost(runtime: Runtime) -> None:
    halts = Halts(service="probe", database=runtime.database)
    halts.begin([KEPT, LOST], halted=[KEPT])
    assert [shown("halted", each) for each in (KEPT, LOST)] == [1, 0]
    halts.forget([KEPT, LOST])
    assert [shown("halted", each) for each in (KEPT, LOST)] == [None, None]


async def test_the_halt_of_a_partition_that_was_lost_is_shown_no_more(runtime: Runtime) -> None:
    halts = Halts(service="probe", database=runtime.database)
    await halts.add(HaltError(HaltReason.BATCH_FAILS, "a test", KEPT, LOST))
    assert [shown("halted", each) for each in (KEPT, LOST)] == [1, 1]
    halts.forget([LOST])
    assert [shown("halted", each) for each in (KEPT, LOST)] == [1, None]
    halts.forget([KEPT])


async def test_what_a_relay_measured_while_it_led_is_shown_no_more_when_another_leads(
    runtime: Runtime, probe_url: str
) -> None:
    def outbox(gauge: str) -> float | None:
        return REGISTRY.get_sample_value(f"paystream_{gauge}", {"service": "probe"})

    async def leads(value: float) -> bool:
        return outbox("relay_leading") == value and (outbox("outbox_rows") is not None) == bool(value)

    # Nothing is in the outbox, and so Kafka is never asked.
    dsn = runtime.database.url
    relay = Relay(dsn=dsn, schema="probe", kafka_bootstrap="127.0.0.1:1", wakeups=runtime.wakeups)
    relaying = asyncio.create_task(relay.run())
    rival = await asyncpg.connect(dsn)
    try:
        await until(lambda: leads(1))
        rival_pid = rival.get_server_pid()
        # Whoever waits for the lock has it as soon as the leader's connection is gone.
        locks = "SELECT classid, objid, pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> $1"
        [lock] = await rival.fetch(
            f"{locks} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())", rival_pid
        )
        waiting = asyncio.create_task(rival.execute("SELECT pg_advisory_lock($1, hashtext('probe'))", lock["classid"]))
        administrator = await asyncpg.connect(dsn)

        async def rival_waits() -> bool:
            in_line = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = $1"
            return bool(await administrator.fetch(in_line, rival_pid))

        await until(rival_waits)
        await administrator.execute("SELECT pg_terminate_backend($1)", lock["pid"])
        await administrator.close()
        await waiting
        await until(lambda: leads(0))
        assert outbox("outbox_oldest_seconds") is None
    finally:
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await rival.close()
