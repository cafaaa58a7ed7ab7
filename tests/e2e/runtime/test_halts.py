"""What stops a partition, that it says so and stops no other, and what has it go on: time, or people."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import confluent_kafka
import grpc
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported without saying so
from grpc_health.v1 import health_pb2
from prometheus_client import REGISTRY

from paykit.base.config import Settings
from paykit.consume.halting.steering import Steering
from paykit.kafka.topic_watch import TopicWatch
from paykit.process.runtime import Runtime
from paykit.testing import databases, hosts
from tests import probe
from tests.e2e.runtime.flow import PAUSE_S, WAIT_S, emit, produce, rows_of, seen, until, until_seen

PARTITIONS = 6
_OLDEST = "paystream_consumer_oldest_unapplied_seconds"
LONG_S = 4.0
"""Longer than any pause before a retry, and than a consumer needs to notice anything."""


@pytest.fixture
async def administrator(probe_template: str, probe_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(databases.admin_url_of(probe_template, probe_url))
    yield connection
    await connection.close()


def topic_of(settings: Settings) -> str:
    return f"{settings.topic_prefix}payment.events"


def steering(runtime: Runtime) -> Steering:
    return Steering(runtime.database, TopicWatch(runtime.settings.kafka_bootstrap))


def created(count: int) -> list[Any]:
    return [probe.payment_created(probe.new_payment_id()) for _ in range(count)]


def crashing(count: int) -> list[Any]:
    return [probe.payment_created(probe.new_payment_id(), amount_minor=probe.CRASHING_MINOR) for _ in range(count)]


def recreate(settings: Settings) -> None:
    """Delete the topic and make it again, once the broker has forgotten it: it may still take records for a moment."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    topic = topic_of(settings)
    for done in admin.delete_topics([topic]).values():
        done.result()
    await_logs_gone(settings, topic)
    for tries_left in reversed(range(int(WAIT_S))):
        try:
            for done in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
                done.result()
        except confluent_kafka.KafkaException:
            if not tries_left:
                raise
        else:
            return


def await_logs_gone(settings: Settings, topic: str) -> None:
    """Wait until no partition of a topic takes requests any more."""
    watch = TopicWatch(settings.kafka_bootstrap)
    places = [(topic, number) for number in range(PARTITIONS)]
    for _ in range(int(WAIT_S / PAUSE_S)):
        if not any(asyncio.run(watch.ranges(places)).values()):
            return
        time.sleep(PAUSE_S)
    raise TimeoutError(topic)


def delete_records(settings: Settings, before: dict[int, int]) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    places = [confluent_kafka.TopicPartition(topic_of(settings), number, end) for number, end in before.items()]
    for done in admin.delete_records(places).values():
        done.result()


async def until_halted(runtime: Runtime, reason: str, count: int) -> list[Any]:
    async def halted() -> bool:
        return [row["reason"] for row in await rows_of(runtime, "consumer_halt")] == [reason] * count

    await until(halted)
    return sorted(await rows_of(runtime, "consumer_halt"), key=lambda row: int(row["partition"]))


async def until_none_halted(runtime: Runtime) -> None:
    async def none() -> bool:
        return not await rows_of(runtime, "consumer_halt")

    await until(none)


async def until_rows(runtime: Runtime, table: str, count: int) -> list[Any]:
    async def there() -> bool:
        return len(await rows_of(runtime, table)) == count

    await until(there)
    return await rows_of(runtime, table)


async def adopt_all(runtime: Runtime, rows: Sequence[Any]) -> None:
    for row in rows:
        place = (row["topic"], row["partition"])
        assert await steering(runtime).adopt(place, None, reason="made again on purpose", actor="ops") == 0


