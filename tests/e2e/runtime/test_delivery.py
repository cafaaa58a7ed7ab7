"""From one transaction's outbox over real Kafka into another's effects, and every way in which that goes wrong."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from paykit.contracts.event import Event
from paykit.localstack import Endpoints
from paykit.runtime.config import Settings
from paykit.runtime.db import Tx
from paykit.runtime.runtime import Runtime
from paykit.testing import hosts
from paystream.payment.v1 import events
from tests import probe

WAIT_S = 60.0
"""Bound on every wait; far beyond what a loaded machine needs."""
PAUSE_S = 0.05


@pytest.fixture
async def settings(stack: Endpoints, probe_url: str, tmp_path: Path) -> Settings:
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=["payment.events"], groups=["probe"])
    return hosts.settings_for(stack, database_url=probe_url, cache_dir=tmp_path, prefix=prefix)


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    async with hosts.hosted([probe.SERVICE], settings) as host:
        yield host.runtimes[0]


async def emit(runtime: Runtime, sent: Sequence[Event]) -> None:
    async def work(tx: Tx) -> None:
        for event in sent:
            tx.hold(getattr(event, event.KEY))
            tx.emit(event, cause=probe.CAUSE)

    await runtime.transaction(work)


async def seen(runtime: Runtime) -> list[tuple[str, str]]:
    rows = await runtime.read(lambda tx: tx.fetch("SELECT key, record FROM seen ORDER BY seen_id"))
    return [(row["key"], row["record"].rpartition(".")[2]) for row in rows]


async def rows_of(runtime: Runtime, table: str) -> list[Any]:
    return await runtime.read(lambda tx: tx.fetch(f"SELECT * FROM {table}"))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - the condition is in a database
            await asyncio.sleep(PAUSE_S)


async def until_seen(runtime: Runtime, count: int) -> list[tuple[str, str]]:
    async def enough() -> bool:
        return len(await seen(runtime)) >= count

    await until(enough)
    return await seen(runtime)


def produce(settings: Settings, *, key: str, value: bytes | None) -> None:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": settings.kafka_bootstrap, "partitioner": "murmur2_random"}
    )
    producer.produce(f"{settings.topic_prefix}payment.events", key=key, value=value)
    assert producer.flush(WAIT_S) == 0


def consume_all(settings: Settings, topic: str, count: int) -> list[Any]:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap, "group.id": f"test-{topic}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([settings.topic_prefix + topic])
    try:
        messages: list[Any] = []
        for _ in range(int(WAIT_S)):
            messages += [m for m in consumer.consume(count, timeout=1.0) if m.error() is None]
            if len(messages) >= count:
                break
        return messages
    finally:
        consumer.close()


async def test_events_arrive_once_and_in_order_per_key(runtime: Runtime) -> None:
    ids = [probe.new_payment_id() for _ in range(200)]
    for start in range(0, len(ids), 50):
        some = ids[start : start + 50]
        await emit(runtime, [probe.payment_created(i) for i in some] + [probe.payment_failed(i) for i in some])
    arrived = await until_seen(runtime, 400)
    assert Counter(arrived) == Counter([(i, "PaymentCreated") for i in ids] + [(i, "PaymentFailed") for i in ids])
    for payment_id in ids:
        assert [name for key, name in arrived if key == payment_id] == ["PaymentCreated", "PaymentFailed"]
    assert await rows_of(runtime, "parked_event") == []


async def test_the_outbox_is_empty_once_kafka_has_everything(runtime: Runtime) -> None:
    await emit(runtime, [probe.payment_created(probe.new_payment_id()) for _ in range(10)])
    await until_seen(runtime, 10)

    async def empty() -> bool:
        return not await rows_of(runtime, "outbox")

    await until(empty)


async def test_an_event_carries_cloudevents_headers_and_the_trace(runtime: Runtime, settings: Settings) -> None:
    payment_id = probe.new_payment_id()
    await emit(runtime, [probe.payment_created(payment_id)])
    message = (await asyncio.to_thread(consume_all, settings, "payment.events", 1))[0]
    headers = {name: value.decode() for name, value in message.headers()}
    assert message.key().decode() == payment_id
    assert headers["ce_id"].startswith("evt_")
    assert headers["ce_type"] == "paystream.payment.v1.PaymentCreated"
    assert headers["ce_dataschema"] == "payment.events/PaymentCreated/1"
    assert headers["ce_source"] == "/paystream/payment"
    assert headers["ce_time"] == "2026-03-01T12:00:00+00:00"
    assert headers["content-type"] == "application/avro"


async def test_a_repeated_event_is_applied_once(runtime: Runtime, settings: Settings) -> None:
    payment_id, later = probe.new_payment_id(), probe.new_payment_id()
    await emit(runtime, [probe.payment_created(payment_id)])
    original = (await asyncio.to_thread(consume_all, settings, "payment.events", 1))[0]
    produce(settings, key=payment_id, value=original.value())
    await emit(runtime, [probe.payment_created(later)])
    await until_seen(runtime, 2)
    await asyncio.sleep(1.0)
    assert sorted(await seen(runtime)) == sorted([(payment_id, "PaymentCreated"), (later, "PaymentCreated")])


async def test_garbage_becomes_a_dead_letter_and_the_rest_goes_on(runtime: Runtime, settings: Settings) -> None:
    payment_id = probe.new_payment_id()
    produce(settings, key="pay_garbage", value=b"not avro at all")
    produce(settings, key="pay_tombstone", value=None)
    await emit(runtime, [probe.payment_created(payment_id)])
    await until_seen(runtime, 1)

    async def buried() -> bool:
        return len(await rows_of(runtime, "dead_letter")) == 2

    await until(buried)
    letters = {row["key"]: row for row in await rows_of(runtime, "dead_letter")}
    assert letters["pay_garbage"]["reason"] == "UNDECODABLE"
    assert letters["pay_garbage"]["value"] == b"not avro at all"
    assert letters["pay_tombstone"]["value"] is None
    copies = await asyncio.to_thread(consume_all, settings, "payment.events.probe.dlq", 2)
    assert {copy.key().decode() for copy in copies} == {"pay_garbage", "pay_tombstone"}


async def test_a_refused_event_holds_the_later_ones_of_its_key_until_somebody_decides(runtime: Runtime) -> None:
    unlucky, lucky = probe.new_payment_id(), probe.new_payment_id()
    await emit(runtime, [probe.payment_created(unlucky, amount_minor=probe.REFUSED_MINOR)])
    await emit(runtime, [probe.payment_created(lucky), probe.payment_failed(unlucky), probe.payment_failed(lucky)])

    async def parked() -> bool:
        return len(await rows_of(runtime, "parked_event")) == 1

    await until(parked)
    await until_seen(runtime, 2)
    assert await seen(runtime) == [(lucky, "PaymentCreated"), (lucky, "PaymentFailed")]
    [letter] = await rows_of(runtime, "dead_letter")
    assert (letter["key"], letter["reason"], letter["status"]) == (unlucky, "UNLUCKY", "OPEN")
    await emit(runtime, [probe.payment_created(unlucky)])  # The cause of the parked event, behind it in its key.
    await runtime.redelivery.discard_dead_letter(letter["dead_letter_id"], actor="tester")

    # The failure waits for a creation that is parked behind it: both stay, in order, and are told of.
    async def both() -> bool:
        return len(await rows_of(runtime, "parked_event")) == 2

    await until(both)


async def test_an_event_before_its_cause_waits_for_it(runtime: Runtime) -> None:
    payment_id = probe.new_payment_id()
    await emit(runtime, [probe.payment_failed(payment_id)])

    async def parked() -> bool:
        return len(await rows_of(runtime, "parked_event")) == 1

    await until(parked)
    await runtime.transaction(
        lambda tx: tx.run("INSERT INTO seen (key, record) VALUES ($1, 'x.PaymentCreated')", payment_id)
    )
    arrived = await until_seen(runtime, 2)
    assert arrived == [(payment_id, "PaymentCreated"), (payment_id, "PaymentFailed")]
    assert await rows_of(runtime, "parked_event") == []


async def test_an_event_that_crashes_its_handler_is_isolated_from_its_neighbours(runtime: Runtime) -> None:
    ids = [probe.new_payment_id() for _ in range(30)]
    sent = [probe.payment_created(i, amount_minor=probe.CRASHING_MINOR if n == 17 else 100) for n, i in enumerate(ids)]
    await emit(runtime, sent)
    await until_seen(runtime, 29)

    async def buried() -> bool:
        return len(await rows_of(runtime, "dead_letter")) == 1

    await until(buried)
    [letter] = await rows_of(runtime, "dead_letter")
    assert (letter["key"], letter["reason"]) == (ids[17], "UNEXPECTED")
    assert "crashed on purpose" in letter["error"]


async def test_a_handler_that_always_crashes_halts_its_partitions_instead_of_filling_the_dead_letters(
    runtime: Runtime,
) -> None:
    ids = [probe.new_payment_id() for _ in range(60)]
    await emit(runtime, [probe.payment_created(i, amount_minor=probe.CRASHING_MINOR) for i in ids])
    await asyncio.sleep(3.0)
    assert await rows_of(runtime, "dead_letter") == []
    assert await seen(runtime) == []


async def test_an_event_type_newer_than_the_build_is_kept_and_counted(runtime: Runtime) -> None:
    payment_id = probe.new_payment_id()
    newer = events.RefundFailed(
        occurred_at=probe.NOON,
        merchant_id="mer_1",
        aggregate_version=1,
        refund_id="ref_1",
        payment_id=payment_id,
        merchant_reference="order 1",
        amount_minor=5,
        currency_code="USD",
        fee_returned_minor=0,
        reason=events.RefundReason.UNKNOWN,
        channel="simulator",
        failure_reason=events.FailureReason.DECLINED,
    )
    await emit(runtime, [newer, probe.payment_created(payment_id)])
    await until_seen(runtime, 1)

    async def skipped() -> bool:
        return len(await rows_of(runtime, "skipped_event")) == 1

    await until(skipped)
    [row] = await rows_of(runtime, "skipped_event")
    assert (row["key"], row["record"]) == (payment_id, probe.UNKNOWN)


async def test_a_second_process_takes_over_without_repeating_anything(settings: Settings, runtime: Runtime) -> None:
    first = [probe.new_payment_id() for _ in range(100)]
    await emit(runtime, [probe.payment_created(i) for i in first])
    async with hosts.hosted([probe.SERVICE], settings):
        second = [probe.new_payment_id() for _ in range(300)]
        for start in range(0, 300, 30):
            await emit(runtime, [probe.payment_created(i) for i in second[start : start + 30]])
            await asyncio.sleep(0.2)
        await until_seen(runtime, 400)
    third = [probe.new_payment_id() for _ in range(50)]
    await emit(runtime, [probe.payment_created(i) for i in third])
    arrived = await until_seen(runtime, 450)
    assert Counter(key for key, _ in arrived) == Counter(first + second + third)
