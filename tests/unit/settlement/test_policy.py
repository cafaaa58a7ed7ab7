"""Cut-offs in the merchant's zone, by calendars worked out by hand."""

import itertools
import os
import subprocess
import sys
import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.domain.policy import Periods, Policy, bounded, due_at, next_cut_off, open_cut_off
from tests.unit.settlement.builders import MANUAL, NOON, daily, monthly, threshold, utc, weekly


@pytest.mark.parametrize(
    ("policy", "at", "cut_off"),
    [
        (daily("18:00"), utc(1, 12), utc(1, 18)),
        (daily("18:00"), utc(1, 18), utc(1, 18)),  # What is dated at the cut-off itself belongs to it.
        (daily("18:00"), utc(1, 18) + timedelta(microseconds=1), utc(2, 18)),
        (daily("00:00"), utc(1, 0), utc(1, 0)),
        (daily("18:00", "Asia/Tokyo"), utc(1, 12), utc(2, 9)),  # 21:00 in Tokyo already.
        (daily("18:00", "America/Los_Angeles"), utc(1, 1), utc(1, 2)),  # Still the day before there.
        (daily("00:30", "Asia/Kathmandu"), utc(1, 12), utc(1, 18, 45)),  # 5:45 ahead.
        (weekly(1, "09:00"), utc(1, 12), utc(2, 9)),  # Sunday to Monday.
        (weekly(7, "09:00"), utc(1, 12), utc(8, 9)),  # Sunday after its cut-off.
        (weekly(7, "18:00"), utc(1, 12), utc(1, 18)),
        (weekly(3, "09:00", "Asia/Tokyo"), utc(4, 0), utc(4, 0)),
        (threshold(USD=1), utc(1, 12), None),
        (MANUAL, utc(1, 12), None),
    ],
)
def test_the_next_cut_off_is_the_first_at_or_after_a_time(
    policy: Policy, at: datetime, cut_off: datetime | None
) -> None:
    assert next_cut_off(policy, at) == cut_off


# Berlin springs from 02:00 to 03:00 on 29 March 2026 (01:00 UTC), and falls back from 03:00 to 02:00 on 25 October.
BERLIN = daily("02:30", "Europe/Berlin")


def test_a_cut_off_that_the_clocks_spring_over_lies_half_an_hour_after_the_leap() -> None:
    assert next_cut_off(BERLIN, utc(28, 12)) == utc(29, 1, 30)  # 03:30, which would have been 02:30.
    assert next_cut_off(BERLIN, utc(29, 1, 31)) == utc(30, 0, 30)  # From then on two hours ahead of UTC.


def test_a_cut_off_that_the_clocks_show_twice_is_the_first_of_the_two() -> None:
    assert next_cut_off(BERLIN, utc(24, 12, month=10)) == utc(25, 0, 30, month=10)
    assert next_cut_off(BERLIN, utc(25, 0, 31, month=10)) == utc(26, 1, 30, month=10)


def test_a_day_of_23_hours_and_one_of_25_have_one_cut_off_each() -> None:
    noon = daily("12:00", "Europe/Berlin")
    assert next_cut_off(noon, utc(28, 11, 1)) == utc(29, 10)
    assert next_cut_off(noon, utc(24, 10, 1, month=10)) == utc(25, 11, month=10)


def test_a_midnight_that_does_not_exist_is_the_first_moment_of_the_day() -> None:
    # Santiago springs from 00:00 to 01:00 on 6 September 2026, 04:00 UTC.
    midnight = daily("00:00", "America/Santiago")
    assert next_cut_off(midnight, utc(5, 12, month=9)) == utc(6, 4, month=9)
    assert next_cut_off(midnight, utc(6, 5, month=9)) == utc(7, 3, month=9)


def test_a_day_that_a_country_skipped_has_its_cut_off_with_the_next() -> None:
    # Samoa went from 29 to 31 December 2011, from 10 hours behind UTC to 14 ahead.
    samoa = daily("18:00", "Pacific/Apia")
    assert next_cut_off(samoa, utc(29, 20, year=2011, month=12)) == utc(30, 4, year=2011, month=12)
    assert next_cut_off(samoa, utc(30, 5, year=2011, month=12)) == utc(31, 4, year=2011, month=12)


@pytest.mark.parametrize(
    ("policy", "cut_off", "due"),
    [
        (daily("18:00"), utc(1, 18), utc(1, 18)),
        (daily("18:00", delay_days=2), utc(1, 18), utc(3, 18)),
        (daily("12:00", "Europe/Berlin", delay_days=1), utc(28, 11), utc(29, 10)),  # 23 hours later.
        (daily("12:00", "Europe/Berlin", delay_days=1), utc(24, 10, month=10), utc(25, 11, month=10)),  # 25 hours.
        (daily("02:30", "Europe/Berlin", delay_days=1), utc(28, 1, 30), utc(29, 1, 30)),  # Into the gap.
        (weekly(1, "09:00", delay_days=30), utc(2, 9), utc(1, 9, month=4)),
    ],
)
def test_days_of_delay_are_days_of_the_merchants_calendar(policy: Policy, cut_off: datetime, due: datetime) -> None:
    assert due_at(policy, cut_off) == due


