"""`paystream stats`: what was paid, refunded, settled and paid out, drawn in the terminal."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.text import Text

from paykit.money import Money, format_money
from paystream.analytics.v1 import analytics_pb2 as pb
from paystream.analytics.v1 import analytics_pb2_grpc
from paytools.cli import addresses, chart
from paytools.cli.commands.call import refusal_lines, wait_for

CALL_S_MAX = 30.0
PIPED_COLUMNS = 120
"""Width where there is no terminal."""
BAR_COLUMNS = 30
LABEL_COLUMNS = 14
SPARK_COLUMNS_MAX = 100
GROUPS_MAX = 20
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOURLY_MAX = timedelta(days=3)
"""Up to here periods are hours, beyond they are days."""

_AGO = re.compile(r"([1-9][0-9]{0,5})([hd])")
_SHOWN = (
    ("created", "created"),
    ("succeeded", "succeeded"),
    ("captured", "captured"),
    ("failed", "failed"),
    ("refunded", "refunded"),
    ("reversed", "reversed"),
    ("dispute_opened", "disputed"),
    ("dispute_lost", "disputes lost"),
    ("fees", "fees"),
    ("settled", "settled"),
    ("withdrawn", "withdrawn"),
    ("withdrawal_returned", "sent back"),
)
"""The measures that are drawn, and what they are called."""
_RATES = (("success_rate", "success"), ("refund_rate", "refunds"), ("dispute_rate", "disputes"))


class By(StrEnum):
    """What figures are grouped by."""

    MERCHANT = "merchant"
    CHANNEL = "channel"
    METHOD = "method"
    REASON = "reason"


def stats(
    *,
    merchant: Annotated[str, typer.Option(help="Only this merchant, by its own days: mer_...")] = "",
    since: Annotated[str, typer.Option(help="As in 24h, 7d or 2026-03-01 (UTC); else the beginning of the day.")] = "",
    by: Annotated[By | None, typer.Option(help="Draw groups as well, those with most captured first.")] = None,
    zone: Annotated[str, typer.Option(help="IANA time zone; else the merchant's, or UTC.")] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
    address: Annotated[
        str | None, typer.Option("--address", "-a", help="Of the analytics service; else the local stack's.")
    ] = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Draw figures: a block for each currency, with a bar for each measure, the rates, and the captures over time."""
    start = began(since, datetime.now(UTC)) if since else None
    where = address or addresses.services(home).get("analytics") or addresses.fail("no analytics service is running")
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            answers = _ask(channel, merchant, start, by, zone)
        except grpc.RpcError as error:
            addresses.fail("\n".join(refusal_lines(error)).removeprefix("error: "))
    if json_:
        for answer in answers:
            typer.echo(json_format.MessageToJson(answer, preserving_proto_field_name=True))
        return
    console = Console(highlight=False)
    width = console.width if console.is_terminal else PIPED_COLUMNS
    for line in stats_lines(*answers, by=by, columns=width):
        console.print(line, soft_wrap=True)


def began(since: str, now: datetime) -> datetime:
    """Read when a range begins: so long ago, or a moment in ISO 8601, in UTC unless it says otherwise.

    Raises:
        typer.BadParameter: It is neither.
    """
    if (ago := _AGO.fullmatch(since)) is not None:
        unit = HOUR if ago[2] == "h" else DAY
        try:
            return now - int(ago[1]) * unit
        except OverflowError:
            raise typer.BadParameter(f"{since} ago is before all time", param_hint="--since") from None
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise typer.BadParameter(f"{since!r} is no time: 24h, 7d, 2026-03-01", param_hint="--since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def stats_lines(
    totals: Any, periods: pb.QueryMetricsResponse, groups: pb.QueryMetricsResponse, *, by: By | None, columns: int
) -> Iterator[Text]:
    """Return what is drawn, line by line, none longer than `columns` where these are 100 and names are short."""
    yield Text(f"{_moment(periods.start_time)} to {_moment(periods.end_time)} UTC", style="dim")
    if not totals.totals:
        yield Text("nothing happened")
    over_time: defaultdict[str, list[pb.MetricRow]] = defaultdict(list)
    for row in periods.rows:
        over_time[row.currency_code].append(row)
    for total in totals.totals:
        yield Text()
        yield Text(total.currency_code, style="bold")
        yield from _measures(total)
        yield _rates(total.figures)
        captured = _over_time(over_time[total.currency_code], periods)
        spark = chart.sparkline(captured, min(columns - LABEL_COLUMNS - 2, SPARK_COLUMNS_MAX))
        yield Text.assemble(f"  {'over time':{LABEL_COLUMNS}}", (spark, "green"))
        if by is not None:
            yield from _groups([row for row in groups.rows if row.currency_code == total.currency_code], by)


