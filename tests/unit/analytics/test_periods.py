"""Ranges of whole quarters, time zones, rates."""

from datetime import UTC, datetime, timedelta

import pytest

from paykit.errors import FieldInvalid
from services.analytics.domain import periods, summary
from services.analytics.domain.figure import Measure, Tally, quarter_from, quarter_of
from services.analytics.domain.periods import Grain, Range, TimeZoneUnknown
from services.analytics.domain.question import Question, require_one_zone
from services.analytics.domain.summary import Figures, Group, Rate, Sum
from tests.unit.analytics.builders import NOON


def at(hour: int, minute: int = 0, *, day: int = 10, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


def test_a_moment_lies_in_the_quarter_that_began_at_it_or_before() -> None:
    assert quarter_of(at(12, 15)) == at(12, 15)
    assert quarter_of(at(12, 14, second=59)) == at(12)
    assert quarter_from(at(12, 15)) == at(12, 15)
    assert quarter_from(at(12, 15, second=1)) == at(12, 30)


@pytest.mark.parametrize(
    ("zone", "began"),
    [
        ("UTC", at(0)),
        ("Europe/Berlin", at(23, day=9)),  # UTC+1 in winter
        ("Asia/Kolkata", at(18, 30, day=9)),  # UTC+5:30
        ("Asia/Kathmandu", at(18, 15, day=9)),  # UTC+5:45
        ("America/New_York", at(4)),  # UTC-4 since March 8
    ],
)
def test_the_day_of_a_zone_begins_at_a_quarter(zone: str, began: datetime) -> None:
    assert periods.day_of(NOON, zone) == began


def test_a_range_is_widened_to_whole_quarters() -> None:
    span = periods.range_of(at(10, 7), at(11, 1), now=NOON, zone="UTC")
    assert span == Range(start_time=at(10), end_time=at(11, 15))


def test_a_range_left_out_is_the_day_until_now() -> None:
    span = Question(zone="Europe/Berlin").range(at(12, 1))
    assert span == Range(start_time=at(23, day=9), end_time=at(12, 15))


def test_a_range_that_ends_at_midnight_is_the_day_before() -> None:
    assert periods.range_of(None, at(0), now=NOON, zone="UTC") == Range(start_time=at(0, day=9), end_time=at(0))


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_end_of_time_is_an_end(zone: str) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert periods.range_of(NOON, last, now=NOON, zone=zone).end_time == datetime(9999, 12, 30, tzinfo=UTC)
    assert periods.range_of(None, last, now=NOON, zone=zone).end_time == datetime(9999, 12, 30, tzinfo=UTC)
    with pytest.raises(FieldInvalid):
        periods.range_of(last, last, now=NOON, zone=zone)


@pytest.mark.parametrize("end", [at(10), at(9)])
def test_an_empty_range_is_refused(end: datetime) -> None:
    with pytest.raises(FieldInvalid):
        periods.range_of(at(10), end, now=NOON, zone="UTC")


def test_too_many_periods_are_refused() -> None:
    span = Range(start_time=NOON, end_time=NOON + timedelta(days=100))
    periods.require_bounded(span, Grain.HOUR)
    with pytest.raises(FieldInvalid):
        periods.require_bounded(span, Grain.QUARTER_HOUR)


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../etc/passwd", "", "/UTC"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(TimeZoneUnknown):
        periods.require_zone(name)


def test_a_zone_beside_those_of_merchants_is_refused() -> None:
    require_one_zone("", merchant_time_zones=True)
    with pytest.raises(FieldInvalid):
        require_one_zone("UTC", merchant_time_zones=True)


@pytest.mark.parametrize(
    ("numerator", "denominator", "points"),
    [(1, 3, 3_333), (2, 3, 6_667), (1, 1, 10_000), (0, 5, 0), (1, 20_000, 1), (1, 20_001, 0), (3, 2, 15_000)],
)
def test_a_rate_is_rounded_to_basis_points(numerator: int, denominator: int, points: int) -> None:
    assert Rate(numerator, denominator).basis_points == points


def test_figures_say_what_follows_from_them() -> None:
    figures = Figures()
    for measure, tally in {
        Measure.CAPTURED: Tally(3, 1_000),
        Measure.SUCCEEDED: Tally(2, 900, 3_001),
        Measure.FAILED: Tally(1, 500),
        Measure.REFUNDED: Tally(1, 250),
        Measure.DISPUTE_OPENED: Tally(1, 100),
    }.items():
        figures.add(measure, "", tally)
    assert figures.success_rate == Rate(2, 3)
    assert figures.refund_rate == Rate(250, 1_000)
    assert figures.dispute_rate == Rate(1, 3)
    assert figures.captured_average_minor == 333
    assert figures.time_to_capture_average_ms == 1_500


def test_nothing_has_no_rates() -> None:
    nothing = Figures()
    assert (nothing.success_rate, nothing.refund_rate, nothing.dispute_rate) == (None, None, None)
    assert (nothing.captured_average_minor, nothing.time_to_capture_average_ms) == (None, None)


def test_currencies_and_periods_are_kept_apart_and_reasons_added_up() -> None:
    usd, jpy = (Group(NOON, code, "", "", "", "") for code in ("USD", "JPY"))
    sums = [
        Sum(usd, Measure.FAILED, "DECLINED", Tally(1, 10)),
        Sum(jpy, Measure.FAILED, "DECLINED", Tally(1, 7)),
        Sum(usd, Measure.FAILED, "LIMIT_EXCEEDED", Tally(2, 30)),
    ]
    groups = summary.by_group(sums)
    assert list(groups) == [jpy, usd]
    assert groups[usd].get(Measure.FAILED) == Tally(3, 40)
    assert groups[usd].reasons == {
        (Measure.FAILED, "DECLINED"): Tally(1, 10),
        (Measure.FAILED, "LIMIT_EXCEEDED"): Tally(2, 30),
    }