@pytest.mark.parametrize(
    ("policy", "now", "cut_off"),
    [
        (daily("18:00"), utc(1, 12), utc(1, 18)),
        (daily("18:00"), utc(1, 18), utc(2, 18)),  # The one at 18:00 is to be settled now.
        (daily("18:00", delay_days=2), utc(4, 12), utc(2, 18)),
        (daily("18:00", delay_days=2), utc(4, 18), utc(3, 18)),
        (weekly(1, "09:00", delay_days=3), utc(4, 12), utc(2, 9)),
        (weekly(1, "09:00", delay_days=3), utc(5, 12), utc(9, 9)),
        (MANUAL, utc(1, 12), None),
    ],
)
def test_the_earliest_cut_off_that_is_open_is_the_first_not_yet_to_be_settled(
    policy: Policy, now: datetime, cut_off: datetime | None
) -> None:
    assert open_cut_off(policy, now) == cut_off


def test_an_item_belongs_to_its_cut_off_until_that_is_to_be_settled_and_is_late_from_then_on() -> None:
    periods = Periods(daily("18:00", delay_days=1), now=utc(3, 12))
    dated = [utc(3, 12), utc(2, 19), utc(2, 18), utc(2, 17), utc(1, 18), utc(3, 19), utc(2, 18)]
    assert [periods.cut_off(at) for at in dated] == [
        utc(3, 18), utc(3, 18), utc(2, 18), utc(2, 18), None, utc(4, 18), utc(2, 18),
    ]  # fmt: skip


def test_dates_at_the_ends_of_the_calendar_are_late_or_far_and_never_an_error() -> None:
    periods = Periods(daily("18:00", "Asia/Tokyo"), now=NOON)
    assert periods.cut_off(datetime(1, 1, 1, tzinfo=UTC)) is None
    assert periods.cut_off(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) == utc(3, 9, year=2027)
    assert periods.cut_off(NOON) == utc(2, 9)


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"])
POLICIES = st.one_of(
    st.builds(
        daily,
        st.times().map(lambda at: at.isoformat("minutes")),
        ZONES,
        delay_days=st.integers(0, 30),
        business_days=st.booleans(),
        calendar=st.sampled_from([None, "DE", "SA", "JP"]),
    ),
    st.builds(monthly, st.integers(1, 31), st.just("18:00"), ZONES, delay_days=st.integers(0, 30)),
    st.builds(weekly, st.integers(1, 7), st.times().map(lambda at: at.isoformat("minutes")), ZONES),
)
TIMES = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(policy=POLICIES, at=TIMES)
def test_a_cut_off_shows_the_local_time_asked_for_or_is_moved_by_a_leap(policy: Policy, at: datetime) -> None:
    cut_off = next_cut_off(policy, at)
    assert cut_off is not None
    days = 32 if policy.cut_off_month_day else 8 if policy.cut_off_weekday else 2
    assert at <= cut_off <= at + timedelta(days=days, hours=1)
    assert next_cut_off(policy, cut_off) == cut_off
    assert due_at(policy, cut_off) >= cut_off + timedelta(days=policy.delay_days, hours=-25)


@given(policy=POLICIES, now=TIMES, hours=st.lists(st.integers(-24 * 50, 24 * 50), min_size=1, max_size=20))
def test_periods_remember_no_wrong_cut_off(policy: Policy, now: datetime, hours: list[int]) -> None:
    periods = Periods(policy, now=now)
    for each in hours:
        at = now + timedelta(hours=each)
        expected = next_cut_off(policy, bounded(at, now=now))
        assert expected is not None
        assert periods.cut_off(at) == (expected if due_at(policy, expected) > now else None)


@given(policy=POLICIES, now=TIMES)
def test_nothing_that_is_not_late_comes_before_the_open_cut_off(policy: Policy, now: datetime) -> None:
    opened = open_cut_off(policy, now)
    assert opened is not None
    assert due_at(policy, opened) > now
    earlier = next_cut_off(policy, opened - timedelta(days=40 if policy.cut_off_month_day else 8))
    assert earlier is not None
    assert earlier == opened or due_at(policy, earlier) <= now


