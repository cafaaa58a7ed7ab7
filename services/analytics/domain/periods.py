"""Ranges, grains and time zones. Pure."""

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from paykit.errors import DomainError, FieldInvalid, Kind
from services.analytics.domain.figure import QUARTER, quarter_from, quarter_of

END_TIME_MAX = datetime(9999, 12, 30, tzinfo=UTC)
"""No range ends later: from here on some time zone's day would have no date."""
PERIODS_MAX = 4_000
"""Periods of one question."""


class TimeZoneUnknown(DomainError):
    """The name is not a time zone of the IANA database."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TIME_ZONE_UNKNOWN"


class Grain(StrEnum):
    """How long a period is."""

    RANGE = "RANGE"
    QUARTER_HOUR = "QUARTER_HOUR"
    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


_SHORTEST = {
    Grain.QUARTER_HOUR: QUARTER,
    Grain.HOUR: timedelta(hours=1),
    Grain.DAY: timedelta(hours=23),
    Grain.MONTH: timedelta(days=27),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of whole quarters of an hour in UTC.

    Attributes:
        end_time: Exclusive.
    """

    start_time: datetime
    end_time: datetime


def range_of(start_time: datetime | None, end_time: datetime | None, *, now: datetime, zone: str) -> Range:
    """Widen a range to whole quarters; left out, it ends now and begins with the day of its end.

    Raises:
        FieldInvalid: It is empty.
        TimeZoneUnknown: There is no such zone.
    """
    end = quarter_from(min(end_time or now, END_TIME_MAX))
    start = quarter_of(start_time) if start_time else day_of(end - QUARTER, zone)
    if start >= end:
        raise FieldInvalid("end_time must lie after start_time.", field="end_time")
    return Range(start_time=start, end_time=end)


def require_bounded(span: Range, grain: Grain) -> None:
    """Refuse more periods than one answer may have.

    Raises:
        FieldInvalid: There may be more than PERIODS_MAX.
    """
    if grain is not Grain.RANGE and (span.end_time - span.start_time) / _SHORTEST[grain] > PERIODS_MAX:
        raise FieldInvalid(f"The range may have more than {PERIODS_MAX} periods of this grain.", field="start_time")


def day_of(moment: datetime, zone: str) -> datetime:
    """Return when the day of a zone began that a moment lies in, in UTC."""
    local = moment.astimezone(require_zone(zone))
    return quarter_of(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC))


def require_zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a time zone; they are read from the machine or from the tzdata package, and cached by zoneinfo.

    Raises:
        TimeZoneUnknown: There is no such zone.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as Europe
        raise TimeZoneUnknown(f"{name!r} is not an IANA time zone.", field="time_zone") from None
