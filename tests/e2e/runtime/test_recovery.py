"""What the runtime does by itself when its parts fail under it, and what it leaves to people."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.process.host import Host
from paykit.process.runtime import Runtime
from paykit.testing import databases, hosts
from tests import probe
from tests.e2e.runtime.flow import WAIT_S, consume_all, emit, produce, rows_of, seen, until, until_seen
from tests.integration.runtime.wire import wire_to

PARTITIONS = 6


@pytest.fixture
async def administrator(probe_template: str, probe_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(databases.admin_url_of(probe_template, probe_url))
    yield connection
    await connection.close()


def halted(settings: Settings) -> int:
    """Count the partitions that the probe service has halted."""
    topic = f"{settings.topic_prefix}payment.events"
    labels = [{"service": "probe", "topic": topic, "partition": str(number)} for number in range(PARTITIONS)]
    return sum(int(REGISTRY.get_sample_value("paystream_consumer_halted", each) or 0) for each in labels)


async def test_a_consumer_that_broke_down_starts_again(settings: Settings, administrator: asyncpg.Connection) -> None:
    await administrator.execute("ALTER TABLE probe.consumer_offset RENAME TO hidden")
    async with hosts.hosted([probe.SERVICE], settings) as host:
        await emit(host.runtimes[0], [probe.payment_created(probe.new_payment_id())])
        await asyncio.sleep(4.0)
        assert await seen(host.runtimes[0]) == []
        await administrator.execute("ALTER TABLE probe.hidden RENAME TO consumer_offset")
        await until_seen(host.runtimes[0], 1)


async def test_offsets_of_another_cluster_halt_their_partitions_until_somebody_decides(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    ids = [probe.new_payment_id() for _ in range(20)]
    async with hosts.hosted([probe.SERVICE], settings) as host:
        await emit(host.runtimes[0], [probe.payment_created(i) for i in ids])
        await until_seen(host.runtimes[0], 20)
    await administrator.execute("UPDATE probe.consumer_offset SET cluster_id = 'other' WHERE partition <> 0")
    async with hosts.hosted([probe.SERVICE], settings) as host:

        async def all_but_one() -> bool:
            return halted(settings) == PARTITIONS - 1

        await until(all_but_one)
        async with hosts.hosted([probe.SERVICE], settings):  # Its coming takes partitions away, halted ones too.
            await asyncio.sleep(2.0)
        await administrator.execute(
            "UPDATE probe.consumer_offset c SET cluster_id = o.cluster_id "
            "FROM probe.consumer_offset o WHERE o.partition = 0"
        )
        await emit(host.runtimes[0], [probe.payment_created(probe.new_payment_id()) for _ in range(20)])
    async with hosts.hosted([probe.SERVICE], settings) as host:
        arrived = await until_seen(host.runtimes[0], 40)
    assert max(Counter(arrived).values()) == 1


async def test_a_key_that_postgresql_cannot_hold_becomes_a_dead_letter_and_halts_nobody(
    runtime: Runtime, settings: Settings
) -> None:
    produce(settings, key="pay\x00nul", value=b"not avro")
    produce(settings, key=None, value=b"not avro")
    produce(settings, key=b"\xff\xfe", value=b"not avro")

    async def buried() -> bool:
        return len(await rows_of(runtime, "dead_letter")) == 3

    await until(buried)
    letters = await rows_of(runtime, "dead_letter")
    assert sorted(letter["key"] for letter in letters) == ["", "pay\ufffdnul", "\ufffd\ufffd"]
    await emit(runtime, [probe.payment_created(probe.new_payment_id())])
    await until_seen(runtime, 1)


async def test_a_dead_letter_as_large_as_a_topic_takes_reaches_its_topic(runtime: Runtime, settings: Settings) -> None:
    value = b"not avro" + bytes(1024 * 1024 - 1024)
    produce(settings, key="pay_large", value=value, headers=[("x", b"y" * 200)] * 3)
    copies = await asyncio.to_thread(consume_all, settings, "payment.events.probe.dlq", 1)
    assert copies[0].value() == value
    produce(settings, key="pay_compressed", value=b"not avro" + bytes(4 * 1024 * 1024))
    copies = await asyncio.to_thread(consume_all, settings, "payment.events.probe.dlq", 2)
    [copy] = [copy for copy in copies if copy.key() == b"pay_compressed"]
    headers = dict(copy.headers())
    assert copy.value() is None
    assert headers["paystream-dlq-omitted-bytes"] == b"4194312"
    [letter] = [row for row in await rows_of(runtime, "dead_letter") if row["key"] == "pay_compressed"]
    assert letter["value"] == b"not avro" + bytes(4 * 1024 * 1024)


async def test_a_process_waits_for_postgresql_goes_on_by_itself_and_can_be_stopped_meanwhile(
    settings: Settings, probe_url: str
) -> None:
    async with wire_to(probe_url) as (url, wire):
        far = settings.model_copy(update={"database_url": SecretStr(url)})
        host = Host([probe.SERVICE], far)
        await host.start()
        try:
            await emit(host.runtimes[0], [probe.payment_created(probe.new_payment_id())])
            await until_seen(host.runtimes[0], 1)
            wire.cut()
            produce(settings, key="pay_garbage", value=b"not avro")
            await asyncio.sleep(2.0)
            wire.cut(mended=True)

            async def buried() -> bool:
                return len(await rows_of(host.runtimes[0], "dead_letter")) == 1

            await until(buried)
            assert halted(settings) == 0
            wire.cut()
            produce(settings, key="pay_garbage", value=b"not avro")
            await asyncio.sleep(1.0)
        finally:
            async with asyncio.timeout(WAIT_S):
                await host.stop()
