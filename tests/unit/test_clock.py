"""Business time is in UTC, and stands still where a test says so."""

from datetime import UTC, datetime, timedelta

from paykit.clock import ManualClock, SystemClock

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_the_machine_s_time_is_in_utc_and_goes_on() -> None:
    clock = SystemClock()
    first = clock.now()
    assert first.utcoffset() == timedelta(0)
    assert clock.now() >= first


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(hours=25))
    assert clock.now() == datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
