"""Questions on the wire."""

from paykit.serve.timestamps import from_optional
from paystream.analytics.v1 import analytics_pb2 as pb
from services.analytics.domain.figure import Measure
from services.analytics.domain.periods import Grain
from services.analytics.domain.question import Dimension, Question, Selection, Top, require_one_zone

_GRAINS = {
    pb.GRAIN_UNSPECIFIED: Grain.RANGE,
    pb.GRAIN_QUARTER_HOUR: Grain.QUARTER_HOUR,
    pb.GRAIN_HOUR: Grain.HOUR,
    pb.GRAIN_DAY: Grain.DAY,
    pb.GRAIN_MONTH: Grain.MONTH,
}
_DIMENSIONS = {
    pb.DIMENSION_MERCHANT: Dimension.MERCHANT,
    pb.DIMENSION_CHANNEL: Dimension.CHANNEL,
    pb.DIMENSION_METHOD: Dimension.METHOD,
    pb.DIMENSION_REASON: Dimension.REASON,
}


def from_get_overview(request: pb.GetOverviewRequest) -> Question:
    """Read the totals that are asked for."""
    return Question(
        start_time=from_optional(request, "start_time"),
        end_time=from_optional(request, "end_time"),
        zone=request.time_zone or "UTC",
    )


def from_get_merchant_stats(request: pb.GetMerchantStatsRequest, zone: str) -> Question:
    """Read what is asked of one merchant, whose time zone is given."""
    return Question(
        start_time=from_optional(request, "start_time"),
        end_time=from_optional(request, "end_time"),
        grain=_GRAINS[request.grain],
        zone=request.time_zone or zone,
        selection=Selection(merchant_id=request.merchant_id),
    )


def from_query_metrics(request: pb.QueryMetricsRequest) -> Question:
    """Read a question.

    Raises:
        FieldInvalid: It names a time zone and asks for merchants' own.
    """
    require_one_zone(request.time_zone, merchant_time_zones=request.merchant_time_zones)
    return Question(
        start_time=from_optional(request, "start_time"),
        end_time=from_optional(request, "end_time"),
        grain=_GRAINS[request.grain],
        zone=None if request.merchant_time_zones else request.time_zone or "UTC",
        group_by=frozenset(_DIMENSIONS[dimension] for dimension in request.group_by),
        selection=Selection(
            merchant_id=request.merchant_id or None,
            currency_code=request.currency_code or None,
            channel=request.channel or None,
            method=request.method or None,
        ),
        top=_top(request.top) if request.HasField("top") else None,
    )


def _top(top: pb.Top) -> Top:
    name = pb.Measure.Name(top.measure).removeprefix("MEASURE_")
    measure = Measure.CAPTURED if top.measure == pb.MEASURE_UNSPECIFIED else Measure(name)
    return Top(measure=measure, by_count=top.ranking == pb.RANKING_COUNT, limit=top.limit)
