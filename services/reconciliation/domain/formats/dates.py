"""Days and moments as channels write them: only those that exist."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from services.reconciliation.domain.formats.refusals import CellInvalid, mapping_invalid

_REMEMBERED_MAX = 4_096
"""Texts of dates remembered: a million lines have few different days."""
_CENTURY = 2_000
_AHEAD_MAX = timedelta(hours=14)

_TOKENS = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<short_year>\d{2})",
    "MM": r"(?P<month>\d{2})",
    "DD": r"(?P<day>\d{2})",
    "HH": r"(?P<hour>\d{2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
    "ZZ": r"(?P<offset>Z|[+-]\d{2}:?\d{2})",
}
_TOKEN = re.compile("|".join(_TOKENS))

ParseDate = Callable[[str], tuple[date, datetime | None]]
"""Gives the day in the channel's zone, and the moment in UTC where the text tells the time of day."""


@cache
def date_parser(pattern: str, zone: str) -> ParseDate:
    """Return what reads dates of a pattern of YYYY, YY, MM, DD, HH, mm, ss and ZZ (an offset), as in `DD.MM.YYYY`.

    Raises:
        StatementMappingInvalid: The pattern names no day, or a part twice.
        CellInvalid: From the function: the text does not follow it, or there is no such day or moment.
    """
    parts = _TOKEN.findall(pattern)
    days = {"YYYY", "MM", "DD"}, {"YY", "MM", "DD"}
    if len(parts) != len(set(parts)) or not any(wanted <= set(parts) for wanted in days) or {"YY", "YYYY"} <= {*parts}:
        raise mapping_invalid("is no pattern of one YYYY or YY, MM and DD", column="date_pattern")
    written, at = "", 0
    for token in _TOKEN.finditer(pattern):
        written += re.escape(pattern[at : token.start()]) + _TOKENS[token[0]]
        at = token.end()
    matcher = re.compile(written + re.escape(pattern[at:]), re.ASCII)
    tz = ZoneInfo(zone)

    @lru_cache(_REMEMBERED_MAX)
    def parse(text: str) -> tuple[date, datetime | None]:
        match = matcher.fullmatch(text)
        if match is None:
            raise CellInvalid(f"is no date of the pattern {pattern}", text)
        return _moment(match, tz, text)

    return parse


def _moment(match: re.Match[str], tz: ZoneInfo, text: str) -> tuple[date, datetime | None]:
    parts = match.groupdict()
    year = int(parts["year"]) if "year" in parts else _CENTURY + int(parts["short_year"])
    try:
        day = date(year, int(parts["month"]), int(parts["day"]))
        if "hour" not in parts:
            return day, None
        clock = (int(parts["hour"]), int(parts.get("minute", 0)), int(parts.get("second", 0)))
        local = datetime(year, day.month, day.day, *clock)  # noqa: DTZ001 - its zone follows
        offset = parts.get("offset")
        return _at_offset(local, offset, tz) if offset else _in_zone(local, tz, text)
    except (ValueError, OverflowError):
        raise CellInvalid("is a day or time that does not exist", text) from None


def _at_offset(local: datetime, offset: str, tz: ZoneInfo) -> tuple[date, datetime]:
    digits = offset.strip("Z+-").replace(":", "") or "0000"
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if ahead > _AHEAD_MAX or digits[2:] >= "60":
        raise ValueError(offset)
    moment = (local + ahead if offset[0] == "-" else local - ahead).replace(tzinfo=UTC)
    return moment.astimezone(tz).date(), moment


def _in_zone(local: datetime, tz: ZoneInfo, text: str) -> tuple[date, datetime]:
    moment = local.replace(tzinfo=tz).astimezone(UTC)
    if moment.astimezone(tz).replace(tzinfo=None) != local:
        raise CellInvalid("is a time that the clocks of its zone left out", text)
    return local.date(), moment
