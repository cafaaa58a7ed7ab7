"""Delivering webhooks: what leaves the process, and to where."""

from prometheus_client import Gauge

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.notification import commands, store
from services.notification.commands.webhooks.delivery import DELIVERING_JOBS
from services.notification.domain.webhooks.endpoint import WebhookEndpointState
from services.notification.jobs.webhooks.delivering import LOOK_EVERY_S, WebhookDelivering

__all__ = ["DELIVERING", "FORGET_EVERY_S", "LOOK_EVERY_S", "REPORT_EVERY_S", "forget_webhooks", "report_webhooks"]

FORGET_EVERY_S = 600.0
REPORT_EVERY_S = 30.0

ENDPOINTS = Gauge("paystream_webhook_endpoints", "Endpoints that are not deleted, by state.", ["state"])
OVERDUE = Gauge(
    "paystream_webhook_overdue_seconds",
    "Seconds that the longest due delivery to an endpoint that takes what it is sent has been due.",
)

_TAKING, _FAILING = DELIVERING_JOBS

DELIVERING = {_TAKING: WebhookDelivering(failing=False).run, _FAILING: WebhookDelivering(failing=True).run}
"""The jobs that deliver, by name."""


async def forget_webhooks(runtime: Runtime) -> bool:
    """Forget what ended long ago; True when there may be more."""
    return await runtime.transaction(commands.webhooks.delivery.delete_old)


async def report_webhooks(runtime: Runtime) -> bool:
    """Set the metrics of endpoints and of what is due to them. Says that there is no more."""

    async def look(tx: Tx) -> tuple[dict[str, int], float]:
        return await store.webhooks.endpoints.by_state(tx), await store.webhooks.endpoints.overdue_s(tx)

    by_state, overdue_s = await runtime.read(look)
    for state in WebhookEndpointState:
        if state is not WebhookEndpointState.DELETED:
            ENDPOINTS.labels(state).set(by_state.get(state, 0))
    OVERDUE.set(overdue_s)
    return False
