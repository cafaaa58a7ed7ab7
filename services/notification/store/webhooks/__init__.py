"""The SQL of webhooks."""

from services.notification.store.webhooks.delivery import (
    ClaimedWebhook,
    ReplayedEvents,
    WebhookDeliveryFilter,
    attempts,
    attempts_of,
    delete_old,
    deliveries,
    events,
)
from services.notification.store.webhooks.endpoint import WebhookEndpointFilter, endpoints, secrets

__all__ = [
    "ClaimedWebhook",
    "ReplayedEvents",
    "WebhookDeliveryFilter",
    "WebhookEndpointFilter",
    "attempts",
    "attempts_of",
    "delete_old",
    "deliveries",
    "endpoints",
    "events",
    "secrets",
]
