"""The AnalyticsService: messages to questions, and answers back."""

from typing import Any

from paykit.merchants.standing import MerchantUnknown
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paystream.analytics.v1 import analytics_pb2 as pb
from paystream.analytics.v1 import analytics_pb2_grpc
from services.analytics import messages, store
from services.analytics.domain.periods import Grain
from services.analytics.domain.question import Question
from services.analytics.rpc import answers
from services.analytics.rpc.live import LiveFigures


class AnalyticsServicer(analytics_pb2_grpc.AnalyticsServiceServicer):
    """Serves paystream.analytics.v1.AnalyticsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._live = LiveFigures(runtime)

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
                **answers.bounds(span),
                time_zone=request.time_zone or zone,
                totals=await answers.rows(tx, totals, span),
                periods=[] if question.grain is Grain.RANGE else await answers.rows(tx, question, span),
            )

        return await self._runtime.read(stats)
