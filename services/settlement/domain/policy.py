"""When a merchant is settled: cut-offs in the merchant's zone, days of delay, thresholds. Pure.

A cut-off is a local date and time of day. Where clocks spring over it, it lies as long after the gap's beginning as it
would without the gap; where they show it twice, it is the first time. Source: RFC 5545 section 3.3.5. Its date stays
the one that it was meant for, also where the gap ends on the next.
"""

import zoneinfo
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from paykit.calendars import calendar_of
from paykit.merchants.standing import MerchantStanding
from paystream.merchant.v1.events import ReserveBase, SettlementSchedule

BUSINESS_DELAY_DAYS_MAX = 75
"""Calendar days that the longest delay in business days lasts at most, whatever the calendar."""
LOOK_BACK = timedelta(days=BUSINESS_DELAY_DAYS_MAX + 35)
"""What is dated earlier is late for every cut-off, monthly ones with the longest delay included."""
LOOK_AHEAD = timedelta(days=366)
"""What is dated later is taken as dated then: far enough, and far from the end of the calendar."""
_WEEK = 7
_MONTHS = 12
_CUT_OFFS_MAX = LOOK_AHEAD.days * 2
"""More than lie between any two dates looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When and how a merchant's funds are settled.

    Attributes:
        cut_off_time: Local time of day; None unless the schedule has cut-offs.
        cut_off_weekday: 1 (Monday) to 7 (Sunday); None unless the schedule is WEEKLY.
        cut_off_month_day: 1 to 31, the last day where the month is shorter; None unless the schedule is MONTHLY.
        time_zone: IANA name.
        delay_days: Local days from a cut-off to its settlement.
        business_days: Whether these are business days, and a settlement due on another day waits for the next one.
        calendar: Whose holidays are no business days, ISO 3166; None for weekends alone.
        thresholds: Smallest totals worth settling, in minor units by currency_code.
        reserve_basis_points: Part of each settlement held back.
        reserve_base: What that is a part of.
        reserve_days: Days until it is released.
        hold_reason: The standing for which nothing is closed, one of STOPPED; None where all goes its way.
        zone_known: Whether this machine can tell the time in its zone; where it cannot, all waits until it can.
    """

    schedule: SettlementSchedule
    cut_off_time: time | None = None
    cut_off_weekday: int | None = None
    cut_off_month_day: int | None = None
    time_zone: str = "UTC"
    delay_days: int = 0
    business_days: bool = False
    calendar: str | None = None
    thresholds: Mapping[str, int] = field(default_factory=dict)
    reserve_basis_points: int = 0
    reserve_base: ReserveBase = ReserveBase.NET
    reserve_days: int = 0
    hold_reason: MerchantStanding | None = None
    zone_known: bool = True

    def worth_settling_minor(self, currency_code: str) -> int:
        """Return the least total that is settled by itself."""
        return self.thresholds.get(currency_code, 1)


UNKNOWN = Policy(schedule=SettlementSchedule.MANUAL)
"""Of a merchant that merchant.events has not told of: nothing is settled before it does."""
ZONE_UNKNOWN = Policy(schedule=SettlementSchedule.MANUAL, zone_known=False)
"""In place of one whose zone this machine does not know."""


