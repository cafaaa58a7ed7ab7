"""What merchants do, kept as far as payments need it. Every event carries the merchant's complete state."""

from collections.abc import Sequence

from paykit.runtime.db import Tx
from paykit.runtime.delivery import Delivered, Outcome
from services.payment import merchant_store
from services.payment.merchant_store import MerchantEvent


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[Outcome]:
    """Keep the latest state of each merchant; an event applied before, or older than what is known, changes nothing."""
    latest = {delivery.key: delivery.event for delivery in deliveries}
    await merchant_store.save_merchants(tx, list(latest.values()))
    return [None] * len(deliveries)
