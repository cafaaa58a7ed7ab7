"""Business days, by calendars looked up by hand."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from paykit.calendars import BUSINESS_DAYS_MAX, WEEKENDS, YEAR_MAX, YEAR_MIN, calendar_of, is_known

_DATA = tomllib.loads(Path("paykit/calendars/holidays.toml").read_text("utf-8"))


def test_the_copy_says_where_it_is_from_and_which_years_it_knows() -> None:
    assert _DATA["source"] == "holidays 0.109"
    assert date.fromisoformat(_DATA["date"]) >= date(2026, 11, 28)
    assert (_DATA["year_min"], _DATA["year_max"]) == (YEAR_MIN, YEAR_MAX) == (2025, 2035)


@pytest.mark.parametrize(
    ("code", "day", "is_open"),
    [
        ("DE", date(2026, 4, 3), False),  # Good Friday.
        ("DE", date(2026, 4, 2), True),
        ("DE", date(2026, 12, 25), False),  # A Friday.
        ("DE", date(2026, 1, 6), True),
        ("DE-BY", date(2026, 1, 6), False),  # Epiphany is a holiday in Bavaria.
        ("DE-BY", date(2026, 4, 3), False),
        ("US", date(2026, 7, 3), False),  # The fourth is a Saturday, observed the day before.
        ("US", date(2026, 11, 26), False),  # Thanksgiving.
        ("GB-SCT", date(2026, 4, 6), True),  # Easter Monday is no holiday in Scotland.
        ("GB-ENG", date(2026, 4, 6), False),
        ("SA", date(2026, 6, 5), False),  # A Friday: the weekend there.
        ("SA", date(2026, 6, 7), True),  # A Sunday.
        ("CN", date(2025, 9, 28), True),  # A Sunday worked in exchange for the National Day week.
        (None, date(2026, 12, 25), True),
        (None, date(2026, 12, 26), False),
    ],
)
def test_a_day_is_open_or_closed_as_the_country_says(code: str | None, day: date, is_open: bool) -> None:  # noqa: FBT001
    assert calendar_of(code).is_business_day(day) is is_open


@pytest.mark.parametrize(
    ("day", "count", "due"),
    [
        (date(2026, 4, 2), 0, date(2026, 4, 2)),
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # Over Good Friday, the weekend and Easter Monday.
        (date(2026, 4, 3), 0, date(2026, 4, 7)),
        (date(2026, 4, 3), 1, date(2026, 4, 7)),
        (date(2026, 4, 4), 2, date(2026, 4, 8)),
        (date(2026, 12, 23), 2, date(2026, 12, 28)),  # 24 is open; 25 and 26 are holidays, 27 a Sunday.
        (date(2026, 12, 31), 1, date(2027, 1, 4)),
    ],
)
def test_business_days_are_counted_past_what_is_closed(day: date, count: int, due: date) -> None:
    assert calendar_of("DE").add_business_days(day, count) == due


def test_a_code_is_known_as_iso_3166_writes_it() -> None:
    assert all(map(is_known, ["DE", "DE-BY", "US-CA", "JP", "CH-ZH"]))
    assert not any(map(is_known, ["", "de", "XX", "DE-XX", "DEU", "DE-"]))


def test_beyond_its_years_a_country_has_its_weekends_alone() -> None:
    assert calendar_of("DE").is_business_day(date(YEAR_MAX + 1, 12, 25))
    assert not calendar_of("DE").is_business_day(date(YEAR_MAX + 1, 12, 27))
    assert calendar_of("XX") is WEEKENDS


def test_no_calendar_closes_for_so_long_that_business_days_cannot_be_counted() -> None:
    for code in _DATA["calendars"]:
        calendar = calendar_of(code)
        for number in range(0, (YEAR_MAX - YEAR_MIN) * 365, 31):
            day = date(YEAR_MIN, 1, 1) + timedelta(days=number)
            assert calendar.add_business_days(day, BUSINESS_DAYS_MAX) - day <= timedelta(days=75), code