async def test_a_topic_made_again_under_a_consumer_and_filled_past_its_offsets_skips_nothing(
    runtime: Runtime, settings: Settings
) -> None:
    before = created(60)
    await emit(runtime, before)
    await until_seen(runtime, 60)
    await asyncio.to_thread(recreate, settings)
    after = created(200)
    await emit(runtime, after)
    rows = await until_halted(runtime, "TOPIC_REPLACED", PARTITIONS)
    assert {key for key, _ in await seen(runtime)} == {event.payment_id for event in before}
    await adopt_all(runtime, rows)

    async def all_are_in_the_topic() -> bool:
        ranges = await TopicWatch(settings.kafka_bootstrap).ranges([(topic_of(settings), n) for n in range(PARTITIONS)])
        return sum(log.end_offset for log in ranges.values() if log is not None) >= 200

    await until(all_are_in_the_topic)
    arrived = await until_seen(runtime, 260)
    assert Counter(key for key, _ in arrived) == Counter(event.payment_id for event in before + after)
    await until_none_halted(runtime)
    assert [row["kind"] for row in await rows_of(runtime, "consumer_decision")] == ["ADOPT"] * PARTITIONS


async def test_the_same_coordinates_in_a_topic_made_again_become_dead_letters_again(
    runtime: Runtime, settings: Settings
) -> None:
    produce(settings, key="pay_garbage", value=b"not avro")
    await until_rows(runtime, "dead_letter", 1)
    await asyncio.to_thread(recreate, settings)
    await adopt_all(runtime, await until_halted(runtime, "TOPIC_REPLACED", PARTITIONS))
    produce(settings, key="pay_garbage", value=b"not avro either")
    first, second = sorted(await until_rows(runtime, "dead_letter", 2), key=lambda row: int(row["dead_letter_id"]))
    assert (first["partition"], first["record_offset"]) == (second["partition"], second["record_offset"])
    assert first["topic_id"] != second["topic_id"]
    assert [first["value"], second["value"]] == [b"not avro", b"not avro either"]


