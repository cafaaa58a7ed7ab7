"""What merchants, settlements and the ledger do, as far as withdrawals need it, and what statements say of payouts."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from paykit.channels import statement_lines
from paykit.channels.attempts import EvidenceOutcome
from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.merchants.projection import MerchantEvent
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from paystream.payment.v1.events import DisputeContradicted, PaymentContradicted, PaymentContradictionResolved
from paystream.reconciliation.v1.events import StatementEvidenceAccepted
from paystream.settlement.v1.events import SettlementCompleted
from services.withdrawal import commands, store
from services.withdrawal.commands.hold import RecordHold
from services.withdrawal.domain.allowance import MerchantCurrency
from services.withdrawal.store import ContradictionOf, Credit

E = TypeVar("E", TransactionCreated, TransactionRejected)

HOLD = "WithdrawalCreated"
"""The ledger's transaction that holds the amount of a withdrawal."""
AVAILABLE = "merchant.available"
SETTLEMENT = "merchant.settlement"
FUNDS: Mapping[str, int] = MappingProxyType({AVAILABLE: 1, "merchant.receivable": -1})
"""What can be withdrawn: what is available, less what the merchant owes. So it matters to nobody here how the ledger
splits a payout between both, nor that a debt is paid out of what is available."""
OWN_STEPS = ("Settlement", "Reserve", "Withdrawal")
"""Transactions of these lives move funds as settlements and withdrawals tell themselves."""


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
    """Go on with withdrawals whose amount the ledger holds, and follow what else the ledger does to funds."""
    await keep_funds(tx, deliveries)
    return await _record_holds(tx, deliveries, lambda _: None)


async def keep_funds(tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]) -> Sequence[HandlerResult]:
    """Follow the balances of settlement accounts, and adjustments of what is available and owed.

    The former once for each event, by the inbox; the latter once for each transaction.
    """
    await store.merchant_credits.add(tx, [credit for d in deliveries for credit in _adjustments(d.event)])
    effects: defaultdict[MerchantCurrency, int] = defaultdict(int)
    for delivery in deliveries:
        for key, effect_minor in _effects(delivery.event, {SETTLEMENT: 1}).items():
            effects[key] += effect_minor
    await store.add_to_settlement_balances(tx, effects)
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


async def on_contradiction(
    tx: Tx, deliveries: Sequence[Delivered[PaymentContradicted | DisputeContradicted]]
) -> Sequence[HandlerResult]:
    """Keep payouts back of merchants and currencies about which two people are to decide."""
    waiting = [d.event for d in deliveries if d.event.needs_decision]
    await store.keep_open_contradictions(
        tx, [_of(event) for event in waiting if event.contradiction_id], resolved=False
    )
    return [None] * len(deliveries)


async def on_contradiction_resolved(
    tx: Tx, deliveries: Sequence[Delivered[PaymentContradictionResolved]]
) -> Sequence[HandlerResult]:
    """Let payouts go that waited for a decision, unless they wait for another."""
    await store.keep_open_contradictions(tx, [_of(delivery.event) for delivery in deliveries], resolved=True)
    return [None] * len(deliveries)


async def on_statement_evidence(
    tx: Tx, deliveries: Sequence[Delivered[StatementEvidenceAccepted]]
) -> Sequence[HandlerResult]:
    """End or contradict payouts by lines of the bank's statements; what is about none is kept."""
    items, results = statement_lines.sort_out(
        deliveries,
        mine=lambda event: event.operation in statement_lines.OF_BANKS,
        outcomes=frozenset({EvidenceOutcome.SUCCEEDED, EvidenceOutcome.FAILED, EvidenceOutcome.RETURNED}),
    )
    await commands.evidence.record_evidence(tx, items)
    return results


def _of(event: PaymentContradicted | DisputeContradicted | PaymentContradictionResolved) -> ContradictionOf:
    return str(event.contradiction_id), str(event.merchant_id), event.currency_code


def _settled(event: SettlementCompleted) -> Credit:
    return Credit(
        source_id=event.settlement_id,
        merchant_id=str(event.merchant_id),
        currency_code=event.currency_code,
        amount_minor=event.net_minor,
        book_time=event.occurred_at,
    )


def _adjustments(event: TransactionCreated) -> Iterator[Credit]:
    """Return the effect of a transaction on each merchant's funds, unless settlements and withdrawals tell of it."""
    if event.transaction_type.startswith(OWN_STEPS):
        return
    for (merchant_id, currency_code), amount_minor in _effects(event, FUNDS).items():
        if amount_minor:
            yield Credit(
                source_id=event.transaction_id,
                merchant_id=merchant_id,
                currency_code=currency_code,
                amount_minor=amount_minor,
                book_time=event.occurred_at,
            )


def _effects(event: TransactionCreated, kinds: Mapping[str, int]) -> dict[MerchantCurrency, int]:
    """Sum the effect of a transaction on merchants' accounts of these kinds, each with its sign."""
    effects: dict[MerchantCurrency, int] = {}
    for entry in event.entries:
        if entry.merchant_id is not None and entry.account_kind in kinds:
            key = (entry.merchant_id, entry.currency_code)
            effects[key] = effects.get(key, 0) + kinds[entry.account_kind] * entry.effect * entry.amount_minor
    return effects