def _ask(
    channel: grpc.Channel, merchant: str, start: datetime | None, by: By | None, zone: str
) -> tuple[Any, Any, Any]:
    """Ask for totals, periods and groups of one range."""
    operations = analytics_pb2_grpc.AnalyticsOperationsServiceStub(channel)
    span: dict[str, Any] = {"start_time": _timestamp(start)} if start else {}
    totals: Any
    if merchant:
        request = pb.GetMerchantStatsRequest(merchant_id=merchant, time_zone=zone, **span)
        totals = analytics_pb2_grpc.AnalyticsServiceStub(channel).GetMerchantStats(request, timeout=CALL_S_MAX)
        zone = totals.time_zone
    else:
        totals = operations.GetOverview(pb.GetOverviewRequest(time_zone=zone, **span), timeout=CALL_S_MAX)
    same = {"start_time": totals.start_time, "end_time": totals.end_time, "merchant_id": merchant, "time_zone": zone}
    grain = pb.GRAIN_HOUR if _step(totals) == HOUR else pb.GRAIN_DAY
    periods = operations.QueryMetrics(pb.QueryMetricsRequest(grain=grain, **same), timeout=CALL_S_MAX)
    groups = pb.QueryMetricsResponse()
    if by is not None:
        dimension = pb.Dimension.Value(f"DIMENSION_{by.name}")
        top = pb.Top(limit=GROUPS_MAX, measure=_ranked(by))
        grouped = pb.QueryMetricsRequest(group_by=[dimension], top=top, **same)
        groups = operations.QueryMetrics(grouped, timeout=CALL_S_MAX)
    return totals, periods, groups


def _ranked(by: By) -> pb.Measure.ValueType:
    """Return what groups are ranked and drawn by: reasons have failures, the others captures."""
    return pb.MEASURE_FAILED if by is By.REASON else pb.MEASURE_CAPTURED


def _measures(total: pb.MetricRow) -> Iterator[Text]:
    tallies = [
        (text, getattr(total.figures, field))
        for field, text in _SHOWN
        if total.figures.HasField(field)  # type: ignore[arg-type]
    ]
    most = max((int(tally.amount_minor) for _, tally in tallies), default=0)
    for text, tally in tallies:
        yield _line(text, tally, most, total.currency_code)


def _line(label: str, tally: pb.Tally, most: int, currency_code: str) -> Text:
    drawn = chart.bar(int(tally.amount_minor), most, BAR_COLUMNS)
    amount = format_money(Money(int(tally.amount_minor), currency_code))
    return Text.assemble(
        f"  {label:{LABEL_COLUMNS}}",
        (f"{drawn:{BAR_COLUMNS}}", "cyan"),
        f"  {amount:>22}",
        (f"  {tally.count:,}x", "dim"),
    )


def _rates(figures: pb.Figures) -> Text:
    """Return rates in percent with two digits: basis points, which are integers."""
    shown = [(text, getattr(figures, field)) for field, text in _RATES if figures.HasField(field)]  # type: ignore[arg-type]
    parts = [f"{text} {rate.basis_points // 100}.{rate.basis_points % 100:02d} %" for text, rate in shown]
    if figures.time_to_capture_average_ms:
        parts.append(f"captured within {int(figures.time_to_capture_average_ms):,} ms")
    return Text(f"  {'rates':{LABEL_COLUMNS}}" + (", ".join(parts) or "none"))


def _over_time(rows: Sequence[pb.MetricRow], periods: pb.QueryMetricsResponse) -> list[int]:
    """Return what was captured in each period, those included in which nothing was."""
    step, start = _step(periods), periods.start_time.ToDatetime()
    amounts = [0] * -(-(periods.end_time.ToDatetime() - start) // step)
    for row in rows:
        # The first period began at the range's start or before it; a day of 23 or 25 hours is one day all the same.
        at = max(0, (row.start_time.ToDatetime() - start + step / 2) // step)
        amounts[min(at, len(amounts) - 1)] += int(row.figures.captured.amount_minor or 0)
    return amounts


def _step(span: Any) -> timedelta:
    """Return how long the periods of a range are that are drawn."""
    length: timedelta = span.end_time.ToDatetime() - span.start_time.ToDatetime()
    return HOUR if length <= HOURLY_MAX else DAY


def _groups(rows: Sequence[pb.MetricRow], by: By) -> Iterator[Text]:
    field = "failed" if by is By.REASON else "captured"
    tallies = [(_name(row, by), getattr(row.figures, field)) for row in rows]
    ranked = sorted(tallies, key=lambda named: (-int(named[1].amount_minor or 0), named[0]))
    most = int(ranked[0][1].amount_minor or 0) if ranked else 0
    yield Text(f"  {field} by {by}", style="dim")
    for name, tally in ranked:
        if tally.count:
            yield _line(name, tally, most, rows[0].currency_code)


def _name(row: pb.MetricRow, by: By) -> str:
    named = row.merchant_id if by is By.MERCHANT else str(getattr(row, by))
    return named or "none"


def _moment(timestamp: Timestamp) -> str:
    return f"{timestamp.ToDatetime():%Y-%m-%d %H:%M}"


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp
