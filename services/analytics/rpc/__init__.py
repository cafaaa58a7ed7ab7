"""The calls of analytics: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.analytics.v1 import analytics_pb2_grpc
from services.analytics.rpc.analytics import AnalyticsServicer
from services.analytics.rpc.operations import AnalyticsOperationsServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the analytics service serves."""
    return [
        Servicer(
            full_name="paystream.analytics.v1.AnalyticsService",
            add=analytics_pb2_grpc.add_AnalyticsServiceServicer_to_server,
            implementation=AnalyticsServicer(runtime),
        ),
        Servicer(
            full_name="paystream.analytics.v1.AnalyticsOperationsService",
            add=analytics_pb2_grpc.add_AnalyticsOperationsServiceServicer_to_server,
            implementation=AnalyticsOperationsServicer(runtime),
        ),
    ]
