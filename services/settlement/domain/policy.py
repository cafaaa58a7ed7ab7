"""When a merchant is settled: cut-offs in the merchant's zone, days of delay, thresholds. Pure.

A cut-off is a local time of day. Where clocks spring over it, it lies as long after the gap's beginning as it would
without the gap; where they show it twice, it is the first time. Source: RFC 5545 section 3.3.5.
"""

import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from paystream.merchant.v1.events import SettlementSchedule

DELAY_DAYS_MAX = 30
"""The longest delay that a merchant's policy may have."""
LOOK_BACK = timedelta(days=DELAY_DAYS_MAX + 10)
"""What is dated earlier is late for every cut-off, weekly ones with the longest delay included."""
LOOK_AHEAD = timedelta(days=366)
"""What is dated later is taken as dated then: far enough, and far from the end of the calendar."""
_WEEK = 7
_CUT_OFFS_MAX = LOOK_AHEAD.days * 2
"""More than lie between any two dates looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When and how a merchant's funds are settled.

    Attributes:
        cut_off_time: Local time of day; None unless the schedule has cut-offs.
        cut_off_weekday: 1 (Monday) to 7 (Sunday); None unless the schedule is WEEKLY.
        time_zone: IANA name.
        delay_days: Local calendar days from a cut-off to its settlement.
        thresholds: Smallest totals worth settling, in minor units by currency_code.
        reserve_basis_points: Part of each settlement held back.
        reserve_days: Days until it is released.
    """

    schedule: SettlementSchedule
    cut_off_time: time | None = None
    cut_off_weekday: int | None = None
    time_zone: str = "UTC"
    delay_days: int = 0
    thresholds: Mapping[str, int] = field(default_factory=dict)
    reserve_basis_points: int = 0
    reserve_days: int = 0

    def worth_settling_minor(self, currency_code: str) -> int:
        """Return the least total that is settled by itself."""
        return self.thresholds.get(currency_code, 1)


UNKNOWN = Policy(schedule=SettlementSchedule.MANUAL)
"""Of a merchant that merchant.events has not told of: nothing is settled before it does."""


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
    return _instant(policy, _local_date(policy, cut_off) + timedelta(days=policy.delay_days))


def open_cut_off(policy: Policy, now: datetime) -> datetime | None:
    """Return the earliest cut-off that is not yet to be settled; None if the schedule has none."""
    if policy.cut_off_time is None:
        return None
    since = now - timedelta(days=policy.delay_days + 1)
    return next(moment for moment in _cut_offs(policy, since) if due_at(policy, moment) > now)


def bounded(at: datetime, *, now: datetime) -> datetime:
    """Return a date that cut-offs can be computed for, which differs only where it makes no difference."""
    return min(max(at, now - LOOK_BACK), now + LOOK_AHEAD)


def _cut_offs(policy: Policy, since: datetime) -> Iterator[datetime]:
    """Yield cut-offs in order, beginning with one before `since`."""
    day = _local_date(policy, since) - timedelta(days=1)
    step = 1
    if policy.cut_off_weekday is not None:
        day -= timedelta(days=(day.isoweekday() - policy.cut_off_weekday) % _WEEK)
        step = _WEEK
    for number in range(_CUT_OFFS_MAX):
        yield _instant(policy, day + timedelta(days=number * step))


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
