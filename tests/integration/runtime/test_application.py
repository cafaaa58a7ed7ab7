"""A batch of records becomes effects, dead letters and parked events, in order per key."""

import dataclasses

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
