"""What is measured of settlements: how long money takes to be settled, and what is late."""

from datetime import timedelta

from prometheus_client import REGISTRY

from paystream.settlement.v1.events import SettlementCreated
from services.settlement import jobs
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import capture, daily, hours, settled


def count(name: str, le: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_bucket", {"le": le}) or 0.0


async def test_a_settlement_is_timed_once_from_its_first_booking_and_from_its_closing(till: Till) -> None:
    # Collects from noon on, closed at 18:00, booked by the ledger 20 s later.
    wanted = [
        *(("paystream_booked_to_settled_seconds", le) for le in ("21600.0", "43200.0", "+Inf")),
        *(("paystream_closed_to_settled_seconds", le) for le in ("10.0", "30.0", "+Inf")),
    ]
    before = [count(*each) for each in wanted]
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 10_000, 320))
    till.clock.advance(hours(6))
    assert await till.close() == 1
    till.clock.advance(timedelta(seconds=20))
    booking = settled(await till.last(SettlementCreated))
    await till.consume(booking, booking)
    till.clock.advance(hours(1))
    await till.consume(booking)
    assert [count(*each) - first for each, first in zip(wanted, before, strict=True)] == [0, 1, 1, 0, 1, 1]


async def test_what_is_due_and_not_closed_shows_since_when(till: Till) -> None:
    await till.policy(daily("18:00"))
    await till.consume(capture(1, 10_000, 320))
    await jobs.report_due(till.runtime)
    assert REGISTRY.get_sample_value("paystream_settlements_due_oldest_seconds") == 0
    till.clock.advance(hours(7))
    await jobs.report_due(till.runtime)
    assert REGISTRY.get_sample_value("paystream_settlements_due_oldest_seconds") == 3_600
    await till.close()
    await jobs.report_due(till.runtime)
    assert REGISTRY.get_sample_value("paystream_settlements_due_oldest_seconds") == 0
