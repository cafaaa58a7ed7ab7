"""Which partitions are made and dropped, by all clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.postgres.partitions.time_partitions import Clocks, DatedBy, DayRange, TimePartition, TimePartitions, plan

DAYS = TimePartitions(table="call", kept=timedelta(hours=24))
MONTHS = TimePartitions(table="letter", kept=timedelta(days=90), period_days=30)


def clocks(database: str, process: str | None = None, business: str | None = None) -> Clocks:
    moments = [
        datetime.fromisoformat(f"{text}+00:00") for text in (database, process or database, business or database)
    ]
    return Clocks(database=moments[0], process=moments[1], business=moments[2])


def there(declared: TimePartitions, *days: str) -> list[TimePartition]:
    periods = [declared.period_of(date.fromisoformat(day)) for day in days]
    return [TimePartition(f"{declared.table}_{period.first:%Y%m%d}", period) for period in periods]


def test_the_present_period_and_three_after_it_are_made() -> None:
    todo = plan(DAYS, there(DAYS, "2026-03-02", "2026-03-03"), clocks("2026-03-01T23:59:59"))
    assert [period.first.day for period in todo.missing] == [1, 4]
    assert [period.following.day for period in todo.missing] == [2, 5]


@pytest.mark.parametrize(
    ("now", "dropped"),
    [("2026-03-02T23:59:59", []), ("2026-03-03T00:00:00", ["call_20260301"])],
)
def test_a_partition_is_dropped_when_all_of_it_is_past_retention(now: str, dropped: list[str]) -> None:
    todo = plan(DAYS, there(DAYS, "2026-03-01", "2026-03-02"), clocks(now))
    assert [partition.name for partition in todo.old] == dropped


def test_periods_of_many_days_lie_on_one_grid() -> None:
    # 2026-01-05 is day 20,458 since 1970, and the 28th of its 30.
    assert MONTHS.period_of(date(2026, 1, 5)) == DayRange(date(2025, 12, 8), date(2026, 1, 7))
    assert MONTHS.period_of(date(2026, 1, 6)) == DayRange(date(2025, 12, 8), date(2026, 1, 7))
    assert MONTHS.period_of(date(2026, 1, 7)) == DayRange(date(2026, 1, 7), date(2026, 2, 6))
    todo = plan(MONTHS, [], clocks("2026-01-06T12:00:00"))
    assert [period.first.isoformat() for period in todo.missing] == [
        "2025-12-08",
        "2026-01-07",
        "2026-02-06",
        "2026-03-08",
    ]


def test_a_clock_that_is_ahead_makes_nothing_old() -> None:
    present = there(DAYS, "2026-03-01")
    assert plan(DAYS, present, clocks("2031-01-01T00:00:00", process="2026-03-02T12:00:00")).old == []
    assert plan(DAYS, present, clocks("2026-03-02T12:00:00", process="2031-01-01T00:00:00")).old == []
    assert plan(DAYS, present, clocks("2031-01-01T00:00:00", business="2026-03-02T12:00:00")).old == present


def test_what_is_dated_by_business_time_is_made_and_dropped_by_it() -> None:
    inbox = TimePartitions(table="inbox", kept=timedelta(days=14), dated_by=DatedBy.BUSINESS)
    ahead = clocks("2026-03-01T12:00:00", business="2028-01-01T12:00:00")
    assert plan(inbox, [], ahead).missing[0].first == date(2028, 1, 1)
    present = there(inbox, "2026-02-14", "2026-02-15")
    assert plan(inbox, present, ahead).old == present[:1]
    assert plan(inbox, present, clocks("2026-03-01T12:00:00", business="2026-02-20T12:00:00")).old == []


@given(
    declared=st.builds(
        TimePartitions,
        table=st.just("t"),
        kept=st.timedeltas(timedelta(hours=1), timedelta(days=400)),
        period_days=st.integers(1, 40),
    ),
    start=st.timedeltas(timedelta(), timedelta(days=7_000)).map(lambda since: datetime(2020, 1, 1, tzinfo=UTC) + since),
    steps=st.lists(st.timedeltas(timedelta(minutes=1), timedelta(days=60)), min_size=1, max_size=30),
)
def test_as_time_passes_rows_are_kept_as_long_as_said_and_at_most_two_periods_longer(
    declared: TimePartitions, start: datetime, steps: list[timedelta]
) -> None:
    partitions: list[TimePartition] = []
    rows: list[datetime] = []
    now = start
    for step in steps:
        todo = plan(declared, partitions, Clocks(database=now, process=now, business=now))
        partitions = [each for each in partitions if each not in todo.old]
        partitions += [TimePartition(f"t_{period.first}", period) for period in todo.missing]
        days = [partition.period for partition in partitions]
        assert len(set(days)) == len(days)
        # What is found is what lies in a partition.
        found = [row for row in rows if any(day.first <= row.date() < day.following for day in days)]
        assert [row for row in rows if now - row < declared.kept] == [row for row in found if now - row < declared.kept]
        assert all(now - row < declared.kept + timedelta(days=2 * declared.period_days) for row in found)
        assert len(partitions) <= declared.kept / timedelta(days=declared.period_days) + 2 + 4
        rows.append(now)
        assert any(day.first <= now.date() < day.following for day in days)
        now += step
