"""What merchants, settlements and the ledger do, as far as withdrawals need it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from paystream.settlement.v1.events import SettlementCompleted
from services.withdrawal import commands, store
from services.withdrawal.commands.hold import RecordHold
from services.withdrawal.store import Credit

E = TypeVar("E", TransactionCreated, TransactionRejected)

HOLD = "WithdrawalCreated"
"""The ledger's transaction that holds the amount of a withdrawal."""
AVAILABLE = "merchant.available"
OWN_STEPS = ("Settlement", "Reserve", "Withdrawal")
"""Transactions of these lives move available funds as settlements and withdrawals tell themselves."""


async def on_merchant_changed(tx: Tx, deliveries: Sequence[Delivered[MerchantEvent]]) -> Sequence[HandlerResult]:
    """Keep the latest state of each merchant; an event applied before, or older than what is known, changes nothing."""
    await store.merchants.keep(tx, deliveries)
    return [None] * len(deliveries)


async def on_settlement_completed(
    tx: Tx, deliveries: Sequence[Delivered[SettlementCompleted]]
) -> Sequence[HandlerResult]:
    """Make the net amount of settlements withdrawable, once each."""
    await store.merchant_credits.add(tx, [_settled(d.event) for d in deliveries if d.event.net_minor > 0])
    return [None] * len(deliveries)


async def on_transaction_created(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]
) -> Sequence[HandlerResult]:
    """Go on with withdrawals whose amount the ledger holds, and follow adjustments of what is available."""
    await keep_adjustments(tx, deliveries)
    return await _record_holds(tx, deliveries, lambda _: None)


async def keep_adjustments(tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]) -> Sequence[HandlerResult]:
    """Follow manual and reversing journals on what is available, once each."""
    await store.merchant_credits.add(tx, [credit for d in deliveries for credit in _adjustments(d.event)])
    return [None] * len(deliveries)


async def on_transaction_rejected(
    tx: Tx, deliveries: Sequence[Delivered[TransactionRejected]]
) -> Sequence[HandlerResult]:
    """Fail withdrawals whose amount the ledger would not hold."""
    return await _record_holds(tx, deliveries, lambda event: event.reason)


async def _record_holds(
    tx: Tx, deliveries: Sequence[Delivered[E]], refusal: Callable[[E], str | None]
) -> list[HandlerResult]:
    """Apply the ledger's answers to withdrawals, and put what cannot be in the place of its event."""
    holds = [delivery for delivery in deliveries if delivery.event.transaction_type == HOLD]
    items = [RecordHold(withdrawal_id=d.event.related_no, refusal=refusal(d.event), cause=d.cause) for d in holds]
    results = iter(await commands.hold.record_holds(tx, items) if items else [])
    return [
        Impossible(result)
        if delivery.event.transaction_type == HOLD and isinstance(result := next(results), DomainError)
        else None
        for delivery in deliveries
    ]


def _settled(event: SettlementCompleted) -> Credit:
    return Credit(
        source_id=event.settlement_id,
        merchant_id=str(event.merchant_id),
        currency_code=event.currency_code,
        amount_minor=event.net_minor,
        book_time=event.occurred_at,
    )


def _adjustments(event: TransactionCreated) -> Iterator[Credit]:
    """Sum the effect of a transaction on what each merchant has available; one currency per transaction and account."""
    if event.transaction_type.startswith(OWN_STEPS):
        return
    effects: dict[tuple[str, str], int] = {}
    for entry in event.entries:
        if entry.account_kind == AVAILABLE and entry.merchant_id is not None:
            key = (entry.merchant_id, entry.currency_code)
            effects[key] = effects.get(key, 0) + entry.effect * entry.amount_minor
    for (merchant_id, currency_code), amount_minor in effects.items():
        if amount_minor:
            yield Credit(
                source_id=event.transaction_id,
                merchant_id=merchant_id,
                currency_code=currency_code,
                amount_minor=amount_minor,
                book_time=event.occurred_at,
            )
