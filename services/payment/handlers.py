"""What merchants do, kept as far as payments need it. Every event carries the merchant's complete state."""

from collections.abc import Sequence

from paykit.runtime.db import Tx
from paykit.runtime.delivery import Delivered, Outcome
from paykit.runtime.merchant_projection import MerchantEvent
from services.payment import merchant_store


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[Outcome]:
    """Keep the latest state of each merchant; an event applied before, or older than what is known, changes nothing."""
    await merchant_store.keep_merchants(tx, deliveries)
    return [None] * len(deliveries)
