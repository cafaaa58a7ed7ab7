"""From one transaction's outbox over real Kafka into another's effects, and every way in which that goes wrong."""

import asyncio
from collections import Counter

from paykit.base.config import Settings
from paykit.process.runtime import Runtime
from paykit.testing import hosts
from paystream.payment.v1 import events
from tests import probe
from tests.e2e.runtime.flow import consume_all, emit, produce, rows_of, seen, until, until_seen


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
    assert headers["ce_dataschema"] == "payment.events/PaymentCreated/2"
    assert headers["ce_subject"] == payment_id
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
    await runtime.replay.discard_dead_letter(letter["dead_letter_id"], actor="tester")

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
        stated_reason=None,
        attempt_id=None,
        automatic=False,
        attempt_count=1,
        occurred_at=probe.NOON,
        merchant_id="mer_1",
        aggregate_version=1,
        refund_id="ref_1",
        payment_id=payment_id,
        capture_id=None,
        order_id=None,
        merchant_reference="order 1",
        amount_minor=5,
        currency_code="USD",
        fee_returned_minor=0,
        reason=events.RefundReason.UNKNOWN,
        channel="simulator",
        channel_reference=None,
        failure_reason=events.FailureReason.DECLINED,
        failure_code=None,
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
