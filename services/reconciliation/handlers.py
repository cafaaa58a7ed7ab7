"""Events as reconciliation follows them."""

from collections.abc import Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, Impossible
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paystream.accounting.v1.events import AccountCreated, TransactionCreated, TransactionRejected
from paystream.channel.v1.events import ChannelStatementClosed, ChannelTransactionReported
from services.reconciliation import commands, domain, store
from services.reconciliation.commands.booking import RecordCorrectionAnswer
from services.reconciliation.commands.contradiction import EndContradiction, ListContradiction
from services.reconciliation.domain.contradiction import Contradicted, ContradictionResolved
from services.reconciliation.domain.evidence import EvidenceUnmatched, UnattributedEvidence
from services.reconciliation.domain.movement import FACTS, Fact
from services.reconciliation.domain.uncleared import UnclearedEffect

CORRECTION = "Correction"
"""The ledger's transaction of an approved correction."""


async def on_account_created(tx: Tx, deliveries: Sequence[Delivered[AccountCreated]]) -> Sequence[HandlerResult]:
    """Keep which kinds of account the ledger has."""
    await store.keep_account_kinds(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def on_transaction_created(
    tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]
) -> Sequence[HandlerResult]:
    """Follow accounts and what is booked, and end the discrepancies whose corrections the ledger has booked."""
    await store.uncleared.add(tx, _effects(deliveries))
    await commands.ledger.record_booked(tx, [delivery.event for delivery in deliveries])
    return await _record(tx, [_booked(delivery) for delivery in deliveries])


async def keep_transactions(tx: Tx, deliveries: Sequence[Delivered[TransactionCreated]]) -> Sequence[HandlerResult]:
    """Follow what passes through accounts and what is booked, once for each event: for a rebuild."""
    await store.uncleared.add(tx, _effects(deliveries))
    await commands.ledger.keep_booked(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def on_transaction_rejected(
    tx: Tx, deliveries: Sequence[Delivered[TransactionRejected]]
) -> Sequence[HandlerResult]:
    """Leave discrepancies open whose corrections the ledger would not book."""
    return await _record(tx, [_rejected(delivery) for delivery in deliveries])


async def on_contradiction(tx: Tx, deliveries: Sequence[Delivered[Contradicted]]) -> Sequence[HandlerResult]:
    """List contradictions that wait for people."""
    await commands.contradiction.list_contradictions(tx, [ListContradiction(d.event, d.cause) for d in deliveries])
    return [None] * len(deliveries)


async def on_contradiction_resolved(
    tx: Tx, deliveries: Sequence[Delivered[ContradictionResolved]]
) -> Sequence[HandlerResult]:
    """End what payment or withdrawal has ended."""
    await commands.contradiction.end_contradictions(tx, [EndContradiction(d.event, d.cause) for d in deliveries])
    return [None] * len(deliveries)


async def on_line(tx: Tx, deliveries: Sequence[Delivered[ChannelTransactionReported]]) -> Sequence[HandlerResult]:
    """Take lines onto statements, to be matched, and follow what they tell of."""
    await commands.collecting.collect_lines(tx, [delivery.event for delivery in deliveries])
    return await keep_lines(tx, deliveries)


async def on_statement_closed(
    tx: Tx, deliveries: Sequence[Delivered[ChannelStatementClosed]]
) -> Sequence[HandlerResult]:
    """Close statements, each once."""
    await commands.collecting.close_statements(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def on_money_moved(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Keep what moved at channels, and what did not, and wait for lines of it, and for the ledger to book it."""
    await commands.collecting.record_facts(tx, _facts(deliveries))
    await commands.ledger.record_told(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def keep_movements(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Keep the same, and nothing else: for a rebuild."""
    await commands.collecting.keep_facts(tx, _facts(deliveries))
    await commands.ledger.keep_told(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def on_evidence_unmatched(tx: Tx, deliveries: Sequence[Delivered[EvidenceUnmatched]]) -> Sequence[HandlerResult]:
    """Keep what channels say of calls that nobody made, to be listed."""
    await commands.evidence.record_evidence(tx, _evidence(deliveries))
    return [None] * len(deliveries)


async def keep_evidence(tx: Tx, deliveries: Sequence[Delivered[EvidenceUnmatched]]) -> Sequence[HandlerResult]:
    """Keep the same, and nothing else: for a rebuild."""
    await commands.evidence.keep_evidence(tx, _evidence(deliveries))
    return [None] * len(deliveries)


async def keep_lines(tx: Tx, deliveries: Sequence[Delivered[ChannelTransactionReported]]) -> Sequence[HandlerResult]:
    """Move what lines tell of from their references to their statements, each line of a channel once."""
    await store.uncleared.clear_lines(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


def _facts(deliveries: Sequence[Delivered[Any]]) -> list[Fact]:
    return [FACTS[type(delivery.event)](delivery.event) for delivery in deliveries]


def _effects(deliveries: Sequence[Delivered[TransactionCreated]]) -> list[UnclearedEffect]:
    return [effect for delivery in deliveries for effect in domain.uncleared.of_transaction(delivery.event)]


def _evidence(deliveries: Sequence[Delivered[EvidenceUnmatched]]) -> list[UnattributedEvidence]:
    return [domain.evidence.of_event(delivery.event) for delivery in deliveries]


async def _record(tx: Tx, answers: Sequence[RecordCorrectionAnswer | None]) -> list[HandlerResult]:
    """Record the ledger's answers to corrections; what is about none changes nothing."""
    items = [item for item in answers if item is not None]
    results = iter(await commands.booking.record_bookings(tx, items) if items else [])
    outcomes = [None if item is None else next(results) for item in answers]
    return [Impossible(outcome) if isinstance(outcome, DomainError) else None for outcome in outcomes]


def _booked(delivery: Delivered[TransactionCreated]) -> RecordCorrectionAnswer | None:
    event = delivery.event
    if event.transaction_type != CORRECTION:
        return None
    return RecordCorrectionAnswer(
        correction_id=event.related_no, transaction_id=event.transaction_id, refusal=None, cause=delivery.cause
    )


def _rejected(delivery: Delivered[TransactionRejected]) -> RecordCorrectionAnswer | None:
    event = delivery.event
    if event.transaction_type != CORRECTION:
        return None
    return RecordCorrectionAnswer(
        correction_id=event.related_no, transaction_id=None, refusal=event.reason, cause=delivery.cause
    )
