"""The servicers of notification."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from services.notification.rpc import notification, webhook


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the notification service serves."""
    return [*notification.servicers(runtime), webhook.servicer(runtime)]
