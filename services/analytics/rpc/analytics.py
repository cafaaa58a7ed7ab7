"""The AnalyticsService: messages to questions, and answers back."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from paykit.merchants.standing import MerchantUnknown
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paykit.serve.timestamps import to_timestamp
from paystream.analytics.v1 import analytics_pb2 as pb
from paystream.analytics.v1 import analytics_pb2_grpc
from services.analytics import messages, store
from services.analytics.domain import question as asked
from services.analytics.domain.periods import Grain, Range
from services.analytics.domain.question import Question
from services.analytics.rpc.live import LiveFigures


class AnalyticsServicer(analytics_pb2_grpc.AnalyticsServiceServicer):
    """Serves paystream.analytics.v1.AnalyticsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._live = LiveFigures(runtime)

    async def GetOverview(self, request: pb.GetOverviewRequest, _context: Any) -> pb.GetOverviewResponse:
        """Add up all merchants' figures."""
        question = messages.from_get_overview(request)

        async def overview(tx: Tx) -> pb.GetOverviewResponse:
            span = question.range(tx.now)
            return pb.GetOverviewResponse(
                **_bounds(span),
                totals=await _rows(tx, question, span),
                merchant_count=await store.count_merchants(tx, span),
            )

        return await self._runtime.read(overview)

    async def GetMerchantStats(self, request: pb.GetMerchantStatsRequest, _context: Any) -> pb.GetMerchantStatsResponse:
        """Add up one merchant's figures, in its own time zone unless another is named."""

        async def stats(tx: Tx) -> pb.GetMerchantStatsResponse:
            zone = await store.zone_of(tx, request.merchant_id)
            if zone is None:
                raise MerchantUnknown("No event has told of this merchant yet.", field="merchant_id")
            question = messages.from_get_merchant_stats(request, zone)
            span = question.range(tx.now)
            totals = Question(selection=question.selection)
            return pb.GetMerchantStatsResponse(
                **_bounds(span),
                time_zone=request.time_zone or zone,
                totals=await _rows(tx, totals, span),
                periods=[] if question.grain is Grain.RANGE else await _rows(tx, question, span),
            )

        return await self._runtime.read(stats)

    async def QueryMetrics(self, request: pb.QueryMetricsRequest, _context: Any) -> pb.QueryMetricsResponse:
        """Add up what is asked for."""
        question = messages.from_query_metrics(request)

        async def metrics(tx: Tx) -> pb.QueryMetricsResponse:
            span = question.range(tx.now)
            return pb.QueryMetricsResponse(**_bounds(span), rows=await _rows(tx, question, span))

        return await self._runtime.read(metrics)

    async def StreamMetrics(
        self, request: pb.StreamMetricsRequest, _context: Any
    ) -> AsyncIterator[pb.StreamMetricsResponse]:
        """Follow figures as they change."""
        changes = self._live.follow(
            merchant_id=request.merchant_id, currency_code=request.currency_code, interval_ms=request.interval_ms
        )
        async with aclosing(changes):  # Its place is free as soon as the caller has gone.
            async for sums in changes:
                yield pb.StreamMetricsResponse(rows=messages.to_rows(sums))


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the analytics service serves."""
    return [
        Servicer(
            full_name="paystream.analytics.v1.AnalyticsService",
            add=analytics_pb2_grpc.add_AnalyticsServiceServicer_to_server,
            implementation=AnalyticsServicer(runtime),
        )
    ]


async def _rows(tx: Tx, question: Question, span: Range) -> list[pb.MetricRow]:
    rows = messages.to_rows(await store.sums(tx, question, span), question.group_by)
    if len(rows) > asked.ROWS_MAX:
        raise asked.too_large()
    return rows


def _bounds(span: Range) -> dict[str, Any]:
    return {"start_time": to_timestamp(span.start_time), "end_time": to_timestamp(span.end_time)}
