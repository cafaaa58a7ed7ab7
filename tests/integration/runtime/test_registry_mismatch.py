"""A registry restored with other ids decodes one record as another of the same shape: nothing is believed of it."""

import asyncio
import dataclasses

import pytest

from paykit.base.errors import UnavailableError
from paykit.consume.application import Application, RegistryMismatchError
from paykit.consume.consumer import Consumer
from paykit.consume.fetching import Slice
from paykit.consume.halting.halt import HaltError, HaltReason
from paykit.consume.prepared import ReadyEvent, UndecodableRecord
from paykit.consume.store import offsets
from paykit.consume.store.offsets import Position
from paykit.events.classes import own_files
from paykit.events.registry import RegistryClient
from paykit.events.schema_files import registry_text
from paykit.kafka.topic_watch import TopicWatch
from paykit.process.runtime import Runtime
from paystream.payment.v1 import events
from tests import probe
from tests.integration.runtime.arrivals import TOPIC, arrival, keys_of

HERE = (TOPIC, 0)


@pytest.fixture
def consumer(runtime: Runtime) -> Consumer:
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


async def test_a_record_that_says_it_is_another_than_its_schema_is_neither_applied_nor_set_aside(
    runtime: Runtime, consumer: Consumer
) -> None:
    await runtime.transaction(lambda tx: offsets.begin(tx, HERE, Position(7, "cluster", "topic")))
    consumer._positions[HERE] = 7
    good, bad = (arrival(runtime, probe.payment_created(probe.new_payment_id())) for _ in range(2))
    good = dataclasses.replace(good, offset=7, headers=[("ce_type", events.PaymentCreated.RECORD.encode())])
    bad = dataclasses.replace(bad, offset=8, headers=[("ce_type", events.PaymentFailed.RECORD.encode())])
    with pytest.raises(HaltError) as halt:
        await consumer._apply({HERE: Slice(7, 9, "topic", records=[good, bad])}, isolate=False)
    assert (halt.value.reason, halt.value.partitions) == (HaltReason.REGISTRY_MISMATCH, (HERE,))
    assert "offset 8 is paystream.payment.v1.PaymentFailed" in halt.value.explanation
    for table in ("seen", "dead_letter", "skipped_event", "parked_event"):
        assert await keys_of(runtime, table) == []


async def test_the_registry_is_asked_again_so_that_one_that_was_mended_is_believed(runtime: Runtime) -> None:
    record = arrival(runtime, probe.payment_created(probe.new_payment_id()))
    lying = dataclasses.replace(record, headers=[("ce_id", b"evt_1"), ("ce_type", b"paystream.payment.v1.Other\xff")])
    assert runtime.application.unknown_schema(record) is None
    with pytest.raises(RegistryMismatchError, match="Other\ufffd, and its schema id"):
        runtime.application.prepare(lying)
    schema_id = runtime.application.unknown_schema(record)
    assert schema_id is not None
    # Another consumer of the process that has the same schema in its hands must ask again, and bury nothing.
    with pytest.raises(UnavailableError, match=f"schema {schema_id} must be asked for"):
        runtime.application.prepare(record)
    runtime.application.give_up(schema_id)
    buried = runtime.application.prepare(record)
    assert isinstance(buried, UndecodableRecord)
    assert buried.cause.reason == "SCHEMA_UNKNOWN"
    await runtime.application.learn(record)
    assert isinstance(runtime.application.prepare(record), ReadyEvent)


async def test_what_one_service_was_told_wrongly_of_all_services_of_the_process_ask_for_again(runtime: Runtime) -> None:
    neighbour = Application(service="other", subscriptions=runtime.service.subscriptions, codec=runtime.codec)
    good = arrival(runtime, probe.payment_created(probe.new_payment_id()))
    other = arrival(runtime, probe.payment_failed(probe.new_payment_id()))
    lying = dataclasses.replace(good, headers=[("ce_type", events.PaymentFailed.RECORD.encode())])
    assert isinstance(neighbour.prepare(good), ReadyEvent)
    assert isinstance(neighbour.prepare(other), ReadyEvent)
    with pytest.raises(RegistryMismatchError):
        runtime.application.prepare(lying)
    assert [at for at, _ in neighbour.unknown([other, good])] == [1]
    with pytest.raises(UnavailableError, match="must be asked for"):
        neighbour.prepare(good)
    await neighbour.learn(good)
    assert isinstance(neighbour.prepare(good), ReadyEvent)
    assert isinstance(neighbour.prepare(other), ReadyEvent)


@pytest.mark.parametrize("asked_at_once", [False, True])
async def test_a_record_whose_schema_id_has_become_another_s_is_nowhere_decoded_by_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, *, asked_at_once: bool
) -> None:
    neighbour = Application(service="other", subscriptions=runtime.service.subscriptions, codec=runtime.codec)
    created = arrival(runtime, probe.payment_created(probe.new_payment_id()))
    good = dataclasses.replace(created, headers=[("ce_type", events.PaymentCreated.RECORD.encode())])
    new = dataclasses.replace(created, headers=[("ce_type", events.PaymentFailed.RECORD.encode())])
    assert isinstance(neighbour.prepare(good), ReadyEvent)
    with pytest.raises(RegistryMismatchError):
        runtime.application.prepare(new)
    if asked_at_once:  # The neighbour's answer came before the registry was restored, and the other's after it.
        await neighbour.learn(good)
        assert isinstance(neighbour.prepare(good), ReadyEvent)

    async def restored(_registry: RegistryClient, _schema_id: int) -> str:
        return registry_text(own_files()[events.PaymentFailed.RECORD].schema)

    monkeypatch.setattr(RegistryClient, "schema", restored)
    schema_id = runtime.codec.peek(created.value or b"")
    await runtime.codec.learn(schema_id)
    assert runtime.codec.record_name(schema_id).record == events.PaymentFailed.RECORD
    with pytest.raises(RegistryMismatchError, match=r"is paystream\.payment\.v1\.PaymentCreated"):
        neighbour.prepare(good)