async def test_records_that_are_gone_before_they_were_applied_halt_their_partitions_alone(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    async with hosts.hosted([probe.SERVICE], settings) as host:
        await emit(host.runtimes[0], created(120))
        await until_seen(host.runtimes[0], 120)
    await asyncio.to_thread(delete_records, settings, {0: 3, 1: 3})
    await administrator.execute("UPDATE probe.consumer_offset SET next_offset = 1 WHERE partition = 0")
    await administrator.execute("DELETE FROM probe.consumer_offset WHERE partition = 1")
    await administrator.execute("UPDATE probe.consumer_offset SET next_offset = 100000 WHERE partition = 2")
    async with hosts.hosted([probe.SERVICE], settings) as host:
        runtime = host.runtimes[0]
        rows = await until_rows(runtime, "consumer_halt", 3)
        found = sorted((row["partition"], row["reason"]) for row in rows)
        assert found == [(0, "RECORDS_GONE"), (1, "RECORDS_GONE"), (2, "LOG_TRUNCATED")]
        await emit(runtime, created(60))

        async def the_others_went_on() -> bool:
            consumed = {each.partition[1]: each for each in await steering(runtime).list()}
            lags = [consumed[number].lag for number in (3, 4, 5)]
            return lags == [0, 0, 0] and len(await seen(runtime)) > 120

        await until(the_others_went_on)
        for number in (0, 1, 2):
            place = (topic_of(settings), number)
            await steering(runtime).adopt(place, None, reason="deleted on purpose", actor="ops")
        arrived = await until_seen(runtime, 180)
        assert max(Counter(arrived).values()) == 1
        await until_none_halted(runtime)


async def test_a_log_that_does_not_know_the_stored_epoch_halts_its_partition_alone(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    async with hosts.hosted([probe.SERVICE], settings) as host:
        await emit(host.runtimes[0], created(60))
        await until_seen(host.runtimes[0], 60)
    # As of records of a leader whose log was lost, and written anew from before them.
    await administrator.execute("UPDATE probe.consumer_offset SET leader_epoch = 1000 WHERE partition = 0")
    async with hosts.hosted([probe.SERVICE], settings) as host:
        runtime = host.runtimes[0]
        [halt] = await until_halted(runtime, "LOG_TRUNCATED", 1)
        assert halt["partition"] == 0
        sent = created(60)
        await emit(runtime, sent)

        async def the_others_went_on() -> bool:
            consumed = {each.partition[1]: each.lag for each in await steering(runtime).list()}
            return [consumed[number] for number in (1, 2, 3, 4, 5)] == [0] * 5 and len(await seen(runtime)) > 60

        await until(the_others_went_on)
        place = (halt["topic"], 0)
        [at] = [row for row in await rows_of(runtime, "consumer_offset") if row["partition"] == 0]
        await steering(runtime).adopt(place, at["next_offset"], reason="nothing was lost", actor="ops")
        arrived = await until_seen(runtime, 120)
        assert max(Counter(arrived).values()) == 1
        await until_none_halted(runtime)


async def test_records_deleted_before_a_resting_partition_goes_on_keep_it_halted(
    runtime: Runtime, settings: Settings
) -> None:
    await emit(runtime, created(1) + crashing(100))
    rows = await until_halted(runtime, "HANDLER_FAILS", PARTITIONS)
    place = (topic_of(settings), 0)
    await asyncio.to_thread(delete_records, settings, {0: 5})
    await steering(runtime).resume(place, reason="mended", actor="ops")

    async def halted_anew() -> bool:
        return {row["reason"] for row in await rows_of(runtime, "consumer_halt") if row["partition"] == 0} == {
            "RECORDS_GONE"
        }

    await until(halted_anew)
    [before] = [row for row in rows if row["partition"] == 0]
    [now] = [row for row in await rows_of(runtime, "consumer_halt") if row["partition"] == 0]
    assert now["since"] == before["since"]


async def test_a_halt_heals_by_itself_when_its_cause_is_gone(
    runtime: Runtime, administrator: asyncpg.Connection
) -> None:
    await administrator.execute("ALTER TABLE probe.seen RENAME TO hidden")
    sent = created(60)
    await emit(runtime, sent)
    await until_halted(runtime, "HANDLER_FAILS", PARTITIONS)
    assert await rows_of(runtime, "dead_letter") == []
    await administrator.execute("ALTER TABLE probe.hidden RENAME TO seen")
    arrived = await until_seen(runtime, 60)
    assert Counter(key for key, _ in arrived) == Counter(event.payment_id for event in sent)
    await until_none_halted(runtime)


async def test_a_halt_is_tried_at_once_when_people_say_so(
    runtime: Runtime, settings: Settings, administrator: asyncpg.Connection
) -> None:
    await administrator.execute("ALTER TABLE probe.seen RENAME TO hidden")
    await emit(runtime, created(60))
    await until_halted(runtime, "HANDLER_FAILS", PARTITIONS)
    await administrator.execute("UPDATE probe.consumer_halt SET next_try = now() + interval '1 day'")
    await administrator.execute("ALTER TABLE probe.hidden RENAME TO seen")
    await asyncio.sleep(LONG_S)
    assert await seen(runtime) == []
    for number in range(PARTITIONS):
        await steering(runtime).resume((topic_of(settings), number), reason="mended", actor="ops")
    await until_seen(runtime, 60)
    await until_none_halted(runtime)
    decisions = await rows_of(runtime, "consumer_decision")
    assert {(row["kind"], row["reason"], row["actor"]) for row in decisions} == {("RESUME", "mended", "ops")}
    assert None not in {row["apply_time"] for row in decisions}


async def test_two_failures_in_a_quiet_topic_are_dead_letters_after_one_try(runtime: Runtime) -> None:
    await emit(runtime, crashing(2))
    await until_rows(runtime, "dead_letter", 2)
    await until_none_halted(runtime)
    await emit(runtime, created(1))
    await until_seen(runtime, 1)


async def test_a_record_that_fails_around_the_handlers_halts_its_partition_alone_and_is_gone_past(
    runtime: Runtime, settings: Settings, administrator: asyncpg.Connection
) -> None:
    sql = "ALTER TABLE probe.dead_letter ADD CONSTRAINT no_garbage CHECK (reason <> 'UNDECODABLE')"
    await administrator.execute(sql)
    produce(settings, key="pay_garbage", value=b"not avro")
    await emit(runtime, created(60))
    [halt] = await until_halted(runtime, "BATCH_FAILS", 1)
    place = (halt["topic"], halt["partition"])
    [at] = [row for row in await rows_of(runtime, "consumer_offset") if row["partition"] == place[1]]
    assert halt["explanation"].startswith(f"offset {at['next_offset']}: CheckViolationError")
    await steering(runtime).skip(place, at["next_offset"], reason="no event of ours", actor="ops")
    await until_seen(runtime, 60)
    await until_none_halted(runtime)
    [letter] = await rows_of(runtime, "dead_letter")
    facts = (letter["key"], letter["value"], letter["reason"], letter["error"])
    assert facts == ("pay_garbage", b"not avro", "SKIPPED", "ops: no event of ours")
    [decision] = await rows_of(runtime, "consumer_decision")
    assert decision["apply_time"] is not None


async def test_a_database_that_takes_no_writes_for_a_while_halts_nothing(
    runtime: Runtime, settings: Settings, administrator: asyncpg.Connection
) -> None:
    await emit(runtime, created(30))
    await until_seen(runtime, 30)
    name = await administrator.fetchval("SELECT current_database()")
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
    await administrator.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await administrator.execute("SET default_transaction_read_only = off")
    await administrator.fetch(others, name)
    for number in range(20):
        produce(settings, key=f"pay_garbage_{number}", value=b"not avro")
    await asyncio.sleep(LONG_S)
    await administrator.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    await until_rows(runtime, "dead_letter", 20)
    assert await rows_of(runtime, "consumer_halt") == []
    await emit(runtime, created(30))
    await until_seen(runtime, 60)


async def health_of(address: str, part: str) -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = await check(health_pb2.HealthCheckRequest(service=part), timeout=WAIT_S)
    return int(answer.status)


def shown(settings: Settings, gauge: str) -> list[float | None]:
    topic = topic_of(settings)
    labels = [{"service": "probe", "topic": topic, "partition": str(number)} for number in range(PARTITIONS)]
    return [REGISTRY.get_sample_value(gauge, each) for each in labels]


async def test_what_is_halted_and_how_far_behind_is_seen_from_outside(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    served = settings.model_copy(update={"grpc_address": "127.0.0.1:0"})
    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    async with hosts.hosted([probe.SERVICE], served) as host:
        assert host.server is not None
        address, runtime = host.server.address, host.runtimes[0]
        await administrator.execute("ALTER TABLE probe.seen RENAME TO hidden")
        await emit(runtime, created(60))

        async def seen_as_halted() -> bool:
            behind, ages = shown(settings, "paystream_consumer_lag"), shown(settings, _OLDEST)
            halted = shown(settings, "paystream_consumer_halted") == [1.0] * PARTITIONS
            old = all(age is not None and age > 0 for age in ages)
            return halted and old and sum(lag or 0 for lag in behind) == 60

        await until(seen_as_halted)

        async def is_told(status: int) -> bool:
            return await health_of(address, "probe.consumers") == status

        await until(lambda: is_told(not_serving))
        await administrator.execute("ALTER TABLE probe.hidden RENAME TO seen")

        async def seen_as_well() -> bool:
            gauges = ("paystream_consumer_halted", "paystream_consumer_lag", _OLDEST)
            return all(shown(settings, gauge) == [0.0] * PARTITIONS for gauge in gauges)

        await until(seen_as_well)
        await until(lambda: is_told(serving))
    # A process that has a partition no more says nothing of it.
    gauges = ("paystream_consumer_halted", "paystream_consumer_lag", _OLDEST, "paystream_consumer_next_offset")
    assert {gauge: shown(settings, gauge) for gauge in gauges} == dict.fromkeys(gauges, [None] * PARTITIONS)