def knows_zone(name: str) -> bool:
    """Return whether this machine can tell the time in a zone."""
    try:
        return bool(zoneinfo.ZoneInfo(name).key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False


def next_cut_off(policy: Policy, at: datetime) -> datetime | None:
    """Return the first cut-off at or after a time, in UTC; None if the schedule has none.

    A time outside of LOOK_BACK and LOOK_AHEAD of now is for the caller to bound.
    """
    if policy.cut_off_time is None:
        return None
    return next(moment for moment in _cut_offs(policy, at) if moment >= at)


def due_at(policy: Policy, cut_off: datetime) -> datetime:
    """Return when what a cut-off closes is settled: after the days of delay, at the same local time."""
    day = _date_of(policy, cut_off)
    if policy.business_days:
        return _instant(policy, calendar_of(policy.calendar).add_business_days(day, policy.delay_days))
    return _instant(policy, day + timedelta(days=policy.delay_days))


def open_cut_off(policy: Policy, now: datetime) -> datetime | None:
    """Return the earliest cut-off that is not yet to be settled; None if the schedule has none."""
    if policy.cut_off_time is None:
        return None
    delay_days = BUSINESS_DELAY_DAYS_MAX if policy.business_days else policy.delay_days
    since = now - timedelta(days=delay_days + 1)
    return next(moment for moment in _cut_offs(policy, since) if due_at(policy, moment) > now)


def bounded(at: datetime, *, now: datetime) -> datetime:
    """Return a date that cut-offs can be computed for, which differs only where it makes no difference."""
    return min(max(at, now - LOOK_BACK), now + LOOK_AHEAD)


def _cut_offs(policy: Policy, since: datetime) -> Iterator[datetime]:
    """Yield cut-offs in order, beginning with one before `since`."""
    day = _local_date(policy, since) - timedelta(days=1)
    if policy.cut_off_month_day is not None:
        yield from (_instant(policy, month_day) for month_day in _month_days(day, policy.cut_off_month_day))
        return
    step = 1
    if policy.cut_off_weekday is not None:
        day -= timedelta(days=(day.isoweekday() - policy.cut_off_weekday) % _WEEK)
        step = _WEEK
    for number in range(_CUT_OFFS_MAX):
        yield _instant(policy, day + timedelta(days=number * step))


def _month_days(since: date, month_day: int) -> Iterator[date]:
    """Yield a day of each month, from the month before a date on; the last day of months that are shorter."""
    before = since.year * _MONTHS + since.month - 2
    for month in range(before, before + _CUT_OFFS_MAX):
        year, month_index = divmod(month, _MONTHS)
        last = monthrange(year, month_index + 1)[1]
        yield date(year, month_index + 1, min(month_day, last))


def _date_of(policy: Policy, cut_off: datetime) -> date:
    """Return the date that a cut-off was meant for: where its time was sprung over, clocks may show the next."""
    day = _local_date(policy, cut_off)
    before = day - timedelta(days=1)
    return before if _instant(policy, day) != cut_off == _instant(policy, before) else day


def _local_date(policy: Policy, moment: datetime) -> date:
    return moment.astimezone(_zone(policy)).date()


def _instant(policy: Policy, day: date) -> datetime:
    # Of a local time that the clocks skip or show twice, fold=0 is read by the offset before the change.
    if policy.cut_off_time is None:
        raise ValueError("a schedule without cut-offs was asked for one")
    return datetime.combine(day, policy.cut_off_time, tzinfo=_zone(policy)).astimezone(UTC)


def _zone(policy: Policy) -> zoneinfo.ZoneInfo:
    """Zones are read from the machine or from the tzdata package, and cached by zoneinfo."""
    return zoneinfo.ZoneInfo(policy.time_zone)


class Periods:
    """The cut-offs of many dates under one policy: nearly all lie in the period of the one before."""

    def __init__(self, policy: Policy, *, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._beyond = datetime.max.replace(tzinfo=UTC)
        self._until = datetime.min.replace(tzinfo=UTC)
        self._is_late = False

    def cut_off(self, at: datetime) -> datetime | None:
        """Return the cut-off that something dated so belongs to; None without cut-offs, or if it comes too late."""
        if self._policy.cut_off_time is None:
            return None
        if not self._beyond < at <= self._until:
            self._find(bounded(at, now=self._now))
        return None if self._is_late else self._until

    def _find(self, at: datetime) -> None:
        previous = at
        for moment in _cut_offs(self._policy, at):
            if moment >= at:
                self._until = moment
                break
            previous = moment
        self._beyond = previous
        self._is_late = due_at(self._policy, self._until) <= self._now
