"""Contradictions of the money line, listed among the discrepancies and decided where they are. Pure."""

from datetime import datetime
from typing import TypeAlias

from paykit.ids import named_id
from paystream.payment.v1.events import DisputeContradicted, PaymentContradicted, PaymentContradictionResolved
from paystream.reconciliation.v1 import events
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution
from paystream.withdrawal.v1.events import WithdrawalContradicted, WithdrawalContradictionResolved
from services.reconciliation.domain import ending
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.domain.ending import ResolvedBy

Contradicted: TypeAlias = PaymentContradicted | DisputeContradicted | WithdrawalContradicted
ContradictionResolved: TypeAlias = PaymentContradictionResolved | WithdrawalContradictionResolved

BANK = "bank"
"""The channel of payouts, of which withdrawal tells no name."""
_PAYOUT = "PAY"


def discrepancy_id(contradiction_id: str) -> str:
    """Return the one id of the discrepancy that is a contradiction."""
    return named_id("dis", contradiction_id)


def found(event: Contradicted, *, now: datetime) -> tuple[Discrepancy, events.DiscrepancyDetected] | None:
    """Return the discrepancy of a contradiction that waits for people; None of one that rules have ended."""
    if event.contradiction_id is None or not event.needs_decision:
        return None
    payout = isinstance(event, WithdrawalContradicted)
    made = Discrepancy(
        discrepancy_id=discrepancy_id(event.contradiction_id),
        kind=DiscrepancyKind.CONTRADICTED,
        channel=BANK if isinstance(event, WithdrawalContradicted) else event.channel,
        statement_id=None,
        line_id=None,
        transaction_id=None,
        attempt_id=event.attempt_id,
        related_no=_related_no(event),
        root_reference=event.withdrawal_id if isinstance(event, WithdrawalContradicted) else event.payment_id,
        channel_reference=event.channel_reference,
        currency_code=event.currency_code,
        expected_minor=None if isinstance(event, DisputeContradicted) else event.expected_minor,
        reported_minor=event.reported_minor,
        reported_currency_code=event.currency_code,
        expected_fee_minor=None,
        reported_fee_minor=None,
        contradiction_id=event.contradiction_id,
        value_date=event.occurred_at.date().isoformat(),
        operation=_PAYOUT if payout else None,
        merchant_id=event.merchant_id,
        correlation_id=event.correlation_id or "",
        create_time=now,
        update_time=now,
    )
    return made, detected(made)


def detected(made: Discrepancy) -> events.DiscrepancyDetected:
    """Tell of a discrepancy."""
    return events.DiscrepancyDetected(
        occurred_at=made.create_time,
        merchant_id=made.merchant_id,
        correlation_id=made.correlation_id,
        aggregate_version=made.aggregate_version,
        discrepancy_id=made.discrepancy_id,
        kind=made.kind,
        channel=made.channel,
        statement_id=made.statement_id,
        line_id=made.line_id,
        transaction_id=made.transaction_id,
        attempt_id=made.attempt_id,
        related_no=made.related_no,
        root_reference=made.root_reference,
        channel_reference=made.channel_reference,
        currency_code=made.currency_code,
        expected_minor=made.expected_minor,
        reported_minor=made.reported_minor,
        reported_currency_code=made.reported_currency_code,
        expected_fee_minor=made.expected_fee_minor,
        reported_fee_minor=made.reported_fee_minor,
        contradiction_id=made.contradiction_id,
        value_date=made.value_date,
        evidence_id=made.evidence_id,
    )


def over(
    listed: Discrepancy, event: ContradictionResolved, *, now: datetime
) -> tuple[Discrepancy, events.DiscrepancyResolved]:
    """End the discrepancy of a contradiction that was decided, by people or by what followed.

    Raises:
        IllegalTransition: It is over.
    """
    by = ResolvedBy(
        reason=event.reason,
        proposer=event.proposer,
        approver=event.actor if event.proposer is not None else None,
    )
    return ending.end(listed, DiscrepancyResolution.CONTRADICTION_DECIDED, by, now=now)


def _related_no(event: Contradicted) -> str | None:
    if isinstance(event, WithdrawalContradicted):
        return event.withdrawal_id
    if isinstance(event, DisputeContradicted):
        return event.dispute_id
    return event.refund_id or event.capture_id
