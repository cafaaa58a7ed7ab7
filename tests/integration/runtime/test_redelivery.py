"""Set-aside events are tried again: parked ones by themselves, dead letters and skipped ones when a person says so."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from paykit.base.errors import DefectError
from paykit.consume.delivery import Delivered, Handle, HandlerResult, NotYet
from paykit.consume.redelivery import SWEEP_EVENTS_MAX
from paykit.consume.replay import DeadLetterClosed, DeadLetterUnknown, ReplayRefused
from paykit.events.event import Event
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.process.service import Service
from paykit.testing import runtimes
from paystream.payment.v1 import events
from tests import probe
from tests.integration.runtime.arrivals import arrival, deliver, garbage, keys_of


async def only_dead_letter(runtime: Runtime) -> tuple[int, str, str | None]:
    [row] = await runtime.read(lambda tx: tx.fetch("SELECT dead_letter_id, status, actor FROM dead_letter"))
    return row["dead_letter_id"], row["status"], row["actor"]


async def bring_causes(runtime: Runtime, *keys: str) -> None:
    """Let the causes of these keys' events arrive, by whatever way."""
    sql = "INSERT INTO seen (key, record) SELECT key, 'x.PaymentCreated' FROM unnest($1::text[]) key"
    await runtime.transaction(lambda tx: tx.run(sql, keys))


def service_with(handles: Mapping[type[Event], Handle], *, ignores: frozenset[str]) -> Service:
    """Give the probe service as another build of it would declare what it handles."""
    subscription = dataclasses.replace(probe.SERVICE.subscriptions[0], handles=handles, ignores=ignores)
    return dataclasses.replace(probe.SERVICE, subscriptions=(subscription,))


async def test_parked_events_follow_their_cause_in_the_order_of_their_arrival(runtime: Runtime) -> None:
    await deliver(runtime, [arrival(runtime, probe.payment_failed(key)) for key in ("pay_1", "pay_2", "pay_1")])
    assert await runtime.redelivery.sweep() == 0
    await bring_causes(runtime, "pay_2", "pay_1")
    assert await runtime.redelivery.sweep() == 3
    assert await keys_of(runtime, "seen") == ["pay_2", "pay_1", "pay_1", "pay_2", "pay_1"]
    assert await keys_of(runtime, "parked_event") == []


async def test_a_parked_event_whose_cause_came_does_not_wait_for_a_thousand_before_it(runtime: Runtime) -> None:
    waiting, ready = arrival(runtime, probe.payment_failed("pay_none")), arrival(runtime, probe.payment_failed("pay_1"))
    sql = (
        "INSERT INTO parked_event (topic, partition, record_offset, key, record, value, header_names, header_values, "
        "waits_for, create_time) SELECT $1, 1, n, 'k' || n, $2, $3, '{}', '{}', '', $4 FROM generate_series(1, $5) n"
    )
    name = events.PaymentFailed.RECORD
    await runtime.transaction(lambda tx: tx.run(sql, waiting.topic, name, waiting.value, tx.now, SWEEP_EVENTS_MAX))
    await deliver(runtime, [ready])
    await bring_causes(runtime, "pay_1")
    assert [await runtime.redelivery.sweep() for _ in range(2)] == [0, 1]
    assert await keys_of(runtime, "seen") == ["pay_1", "pay_1"]


async def test_a_handler_learns_for_how_long_in_real_time_an_event_has_waited(
    runtime: Runtime, probe_url: str, tmp_path: Path
) -> None:
    waits: list[float] = []

    async def on_payment_failed(_tx: Tx, deliveries: Sequence[Delivered[events.PaymentFailed]]) -> list[HandlerResult]:
        waits.extend(delivered.waited_s for delivered in deliveries)
        return [NotYet("better times") if delivered.waited_s < 60 else None for delivered in deliveries]

    patient = service_with({events.PaymentFailed: Handle(handler=on_payment_failed)}, ignores=frozenset())
    async with runtimes.runtime(patient, probe_url, cache_dir=tmp_path) as later:
        await deliver(later, [arrival(later, probe.payment_failed("pay_1"))])
        assert await later.redelivery.sweep() == 0
        age = "UPDATE parked_event SET create_time = create_time - interval '60 s'"
        await later.transaction(lambda tx: tx.run(age))
        assert await later.redelivery.sweep() == 1
    at_once, again, at_last = waits
    assert at_once == 0
    assert 0 <= again < 60 <= at_last < 120
    assert await keys_of(runtime, "parked_event") == []


