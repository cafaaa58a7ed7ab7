"""The NotificationService: messages to commands and back."""

from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.notification.v1 import notification_pb2 as pb
from paystream.notification.v1 import notification_pb2_grpc
from services.notification import commands, messages, store
from services.notification.domain.preferences import Preferences

_SET_PREFERENCES = Operation(
    name="SetPreferences",
    command=commands.preferences.set_preferences,
    reply=lambda preferences: pb.SetPreferencesResponse(preferences=messages.to_preferences(preferences)),
    reply_type=pb.SetPreferencesResponse,
)


class NotificationServicer(notification_pb2_grpc.NotificationServiceServicer):
    """Serves paystream.notification.v1.NotificationService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def SetPreferences(self, request: pb.SetPreferencesRequest, _context: Any) -> pb.SetPreferencesResponse:
        """Replace a merchant's preferences."""
        return await self._runtime.call(_SET_PREFERENCES, request, messages.from_set_preferences(request))

    async def GetPreferences(self, request: pb.GetPreferencesRequest, _context: Any) -> pb.GetPreferencesResponse:
        """Read a merchant's preferences."""
        merchant_id = request.merchant_id
        found = await self._runtime.read(lambda tx: store.preferences.get(tx, merchant_id))
        shown = messages.to_preferences(found or Preferences(merchant_id=merchant_id))
        return pb.GetPreferencesResponse(preferences=shown)
