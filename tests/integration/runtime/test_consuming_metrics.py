"""What is measured of consuming: the age of what is applied, and what waits for people."""

from datetime import timedelta
from pathlib import Path

from prometheus_client import REGISTRY

from paykit.clock import ManualClock
from paykit.process.runtime import Runtime
from paykit.process.runtime_jobs import set_aside
from paykit.testing import runtimes
from paykit.testing.runtimes import START
from tests import probe
from tests.integration.runtime.arrivals import arrival, deliver, garbage

TOPIC = "payment.events"


def ages(le: str) -> float:
    """Count the probe's applied events up to an age in seconds."""
    labels = {"service": "probe", "topic": TOPIC, "le": le}
    return REGISTRY.get_sample_value("paystream_event_age_seconds_bucket", labels) or 0.0


def waiting(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "probe"})


async def test_an_event_s_age_is_counted_when_it_is_applied_and_not_while_it_is_parked(
    probe_url: str, tmp_path: Path
) -> None:
    # Both recorded at noon: one is applied 20 s later, the other waits for its cause until 200 s later.
    clock = ManualClock(START + timedelta(seconds=20))
    async with runtimes.runtime(probe.SERVICE, probe_url, cache_dir=tmp_path, clock=clock) as runtime:
        before = {le: ages(le) for le in ("10.0", "30.0", "60.0", "300.0", "+Inf")}
        await deliver(runtime, [arrival(runtime, probe.payment_failed("pay_1"))])
        assert ages("+Inf") == before["+Inf"]
        await deliver(runtime, [arrival(runtime, probe.payment_created("pay_2"))])
        cause = "INSERT INTO seen (key, record) VALUES ('pay_1', 'x.PaymentCreated')"
        await runtime.transaction(lambda tx: tx.run(cause))
        clock.advance(timedelta(seconds=180))
        assert await runtime.redelivery.sweep() == 1
    assert {le: ages(le) - before[le] for le in before} == {"10.0": 0, "30.0": 1, "60.0": 1, "300.0": 2, "+Inf": 2}


async def test_an_event_from_a_clock_that_is_ahead_is_not_younger_than_zero(runtime: Runtime) -> None:
    before = ages("0.05")
    runtime.clock.advance(timedelta(seconds=-5))  # type: ignore[attr-defined]
    await deliver(runtime, [arrival(runtime, probe.payment_created("pay_1"))])
    assert ages("0.05") - before == 1


async def test_open_dead_letters_and_skipped_events_are_counted_until_they_are_decided_on(runtime: Runtime) -> None:
    await deliver(runtime, [garbage("pay_1"), garbage("pay_2")])
    await set_aside.report(runtime)
    assert waiting("paystream_dead_letters_open") == 2
    assert waiting("paystream_skipped_events_waiting") == 0
    [row, _] = await runtime.read(lambda tx: tx.fetch("SELECT dead_letter_id FROM dead_letter ORDER BY 1"))
    await runtime.replay.discard_dead_letter(row["dead_letter_id"], actor="ann")
    columns = "topic, partition, record_offset, key, value, header_names, header_values, create_time"
    skipped = f"INSERT INTO skipped_event ({columns}, record) SELECT {columns}, 'x.New' FROM dead_letter"
    await runtime.transaction(lambda tx: tx.run(skipped))
    await set_aside.report(runtime)
    assert waiting("paystream_dead_letters_open") == 1
    assert waiting("paystream_skipped_events_waiting") == 2
