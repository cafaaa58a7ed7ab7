"""Delivering webhooks: what leaves the process, and to where."""

from paykit.process.runtime import Runtime
from services.notification import commands
from services.notification.commands.webhooks.delivery import DELIVERING_JOBS
from services.notification.jobs.webhooks.delivering import LOOK_EVERY_S, WebhookDelivering

__all__ = ["DELIVERING", "FORGET_EVERY_S", "LOOK_EVERY_S", "forget_webhooks"]

FORGET_EVERY_S = 600.0

_TAKING, _FAILING = DELIVERING_JOBS

DELIVERING = {_TAKING: WebhookDelivering(failing=False).run, _FAILING: WebhookDelivering(failing=True).run}
"""The jobs that deliver, by name."""


async def forget_webhooks(runtime: Runtime) -> bool:
    """Forget what ended long ago; True when there may be more."""
    return await runtime.transaction(commands.webhooks.delivery.delete_old)
