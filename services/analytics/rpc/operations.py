"""The AnalyticsOperationsService: messages to commands and back."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paystream.analytics.v1 import analytics_pb2 as pb
from paystream.analytics.v1 import analytics_pb2_grpc
from services.analytics import messages, store
from services.analytics.rpc import answers
from services.analytics.rpc.live import LiveFigures


class AnalyticsOperationsServicer(analytics_pb2_grpc.AnalyticsOperationsServiceServicer):
    """Serves paystream.analytics.v1.AnalyticsOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._live = LiveFigures(runtime)

    async def GetOverview(self, request: pb.GetOverviewRequest, _context: Any) -> pb.GetOverviewResponse:
        """Add up all merchants' figures."""
        question = messages.from_get_overview(request)

        async def overview(tx: Tx) -> pb.GetOverviewResponse:
            span = question.range(tx.now)
            return pb.GetOverviewResponse(
                **answers.bounds(span),
                totals=await answers.rows(tx, question, span),
                merchant_count=await store.count_merchants(tx, span),
            )

        return await self._runtime.read(overview)

    async def QueryMetrics(self, request: pb.QueryMetricsRequest, _context: Any) -> pb.QueryMetricsResponse:
        """Add up what is asked for."""
        question = messages.from_query_metrics(request)

        async def metrics(tx: Tx) -> pb.QueryMetricsResponse:
            span = question.range(tx.now)
            return pb.QueryMetricsResponse(**answers.bounds(span), rows=await answers.rows(tx, question, span))

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
