"""`paystream stats`: what is drawn."""

from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp

from paystream.analytics.v1 import analytics_pb2 as pb
from paytools.cli import chart
from paytools.cli.commands.oversight.stats import By, began, stats_lines

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "columns", "drawn"),
    [
        ([], 10, ""),
        ([0, 0], 10, "  "),
        ([1, 8, 4], 10, "▁█▄"),
        ([0, 1, 1_000_000], 10, " ▁█"),
        ([1, 1, 4, 4, 8, 8], 3, "▁▄█"),
        ([10**30, 5 * 10**29], 10, "█▄"),
    ],
)
def test_a_sparkline(values: list[int], columns: int, drawn: str) -> None:
    assert chart.sparkline(values, columns) == drawn


@pytest.mark.parametrize(
    ("value", "most", "drawn"),
    [(0, 10, ""), (10, 10, "████"), (5, 10, "██"), (1, 1_000_000, "▏"), (3, 8, "█▌"), (0, 0, ""), (-5, 10, "")],
)
def test_a_bar(value: int, most: int, drawn: str) -> None:
    assert chart.bar(value, most, 4) == drawn


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("24h", datetime(2026, 3, 9, 12, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 3, 3, 12, 0, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T02:00:00+02:00", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_when_a_range_begins(since: str, expected: datetime) -> None:
    assert began(since, NOW) == expected


@pytest.mark.parametrize("since", ["yesterday", "0d", "7w", "-1d", "999999d", "2026-13-01"])
def test_what_is_no_time_is_refused(since: str) -> None:
    with pytest.raises(typer.BadParameter):
        began(since, NOW)


def tally(count: int, amount: int) -> pb.Tally:
    return pb.Tally(count=count, amount_minor=str(amount), duration_ms="0")


def drawn(totals: Any, periods: Any, groups: Any, by: By | None = None) -> list[str]:
    return [line.plain.rstrip() for line in stats_lines(totals, periods, groups, by=by, columns=100)]


def test_figures_are_drawn_currency_by_currency() -> None:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(datetime(2026, 3, 10, tzinfo=UTC))
    end.FromDatetime(datetime(2026, 3, 10, 12, 15, tzinfo=UTC))
    figures = pb.Figures(
        captured=tally(3, 4_000),
        refunded=tally(1, 1_000),
        refund_rate=pb.Rate(numerator="1000", denominator="4000", basis_points=2_500),
    )
    totals = pb.GetOverviewResponse(
        start_time=start,
        end_time=end,
        totals=[
            pb.MetricRow(currency_code="JPY", figures=pb.Figures(captured=tally(1, 7))),
            pb.MetricRow(currency_code="USD", figures=figures),
        ],
    )
    hours = [
        pb.MetricRow(
            currency_code="USD",
            start_time=Timestamp(seconds=start.seconds + 3_600 * hour),
            figures=pb.Figures(captured=tally(1, amount)),
        )
        for hour, amount in ((2, 1_000), (4, 3_000))
    ]
    channels = [
        pb.MetricRow(currency_code="USD", channel=name, figures=pb.Figures(captured=tally(1, amount)))
        for name, amount in (("north", 1_000), ("south", 3_000))
    ]
    periods = pb.QueryMetricsResponse(start_time=start, end_time=end, rows=hours)
    full, quarter = "█" * 30, "█" * 7 + "▌"
    assert drawn(totals, periods, pb.QueryMetricsResponse(rows=channels), By.CHANNEL) == [
        "2026-03-10 00:00 to 2026-03-10 12:15 UTC",
        "",
        "JPY",
        f"  captured      {full}                   7 JPY  1x",
        "  rates         none",
        "  over time",
        "  captured by channel",
        "",
        "USD",
        f"  captured      {full}               40.00 USD  3x",
        f"  refunded      {quarter:30}               10.00 USD  1x",
        "  rates         refunds 25.00 %",
        "  over time       ▃ █",
        "  captured by channel",
        f"  south         {full}               30.00 USD  1x",
        f"  north         {'█' * 10:30}               10.00 USD  1x",
    ]


def test_a_day_on_which_nothing_happened_says_so() -> None:
    empty = pb.QueryMetricsResponse()
    assert drawn(pb.GetOverviewResponse(), empty, empty)[1:] == ["nothing happened"]
