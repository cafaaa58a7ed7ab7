"""Events of the ledger and of merchants, to commands."""

from collections.abc import Collection, Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from services.settlement import commands, store
from services.settlement.commands.booking import RecordBooking, RecordRejection
from services.settlement.domain.item import BOOKING, RELEASE, items_of
from services.settlement.domain.settlement import Settlement


async def on_transaction_created(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]
) -> Sequence[HandlerResult]:
    """Collect what the ledger booked; settlements that it booked are completed.

    A transaction collected before changes nothing, nor does one that touches no merchant's settlement account.
    """
    others = [delivery.event for delivery in deliveries if delivery.event.transaction_type != BOOKING]
    items = [item for event in others for item in items_of(event)]
    if items:
        await commands.collecting.collect(tx, items)
    bookings = [RecordBooking(d.event, d.cause) for d in deliveries if d.event.transaction_type == BOOKING]
    results = await commands.booking.complete_settlements(tx, bookings) if bookings else []
    return _outcomes(deliveries, {BOOKING}, results)


async def on_transaction_rejected(
    tx: Tx, deliveries: Sequence[Delivered[TransactionRejected]]
) -> Sequence[HandlerResult]:
    """Record settlements and releases of reserves that the ledger refused; other refusals are nothing to us."""
    ours = {BOOKING, RELEASE}
    rejections = [RecordRejection(d.event, d.cause) for d in deliveries if d.event.transaction_type in ours]
    results = await commands.booking.record_rejections(tx, rejections) if rejections else []
    return _outcomes(deliveries, ours, results)


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the newest policy of each merchant, and have what is pending looked at by it."""
    await store.merchants.change_alone(tx)
    changed = await store.merchants.keep(tx, deliveries)
    await commands.closing.review_now(tx, [str(event.merchant_id) for event in changed])
    return [None] * len(deliveries)


async def keep_policies(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the newest policy of each merchant, and do nothing else."""
    await store.merchants.keep(tx, deliveries)
    return [None] * len(deliveries)


def _outcomes(
    deliveries: Sequence[Delivered[Any]], types: Collection[str], results: Sequence[Settlement | DomainError]
) -> list[HandlerResult]:
    """Put refusals in the places of the deliveries of these types; about the others there is nothing to say."""
    refusals = iter([Impossible(result) if isinstance(result, DomainError) else None for result in results])
    return [next(refusals) if delivery.event.transaction_type in types else None for delivery in deliveries]
