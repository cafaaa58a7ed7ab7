"""The JourneyService: puts a story together from what the services answer."""

from collections.abc import Sequence
from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.journey.v1 import journey_pb2 as pb
from paystream.journey.v1 import journey_pb2_grpc
from services.journey.commands import stories
from services.journey.domain.story import JourneyNotFound, in_order
from services.journey.peers import calls

STEPS_MAX = 2_000
"""Steps in one answer."""


class JourneyServicer(journey_pb2_grpc.JourneyServiceServicer):
    """Serves paystream.journey.v1.JourneyService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetJourney(self, request: pb.GetJourneyRequest, _context: Any) -> pb.GetJourneyResponse:
        """Ask the services, and tell what they know in order of time."""
        async with calls.connected(self._runtime.settings.peers) as peers:
            story = await stories.trace(peers, request.id)
        if not story.root_id and not peers.absent:
            raise JourneyNotFound("No service knows this id.", field="id", id=request.id)
        steps = in_order(story.steps)
        return pb.GetJourneyResponse(
            root_id=story.root_id or request.id,
            correlation_id=story.correlation_id,
            steps=steps[:STEPS_MAX],
            payment_ids=story.payment_ids,
            absences=[pb.Absence(service=name, reason=reason) for name, reason in sorted(peers.absent.items())],
            truncated=peers.truncated or len(steps) > STEPS_MAX,
        )


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """What the journey service serves."""
    return [
        Servicer(
            full_name="paystream.journey.v1.JourneyService",
            add=journey_pb2_grpc.add_JourneyServiceServicer_to_server,
            implementation=JourneyServicer(runtime),
        )
    ]
