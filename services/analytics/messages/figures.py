"""Figures on the wire."""

from collections.abc import Iterable

from paykit.serve.timestamps import to_timestamp
from paystream.analytics.v1 import analytics_pb2 as pb
from services.analytics.domain.figure import Measure, Tally
from services.analytics.domain.question import Dimension
from services.analytics.domain.summary import Figures, Group, Rate, Sum, by_group

MEASURES = {measure: pb.Measure.Value(f"MEASURE_{measure}") for measure in Measure}


def to_rows(sums: Iterable[Sum], group_by: Iterable[Dimension] = ()) -> list[pb.MetricRow]:
    """Make rows of sums, in the order of period, currency and groups."""
    by_reason = Dimension.REASON in group_by
    named = (part._replace(group=part.group._replace(reason=part.reason)) for part in sums) if by_reason else sums
    return [_to_row(group, figures) for group, figures in by_group(named).items()]


def _to_row(group: Group, figures: Figures) -> pb.MetricRow:
    return pb.MetricRow(
        start_time=to_timestamp(group.start_time),
        currency_code=group.currency_code,
        merchant_id=group.merchant_id,
        channel=group.channel,
        method=group.method,
        reason=group.reason,
        figures=_to_figures(figures),
    )


def _to_figures(figures: Figures) -> pb.Figures:
    shown = pb.Figures(
        reasons=[
            pb.ReasonTally(measure=MEASURES[measure], reason=reason, tally=_to_tally(tally))
            for (measure, reason), tally in sorted(figures.reasons.items())
        ],
        success_rate=_to_rate(figures.success_rate),
        refund_rate=_to_rate(figures.refund_rate),
        dispute_rate=_to_rate(figures.dispute_rate),
        captured_average_minor=_text(figures.captured_average_minor),
        time_to_capture_average_ms=_text(figures.time_to_capture_average_ms),
    )
    for measure, tally in figures.tallies.items():
        getattr(shown, measure.lower()).CopyFrom(_to_tally(tally))
    return shown


def _to_tally(tally: Tally) -> pb.Tally:
    return pb.Tally(count=tally.count, amount_minor=str(tally.amount_minor), duration_ms=str(tally.duration_ms))


def _to_rate(rate: Rate | None) -> pb.Rate | None:
    if rate is None:
        return None
    return pb.Rate(numerator=str(rate.numerator), denominator=str(rate.denominator), basis_points=rate.basis_points)


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