def test_zones_are_known_on_a_machine_without_a_database_of_them() -> None:
    program = "import zoneinfo; print(zoneinfo.ZoneInfo('Europe/Berlin').key)"
    environment = os.environ | {"PYTHONTZPATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    assert ran.stdout == "Europe/Berlin\n"


def test_a_cut_off_keeps_its_date_where_the_clocks_spring_over_it_past_midnight() -> None:
    # Nuuk springs from 23:00 to 00:00 on 27 March 2027 (01:00 UTC of the 28th): 23:30 is shown by no clock.
    nuuk = daily("23:30", "America/Nuuk")
    cut_off = next_cut_off(nuuk, utc(27, 12, year=2027))
    assert cut_off == utc(28, 1, 30, year=2027)
    assert due_at(nuuk, cut_off) == utc(28, 1, 30, year=2027)
    assert due_at(daily("23:30", "America/Nuuk", delay_days=1), cut_off) == utc(29, 0, 30, year=2027)
    assert next_cut_off(nuuk, utc(28, 1, 31, year=2027)) == utc(29, 0, 30, year=2027)


MINUTE = timedelta(minutes=1)
HALF_HOURS = [f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30")]


def changes_of(zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """Give the first minute, in UTC, of each offset that a zone changes to in 2026 to 2030."""
    found = []
    for number in range((datetime(2031, 1, 1, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)).days):
        before = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        after = before + timedelta(days=1)
        if offset(zone, before) != offset(zone, after):
            while after - before > MINUTE:
                middle = before + (after - before) // 2
                middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
                before, after = (middle, after) if offset(zone, middle) == offset(zone, before) else (before, middle)
            found.append(after)
    return found


def offset(zone: zoneinfo.ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).replace(tzinfo=UTC) - moment


def instant_by_hand(zone: zoneinfo.ZoneInfo, change: datetime, local: datetime) -> datetime:
    """Give when clocks show a local time near a change for the first time; skipped, as if they had not been changed."""
    before, after = offset(zone, change - MINUTE), offset(zone, change)
    shown = [moment for moment in (local - before, local - after) if moment + offset(zone, moment) == local]
    return min(shown, default=local - before)


def test_every_cut_off_of_every_zone_keeps_its_local_date_through_every_change_of_clocks_until_2030() -> None:
    looked_at = set()
    for name in sorted(zoneinfo.available_timezones()):
        zone = zoneinfo.ZoneInfo(name)
        for change in changes_of(zone):
            key = (change, offset(zone, change - MINUTE), offset(zone, change))
            if key in looked_at:
                continue
            looked_at.add(key)
            day = (change + offset(zone, change)).replace(hour=0, minute=0)
            for at, number in itertools.product(HALF_HOURS, (-1, 0, 1)):
                local = day + timedelta(days=number, hours=int(at[:2]), minutes=int(at[3:]))
                expected = instant_by_hand(zone, change, local)
                policy = daily(at, name)
                assert next_cut_off(policy, expected) == expected, (name, local)
                assert due_at(policy, expected) == expected, (name, local)
                following = instant_by_hand(zone, change, local + timedelta(days=1))
                assert due_at(replace(policy, delay_days=1), expected) == following, (name, local)
    assert len(looked_at) > 100


@pytest.mark.parametrize(
    ("policy", "at", "cut_off"),
    [
        (monthly(15), utc(1, 12), utc(15, 18)),
        (monthly(15), utc(15, 18), utc(15, 18)),
        (monthly(15), utc(15, 19), utc(15, 18, month=4)),
        (monthly(31), utc(1, 12), utc(31, 18)),
        (monthly(31), utc(1, 12, month=4), utc(30, 18, month=4)),  # April has 30 days.
        (monthly(31), utc(1, 12, month=2, year=2028), utc(29, 18, month=2, year=2028)),
        (monthly(30), utc(31, 12, month=1, year=2027), utc(28, 18, month=2, year=2027)),
        (monthly(1, "09:00", "Asia/Tokyo"), utc(31, 23, month=12), utc(1, 0, month=1, year=2027)),
    ],
)
def test_a_monthly_cut_off_is_that_day_or_the_last_of_a_shorter_month(
    policy: Policy, at: datetime, cut_off: datetime
) -> None:
    assert next_cut_off(policy, at) == cut_off


GERMAN: dict[str, Any] = {"business_days": True, "calendar": "DE"}


@pytest.mark.parametrize(
    ("policy", "cut_off", "due"),
    [
        # 2 April 2026 is a Thursday, before Good Friday, the weekend and Easter Monday.
        (daily("18:00", "Europe/Berlin", **GERMAN), utc(2, 16, month=4), utc(2, 16, month=4)),
        (daily("18:00", "Europe/Berlin", delay_days=1, **GERMAN), utc(2, 16, month=4), utc(7, 16, month=4)),
        (daily("18:00", "Europe/Berlin", **GERMAN), utc(3, 16, month=4), utc(7, 16, month=4)),
        (daily("18:00", "Europe/Berlin", delay_days=2, **GERMAN), utc(3, 16, month=4), utc(8, 16, month=4)),
        (daily("18:00", delay_days=1, business_days=True), utc(3, 18, month=4), utc(6, 18, month=4)),  # Weekends alone.
        (monthly(31, delay_days=1, **GERMAN), utc(31, 18, month=12), utc(4, 18, month=1, year=2027)),
    ],
)
def test_days_of_delay_may_be_business_days_of_a_calendar(policy: Policy, cut_off: datetime, due: datetime) -> None:
    assert due_at(policy, cut_off) == due


def test_cut_offs_of_days_without_business_are_open_until_the_next_business_day() -> None:
    policy = daily("18:00", business_days=True)
    sunday = utc(1, 12)
    assert open_cut_off(policy, sunday) == utc(28, 18, month=2)  # Saturday's, due on Monday.
    assert Periods(policy, now=sunday).cut_off(utc(28, 12, month=2)) == utc(28, 18, month=2)
    assert open_cut_off(policy, utc(2, 18)) == utc(3, 18)
