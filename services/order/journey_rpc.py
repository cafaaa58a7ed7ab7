"""The JourneyService: puts a story together from what the services answer."""

from typing import Any

from paykit.errors import DomainError, Kind
from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.journey.v1 import journey_pb2 as pb
from paystream.journey.v1 import journey_pb2_grpc
from services.order import journey, journey_peers, journey_tracing

STEPS_MAX = 2_000
"""Steps in one answer."""


class JourneyNotFound(DomainError):
    """No service knows the id."""

    kind = Kind.NOT_FOUND
    reason = "JOURNEY_NOT_FOUND"


class JourneyServicer(journey_pb2_grpc.JourneyServiceServicer):
    """Serves paystream.journey.v1.JourneyService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime, orders: Any) -> None:
        """Take the servicer of the orders, which are here and need no call."""
        self._runtime = runtime
        self._orders = orders

    async def GetJourney(self, request: pb.GetJourneyRequest, _context: Any) -> pb.GetJourneyResponse:
        """Ask the services, and tell what they know in order of time."""
        async with journey_peers.connected(self._runtime.settings.peers, {"order": self._orders}) as peers:
            story = await journey_tracing.trace(peers, request.id)
        if not story.root_id and not peers.absent:
            raise JourneyNotFound("No service knows this id.", field="id", id=request.id)
        steps = journey.in_order(story.steps)
        return pb.GetJourneyResponse(
            root_id=story.root_id or request.id,
            correlation_id=story.correlation_id,
            steps=steps[:STEPS_MAX],
            payment_ids=story.payment_ids,
            absences=[pb.Absence(service=name, reason=reason) for name, reason in sorted(peers.absent.items())],
            truncated=peers.truncated or len(steps) > STEPS_MAX,
        )


def servicer(runtime: Runtime, orders: Any) -> Servicer:
    """Give the JourneyService."""
    return Servicer(
        full_name="paystream.journey.v1.JourneyService",
        add=journey_pb2_grpc.add_JourneyServiceServicer_to_server,
        implementation=JourneyServicer(runtime, orders),
    )
