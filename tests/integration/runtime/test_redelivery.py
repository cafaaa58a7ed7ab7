"""Set-aside events are tried again: parked ones by themselves, dead letters and skipped ones when a person says so."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from paykit.base.errors import DefectError
from paykit.consume.delivery import Delivered, Handle, HandlerResult, NotYet
from paykit.consume.redelivery import SWEEP_EVENTS_MAX
from paykit.consume.replay import DeadLetterClosed, DeadLetterUnknown, ReplayedSkipped, ReplayRefused
from paykit.consume.store import skipped_events
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
    await fill_a_page(runtime)
    ready = arrival(runtime, probe.payment_failed("pay_1"))
    await deliver(runtime, [ready])
    await bring_causes(runtime, "pay_1")
    assert [await runtime.redelivery.sweep() for _ in range(2)] == [0, 1]
    assert await keys_of(runtime, "seen") == ["pay_1", "pay_1"]


async def fill_a_page(runtime: Runtime) -> None:
    """Park events that wait for ever, of other keys: as many as one sweep tries."""
    waiting = arrival(runtime, probe.payment_failed("pay_none"))
    sql = (
        "INSERT INTO parked_event (topic, partition, record_offset, key, record, value, header_names, header_values, "
        "waits_for, create_time) SELECT $1, 1, n, 'k' || n, $2, $3, '{}', '{}', '', $4 FROM generate_series(1, $5) n"
    )
    name = events.PaymentFailed.RECORD
    await runtime.transaction(lambda tx: tx.run(sql, waiting.topic, name, waiting.value, tx.now, SWEEP_EVENTS_MAX))


async def test_what_came_before_a_dead_letter_of_its_key_goes_on_and_what_came_later_waits(runtime: Runtime) -> None:
    before = arrival(runtime, probe.payment_failed("pay_1"))
    await deliver(runtime, [before, garbage("pay_1"), arrival(runtime, probe.payment_failed("pay_1"))])
    assert await keys_of(runtime, "parked_event") == ["pay_1"] * 2
    await bring_causes(runtime, "pay_1")
    assert await runtime.redelivery.sweep() == 1
    [row] = await runtime.read(lambda tx: tx.fetch("SELECT record_offset FROM parked_event"))
    assert row["record_offset"] == before.offset + 2


async def test_a_decision_between_two_pages_lets_no_later_event_of_the_key_go_first(runtime: Runtime) -> None:
    await deliver(runtime, [garbage("pay_1")])
    await deliver(runtime, [arrival(runtime, probe.payment_failed("pay_1"))])
    await fill_a_page(runtime)
    later = arrival(runtime, probe.payment_failed("pay_1"))
    await deliver(runtime, [later])
    await bring_causes(runtime, "pay_1")

    assert await runtime.redelivery.sweep() == 0
    dead_letter_id, _, _ = await only_dead_letter(runtime)
    await runtime.replay.discard_dead_letter(dead_letter_id, actor="ops")

    assert await runtime.redelivery.sweep() == 0
    assert await runtime.redelivery.sweep() == 1
    assert await parked_offsets(runtime, "pay_1") == [later.offset]
    await runtime.redelivery.sweep()
    assert await parked_offsets(runtime, "pay_1") == []


async def parked_offsets(runtime: Runtime, key: str) -> list[int]:
    sql = "SELECT record_offset FROM parked_event WHERE key = $1 ORDER BY parked_event_id"
    return [row["record_offset"] for row in await runtime.read(lambda tx: tx.fetch(sql, key))]


async def test_skipped_events_can_be_given_up_and_stay_as_discarded_dead_letters(
    runtime: Runtime, probe_url: str, tmp_path: Path
) -> None:
    created: dict[type[Event], Handle] = {events.PaymentCreated: probe.HANDLED[events.PaymentCreated]}
    async with runtimes.runtime(service_with(created, ignores=frozenset()), probe_url, cache_dir=tmp_path) as older:
        await deliver(older, [arrival(older, probe.payment_failed(key)) for key in ("pay_1", "pay_2")])
    [skipped] = await runtime.read(skipped_events.counts)
    assert (skipped.record_name, skipped.events) == (events.PaymentFailed.RECORD, 2)

    assert await runtime.replay.discard_skipped(events.PaymentSuccess.RECORD, actor="ops") == 0
    assert await runtime.replay.discard_skipped(events.PaymentFailed.RECORD, actor="ops") == 2

    assert await runtime.read(skipped_events.counts) == []
    rows = await runtime.read(lambda tx: tx.fetch("SELECT key, reason, status, actor FROM dead_letter ORDER BY 1"))
    assert [tuple(row) for row in rows] == [(key, "SKIPPED", "DISCARDED", "ops") for key in ("pay_1", "pay_2")]


async def test_skipped_events_that_are_refused_can_become_dead_letters_and_hold_up_no_other(
    runtime: Runtime, probe_url: str, tmp_path: Path
) -> None:
    created: dict[type[Event], Handle] = {events.PaymentCreated: probe.HANDLED[events.PaymentCreated]}
    async with runtimes.runtime(service_with(created, ignores=frozenset()), probe_url, cache_dir=tmp_path) as older:
        await deliver(older, [arrival(older, probe.payment_failed(key)) for key in ("pay_early", "pay_1")])
    await bring_causes(runtime, "pay_1")

    with pytest.raises(ReplayRefused):
        await runtime.replay.replay_skipped(events.PaymentFailed.RECORD)
    assert await keys_of(runtime, "skipped_event") == ["pay_early", "pay_1"]
    replayed = await runtime.replay.replay_skipped(events.PaymentFailed.RECORD, bury_refused=True)

    assert replayed == ReplayedSkipped(applied=1, buried=1)
    assert await keys_of(runtime, "seen") == ["pay_1", "pay_1"]
    assert await keys_of(runtime, "dead_letter") == ["pay_early"]
    assert await keys_of(runtime, "skipped_event") == []


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
    assert await runtime.replay.replay_skipped(events.PaymentFailed.RECORD) == ReplayedSkipped(applied=1, buried=0)
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
