"""What happens in the line, as far as people are told of it: events to commands."""

from collections.abc import Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult
from paykit.postgres.database import Tx
from services.notification import commands
from services.notification.commands.notification import QueueNotifications


async def on_event(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Queue the notifications and webhook deliveries that events make, each event once."""
    items = [QueueNotifications(event=delivery.event, cause=delivery.cause) for delivery in deliveries]
    await commands.notification.queue_notifications(tx, items)
    await commands.webhooks.delivery.queue_deliveries(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)
