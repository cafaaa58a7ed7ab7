"""Calendars: weekends, holidays, and counting business days. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib import resources
from typing import Any

YEAR_MIN = 2025
"""The first year whose holidays are known."""
YEAR_MAX = 2035
"""The last year whose holidays are known; later only weekends are."""
BUSINESS_DAYS_MAX = 30
"""The most business days that are counted at once."""
CALENDARS_MAX = 1_000
"""Kept in memory: more than there are."""
_SEARCHED_DAYS_MAX = 366
"""Calendar days looked at for them: no calendar closes for so long."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When business is done.

    Attributes:
        weekend: ISO 8601 days of the week, 1 (Monday) to 7 (Sunday).
        closed: Other days without business.
        opened: Days of weekends with business.
    """

    weekend: frozenset[int]
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()

    def is_business_day(self, day: date) -> bool:
        """Return whether business is done on a day."""
        return day in self.opened or (day.isoweekday() not in self.weekend and day not in self.closed)

    def add_business_days(self, day: date, count: int) -> date:
        """Return the count-th business day after a day; with 0 the day itself, or the next business day after it.

        Args:
            day: Any day.
            count: 0 to BUSINESS_DAYS_MAX.
        """
        left = count or (0 if self.is_business_day(day) else 1)
        for number in range(_SEARCHED_DAYS_MAX):
            if not left:
                return day + timedelta(days=number)
            left -= self.is_business_day(day + timedelta(days=number + 1))
        raise ValueError(f"no {count} business days follow {day}")


WEEKENDS = Calendar(frozenset({6, 7}))
"""Of no country: Saturdays and Sundays are closed."""


def is_known(code: str) -> bool:
    """Return whether there is a calendar of a code: ISO 3166-1 alpha-2, or ISO 3166-2, in upper case."""
    return code in _data()["calendars"]


@lru_cache(maxsize=CALENDARS_MAX)
def calendar_of(code: str | None) -> Calendar:
    """Return the calendar of a code; weekends alone without a code, or with one that this copy does not know."""
    if code is None or not is_known(code):
        return WEEKENDS
    country = _data()["calendars"][code.partition("-")[0]]
    closed, opened = _days(country, "closed"), _days(country, "open")
    if "-" in code:
        part = _data()["calendars"][code]
        differing_closed, differing_open = _days(part, "closed"), _days(part, "open")
        closed, opened = closed - differing_open | differing_closed, opened - differing_closed | differing_open
    return Calendar(frozenset(map(int, country["weekend"])), closed, opened)


def _days(calendar: Mapping[str, str], name: str) -> frozenset[date]:
    return frozenset(date(2000 + int(text[:2]), int(text[2:4]), int(text[4:])) for text in calendar[name].split())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files("paykit.calendars").joinpath("holidays.toml").read_text("utf-8"))