async def test_two_sweeps_at_once_apply_an_event_once(runtime: Runtime) -> None:
    await deliver(runtime, [arrival(runtime, probe.payment_failed("pay_1"))])
    await bring_causes(runtime, "pay_1")
    assert sorted(await asyncio.gather(*(runtime.redelivery.sweep() for _ in range(4)))) == [0, 0, 0, 1]
    assert await keys_of(runtime, "seen") == ["pay_1", "pay_1"]


async def test_a_type_that_a_later_build_ignores_or_forgets_does_not_hold_up_the_other_parked_events(
    runtime: Runtime, probe_url: str, tmp_path: Path
) -> None:
    for event in (probe.payment_failed("pay_ignored"), probe.payment_failed("pay_forgotten")):
        await deliver(runtime, [arrival(runtime, event)])
    created: dict[type[Event], Handle] = {events.PaymentCreated: probe.HANDLED[events.PaymentCreated]}
    ignoring = service_with(created, ignores=frozenset({events.PaymentFailed.RECORD}))
    async with runtimes.runtime(ignoring, probe_url, cache_dir=tmp_path) as later:
        assert await later.redelivery.sweep() == 0
    assert await keys_of(runtime, "parked_event") == []
    await deliver(runtime, [arrival(runtime, probe.payment_failed("pay_forgotten"))])
    async with runtimes.runtime(service_with(created, ignores=frozenset()), probe_url, cache_dir=tmp_path) as later:
        assert await later.redelivery.sweep() == 0
    assert await keys_of(runtime, "parked_event") == []
    assert await keys_of(runtime, "skipped_event") == ["pay_forgotten"]
    await bring_causes(runtime, "pay_forgotten")
    assert await runtime.replay.replay_skipped(events.PaymentFailed.RECORD) == 1
    assert await keys_of(runtime, "skipped_event") == []


async def test_parked_events_that_all_crash_stay_parked_for_that_is_a_bad_deployment(
    runtime: Runtime, probe_url: str, tmp_path: Path
) -> None:
    await deliver(runtime, [arrival(runtime, probe.payment_failed(f"pay_{n}")) for n in range(3)])

    async def crash(*_: object) -> list[None]:
        raise RuntimeError("a bad deployment")

    bad = service_with({events.PaymentFailed: Handle(handler=crash)}, ignores=frozenset())
    async with runtimes.runtime(bad, probe_url, cache_dir=tmp_path) as later:
        with pytest.raises(DefectError):
            await later.redelivery.sweep()
    assert await keys_of(runtime, "dead_letter") == []
    assert len(await keys_of(runtime, "parked_event")) == 3


async def test_a_replayed_dead_letter_is_applied_closed_and_followed_by_what_waited_behind_it(runtime: Runtime) -> None:
    await deliver(
        runtime, [arrival(runtime, probe.payment_created("pay_1", amount_minor=probe.CRASHING_MINOR))], isolate=True
    )
    await deliver(runtime, [arrival(runtime, probe.payment_failed("pay_1"))])
    number, status, _ = await only_dead_letter(runtime)
    assert status == "OPEN"
    mended = arrival(runtime, probe.payment_created("pay_1"))
    await runtime.transaction(lambda tx: tx.run("UPDATE dead_letter SET value = $1", mended.value))
    await runtime.replay.replay_dead_letter(number, actor="alice")
    assert await only_dead_letter(runtime) == (number, "REPLAYED", "alice")
    assert await runtime.redelivery.sweep() == 1
    assert await keys_of(runtime, "seen") == ["pay_1", "pay_1"]
    with pytest.raises(DeadLetterClosed):
        await runtime.replay.replay_dead_letter(number, actor="bob")


async def test_a_dead_letter_that_is_refused_again_stays_open(runtime: Runtime) -> None:
    refused = arrival(runtime, probe.payment_created("pay_1", amount_minor=probe.REFUSED_MINOR))
    await deliver(runtime, [refused])
    number, _, _ = await only_dead_letter(runtime)
    with pytest.raises(ReplayRefused, match="UNLUCKY"):
        await runtime.replay.replay_dead_letter(number, actor="alice")
    assert await only_dead_letter(runtime) == (number, "OPEN", None)
    assert await runtime.read(lambda tx: tx.fetch("SELECT FROM inbox")) == []


async def test_garbage_can_be_discarded_and_not_replayed(runtime: Runtime) -> None:
    await deliver(runtime, [garbage("pay_1")])
    number, _, _ = await only_dead_letter(runtime)
    with pytest.raises(ReplayRefused, match="no Avro message"):
        await runtime.replay.replay_dead_letter(number, actor="alice")
    await runtime.replay.discard_dead_letter(number, actor="alice")
    assert await only_dead_letter(runtime) == (number, "DISCARDED", "alice")
    with pytest.raises(DeadLetterUnknown):
        await runtime.replay.discard_dead_letter(number + 1, actor="alice")
