"""What channels, payments and withdrawals tell, as far as statements are about it: events to commands."""

from collections.abc import Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, NotYet
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.channel.v1.events import ChannelStatementClosed, ChannelTransactionReported
from paystream.payment.v1 import events as payment
from paystream.reconciliation.v1.events import DiscrepancyKind
from paystream.withdrawal.v1 import events as withdrawal
from services.reconciliation import commands
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.domain.movement import FACTS, Fact

Contradicted = (
    payment.PaymentContradicted
    | payment.DisputeContradicted
    | payment.EvidenceUnmatched
    | withdrawal.WithdrawalContradicted
    | withdrawal.EvidenceUnmatched
)
Resolved = payment.PaymentContradictionResolved | withdrawal.WithdrawalContradictionResolved


async def on_channel_transaction_reported(
    tx: Tx, deliveries: Sequence[Delivered[ChannelTransactionReported]]
) -> Sequence[HandlerResult]:
    """Take lines onto statements, each once."""
    await commands.collecting.collect_lines(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def on_channel_statement_closed(
    tx: Tx, deliveries: Sequence[Delivered[ChannelStatementClosed]]
) -> Sequence[HandlerResult]:
    """Close statements, each once."""
    await commands.collecting.close_statements(tx, [delivery.event for delivery in deliveries])
    return [None] * len(deliveries)


async def on_money_moved(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Keep what moved at channels, and what did not, and wait for lines of it."""
    await commands.collecting.record_facts(tx, _facts(deliveries))
    return [None] * len(deliveries)


async def keep_movements(tx: Tx, deliveries: Sequence[Delivered[Any]]) -> Sequence[HandlerResult]:
    """Keep the same, and nothing else: for a rebuild."""
    await commands.collecting.keep_facts(tx, _facts(deliveries))
    return [None] * len(deliveries)


async def on_contradicted(tx: Tx, deliveries: Sequence[Delivered[Contradicted]]) -> Sequence[HandlerResult]:
    """List contradictions beside the differences of statements."""
    found = [discrepancy for d in deliveries if (discrepancy := _contradiction(tx, d.event)) is not None]
    await commands.collecting.list_contradictions(tx, found)
    return [None] * len(deliveries)


async def on_contradiction_resolved(tx: Tx, deliveries: Sequence[Delivered[Resolved]]) -> Sequence[HandlerResult]:
    """End contradictions that their services have decided."""
    ids = [delivery.event.contradiction_id for delivery in deliveries]
    known = await commands.collecting.end_contradictions(tx, ids)
    return [None if each in known else NotYet(f"contradiction {each}") for each in ids]


def _facts(deliveries: Sequence[Delivered[Any]]) -> list[Fact]:
    return [FACTS[type(delivery.event)](delivery.event) for delivery in deliveries]


def _contradiction(tx: Tx, event: Any) -> Discrepancy | None:
    """Make the discrepancy of what a service has found; None where it is decided nowhere, as it needs nobody."""
    contradiction_id = getattr(event, "contradiction_id", None) or getattr(event, "evidence_id", None)
    if contradiction_id is None:
        return None
    dispute_id = getattr(event, "dispute_id", None)
    related_no = dispute_id or getattr(event, "refund_id", None) or getattr(event, "capture_id", None)
    root_reference = getattr(event, "payment_id", None) or getattr(event, "withdrawal_id", None)
    return Discrepancy(
        discrepancy_id=new_id("dis"),
        kind=DiscrepancyKind.CONTRADICTED,
        channel=getattr(event, "channel", "") or "",
        attempt_id=getattr(event, "attempt_id", None),
        related_no=related_no or root_reference,
        root_reference=root_reference,
        channel_reference=event.channel_reference,
        currency_code=event.currency_code or "XXX",
        expected_minor=getattr(event, "expected_minor", None),
        reported_minor=getattr(event, "reported_minor", None),
        contradiction_id=contradiction_id,
        value_date=event.occurred_at.date(),
        merchant_id=event.merchant_id,
        correlation_id=event.correlation_id,
        create_time=tx.now,
        update_time=tx.now,
    )
