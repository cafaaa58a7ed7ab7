"""Business time is in UTC, and stands still where a test says so."""

from datetime import UTC, datetime, timedelta

from paykit.clock import ManualClock, OffsetClock, SystemClock, no_earlier

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


def test_an_offset_clock_is_ahead_by_the_largest_offset_it_was_given() -> None:
    base = ManualClock(NOON)
    clock = OffsetClock(base)
    assert clock.now() == NOON
    assert clock.move_to(timedelta(hours=26))
    assert clock.now() == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    assert not clock.move_to(timedelta(hours=25))
    base.advance(timedelta(minutes=1))
    assert clock.now() == datetime(2026, 3, 2, 14, 1, tzinfo=UTC)


def test_a_change_is_never_dated_before_what_it_follows() -> None:
    later = NOON + timedelta(seconds=1)

    assert [no_earlier(NOON, later), no_earlier(later, NOON)] == [later, later]
