"""Business days: which days of which country, or part of one, are neither weekend nor public holiday. Pure.

What is closed stands in `holidays.toml`, a frozen and dated copy of the data of the `holidays` package, made by
`scripts/gen_holidays.py`: what is due then does not change because a package was upgraded. It is read once, as the
database of time zones is. Beyond its years only weekends are known.
"""

from paykit.calendars.calendar import (
    BUSINESS_DAYS_MAX,
    WEEKENDS,
    YEAR_MAX,
    YEAR_MIN,
    Calendar,
    calendar_of,
    is_known,
)

__all__ = ["BUSINESS_DAYS_MAX", "WEEKENDS", "YEAR_MAX", "YEAR_MIN", "Calendar", "calendar_of", "is_known"]
