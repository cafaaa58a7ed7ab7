"""Events of the ledger and of merchants, to commands."""

from collections.abc import Sequence

from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from services.settlement.commands import booking
from services.settlement.commands import closing as commands
from services.settlement.commands.booking import Told
from services.settlement.domain.item import BOOKING, items_of
from services.settlement.store import policies as policy_store
from services.settlement.store import settlements as store


async def on_transaction_created(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]
) -> Sequence[HandlerResult]:
    """Collect what the ledger booked; settlements that it booked are completed.

    A transaction collected before changes nothing, nor does one that touches no merchant's settlement account.
    """
    items = [
        item
        for delivered in deliveries
        if delivered.event.transaction_type != BOOKING
        for item in items_of(delivered.event)
    ]
    if items:
        await commands.collect(tx, items)
    booked = [delivered for delivered in deliveries if delivered.event.transaction_type == BOOKING]
    if not booked:
        return [None] * len(deliveries)
    refusals = iter(await booking.complete_settlements(tx, _told(booked)))
    return [
        _outcome(next(refusals)) if delivered.event.transaction_type == BOOKING else None for delivered in deliveries
    ]


async def on_transaction_rejected(
    tx: Tx, deliveries: Sequence[Delivered[TransactionRejected]]
) -> Sequence[HandlerResult]:
    """Note settlements and releases of reserves that the ledger refused; other refusals are nothing to us."""
    return [_outcome(refusal) for refusal in await booking.note_refusals(tx, _told(deliveries))]


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the newest policy of each merchant, and have what is pending looked at by it."""
    await policy_store.change_alone(tx)
    await store.look_now(tx, await policy_store.keep(tx, deliveries))
    return [None] * len(deliveries)


async def keep_policies(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the newest policy of each merchant, and do nothing else."""
    await policy_store.keep(tx, deliveries)
    return [None] * len(deliveries)


def _told(
    deliveries: Sequence[Delivered[TransactionCreated]] | Sequence[Delivered[TransactionRejected]],
) -> list[Told]:
    return [Told(delivered.event, delivered.cause) for delivered in deliveries]


def _outcome(refusal: DomainError | None) -> HandlerResult:
    return None if refusal is None else Impossible(refusal)
