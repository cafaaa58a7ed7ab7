"""A batch of records becomes effects, dead letters and parked events, in order per key."""

import dataclasses

import pytest

from paykit.consume.handling import HandlerFailedError
from paykit.process.runtime import Runtime
from tests import probe
from tests.integration.runtime.arrivals import arrival, deliver, garbage, keys_of


async def test_an_event_behind_one_that_crashed_is_parked_and_leaves_no_effect(runtime: Runtime) -> None:
    crashing = probe.payment_created("pay_k", amount_minor=probe.CRASHING_MINOR)
    records = [arrival(runtime, probe.payment_created(f"pay_{n}")) for n in range(3)]
    records += [arrival(runtime, crashing), arrival(runtime, probe.payment_created("pay_k", version=2))]
    records += [arrival(runtime, probe.payment_created(f"pay_{n}")) for n in range(3, 6)]
    tally = await deliver(runtime, records, isolate=True)
    assert (tally.applied, [record.key for record in tally.unexpected]) == (6, ["pay_k"])
    assert await keys_of(runtime, "seen") == [f"pay_{n}" for n in range(6)]
    assert await keys_of(runtime, "dead_letter") == ["pay_k"]
    assert await keys_of(runtime, "parked_event") == ["pay_k"]
    inbox = await runtime.read(lambda tx: tx.fetch("SELECT FROM inbox"))
    assert len(inbox) == 6


async def test_a_repetition_within_a_batch_is_applied_once(runtime: Runtime) -> None:
    record = arrival(runtime, probe.payment_created("pay_1"))
    again = dataclasses.replace(record, offset=record.offset + 1000)
    assert (await deliver(runtime, [record, again])).applied == 2
    assert await keys_of(runtime, "seen") == ["pay_1"]


@pytest.mark.parametrize("event_id", ["evt_\0", "e" * 501])
async def test_an_event_whose_id_cannot_be_remembered_is_a_dead_letter_and_holds_up_no_other(
    runtime: Runtime, event_id: str
) -> None:
    records = [arrival(runtime, probe.payment_created(f"pay_{n}")) for n in range(3)]
    stamps = {"event_id": event_id, "recorded_at": probe.NOON, "correlation_id": "cor_1"}
    value = runtime.codec.encode(probe.payment_created("pay_1"), stamps=stamps)
    records[1] = dataclasses.replace(records[1], value=value)
    with pytest.raises(HandlerFailedError, match="an event_id holds NUL or is longer than 500"):
        await deliver(runtime, records)
    assert (await deliver(runtime, records, isolate=True)).applied == 2
    assert await keys_of(runtime, "seen") == ["pay_0", "pay_2"]
    assert await keys_of(runtime, "dead_letter") == ["pay_1"]


async def test_an_id_of_the_longest_that_is_remembered_is_recognised(runtime: Runtime) -> None:
    stamps = {"event_id": "\U0001f4b0" * 500, "recorded_at": probe.NOON, "correlation_id": "cor_1"}
    record = arrival(runtime, probe.payment_created("pay_1"))
    record.value = runtime.codec.encode(probe.payment_created("pay_1"), stamps=stamps)
    again = dataclasses.replace(record, offset=record.offset + 1000)
    assert [(await deliver(runtime, [each])).applied for each in (record, again)] == [1, 1]
    assert await keys_of(runtime, "seen") == ["pay_1"]


async def test_records_without_a_key_hold_nobody(runtime: Runtime) -> None:
    await deliver(runtime, [garbage(""), arrival(runtime, probe.payment_created("pay_1"), key="")])
    await deliver(runtime, [arrival(runtime, probe.payment_created("pay_2"), key="")])
    assert len(await keys_of(runtime, "seen")) == 2
    assert await keys_of(runtime, "parked_event") == []


async def test_a_record_without_a_key_waits_for_its_cause_and_not_for_a_dead_letter_without_one(
    runtime: Runtime,
) -> None:
    await deliver(runtime, [arrival(runtime, probe.payment_failed("pay_1"), key=""), garbage("")])
    await deliver(runtime, [arrival(runtime, probe.payment_created("pay_1"))])
    assert await runtime.redelivery.sweep() == 1
    assert await keys_of(runtime, "seen") == ["pay_1", ""]


async def test_the_order_of_a_key_holds_across_types_and_batches(runtime: Runtime) -> None:
    created = arrival(runtime, probe.payment_created("pay_1", amount_minor=probe.REFUSED_MINOR))
    await deliver(runtime, [created, arrival(runtime, probe.payment_failed("pay_1"))])
    await deliver(runtime, [arrival(runtime, probe.payment_created("pay_1", version=3))])
    assert await keys_of(runtime, "seen") == []
    assert await keys_of(runtime, "parked_event") == ["pay_1", "pay_1"]


async def test_a_null_header_does_not_stand_in_an_event_s_way(runtime: Runtime) -> None:
    record = arrival(runtime, probe.payment_created("pay_1"))
    record.headers = [("traceparent", None), *[(f"h{n}", b"x") for n in range(2000)]]
    refused = arrival(runtime, probe.payment_created("pay_2", amount_minor=probe.REFUSED_MINOR))
    refused.headers = record.headers
    assert (await deliver(runtime, [record, refused])).applied == 1
    [letter] = await runtime.read(lambda tx: tx.fetch("SELECT header_names, header_values FROM dead_letter"))
    assert len(letter["header_names"]) == 2001
    assert letter["header_values"][:2] == [None, b"x"]
