"""Webhooks: what is sent, to whom, signed how, tried when. Pure."""

from services.notification.domain.webhooks import (
    addresses,
    body,
    delivery,
    endpoint,
    filters,
    schedule,
    secret,
    signing,
)

__all__ = ["addresses", "body", "delivery", "endpoint", "filters", "schedule", "secret", "signing"]
