"""What the other services tell, as far as it counts: events to commands."""

from collections.abc import Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from services.analytics import commands, store


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the latest state of each merchant: the time zone of its days."""
    await store.merchants.keep(tx, deliveries)
    return [None] * len(deliveries)


async def on_event(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Count events, each once by the inbox."""
    await commands.counting.count_events(tx, [(d.event, d.partition) for d in deliveries])
    return [None] * len(deliveries)


async def keep_figures(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Count events, and tell nobody."""
    await commands.counting.keep_figures(tx, [(d.event, d.partition) for d in deliveries])
    return [None] * len(deliveries)
