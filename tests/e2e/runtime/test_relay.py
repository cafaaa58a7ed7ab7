"""The outbox reaches Kafka whoever leads: nothing is lost, and the order of each key holds."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import confluent_kafka
import pytest

from paykit.base.config import Settings
from paykit.process.host import Host
from paykit.testing import databases, hosts
from tests import probe
from tests.e2e.runtime.flow import WAIT_S, emit
from tests.line.waiting import until

KEYS = [f"pay_{number}" for number in range(8)]
ROUNDS = 150
CHANGES_OF_LEAD = 3
LEADERS = """
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
"""
END_LEADER = f"SELECT pg_terminate_backend(l.pid) {LEADERS}"


@pytest.fixture
async def administrator(probe_template: str, probe_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(databases.admin_url_of(probe_template, probe_url))
    yield connection
    await connection.close()


async def emit_rounds(host: Host) -> None:
    """Emit an event of each key in every round; its id says which."""
    for number in range(ROUNDS):
        sent = [
            dataclasses.replace(probe.payment_created(key, version=number), event_id=f"{key}/{number}") for key in KEYS
        ]
        await emit(host.runtimes[0], sent)


async def end_leaders(administrator: asyncpg.Connection) -> None:
    """End the connection of whoever leads, again and again."""
    ended = 0
    async with asyncio.timeout(WAIT_S):
        while ended < CHANGES_OF_LEAD:
            ended += len(await administrator.fetch(END_LEADER))
            await asyncio.sleep(0.3)


def first_arrivals(settings: Settings, count: int) -> list[str]:
    """Read the topic until so many different events came; give their ids in the order in which each came first."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": f"{settings.topic_prefix}arrivals",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([f"{settings.topic_prefix}payment.events"])
    arrived: dict[str, None] = {}
    try:
        for _ in range(int(WAIT_S)):
            messages: list[Any] = consumer.consume(1000, timeout=1.0)
            for message in messages:
                arrived.setdefault(dict(message.headers())["ce_id"].decode())
            if len(arrived) >= count:
                break
        return list(arrived)
    finally:
        consumer.close()


async def test_a_change_of_lead_loses_nothing_and_keeps_first_arrivals_in_order(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    relaying = settings.model_copy(update={"role": "relay"})
    async with hosts.hosted([probe.SERVICE], relaying) as one, hosts.hosted([probe.SERVICE], relaying):
        await asyncio.gather(emit_rounds(one), end_leaders(administrator))
        arrived = await asyncio.to_thread(first_arrivals, settings, len(KEYS) * ROUNDS)
    for key in KEYS:
        assert [each for each in arrived if each.startswith(f"{key}/")] == [f"{key}/{n}" for n in range(ROUNDS)]


async def test_a_stopping_process_sends_what_is_left_in_its_outbox(
    settings: Settings, administrator: asyncpg.Connection
) -> None:
    async def leads() -> bool:
        return bool(await administrator.fetch(f"SELECT {LEADERS}"))

    async with hosts.hosted([probe.SERVICE], settings.model_copy(update={"role": "relay"})) as host:
        await until(leads)
        await emit(host.runtimes[0], [probe.payment_created(key) for key in KEYS])
    assert await administrator.fetchval("SELECT count(*) FROM probe.outbox") == 0
