"""Words of channels about calls that nobody made, as payment and withdrawal tell them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from paystream.payment.v1 import events as payment
from paystream.reconciliation.v1.events import DiscrepancyKind
from paystream.withdrawal.v1 import events as withdrawal
from services.reconciliation.domain.discrepancy import Discrepancy

EvidenceUnmatched: TypeAlias = payment.EvidenceUnmatched | withdrawal.EvidenceUnmatched

NO_CURRENCY = "XXX"
"""The code of evidence that says no amount. Source: ISO 4217, where no currency is involved."""
_MOVES_MONEY = frozenset({"SUCCEEDED", "RETURNED"})
"""Outcomes by which money moved; by others none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnattributedEvidence:
    """What a channel said of a call that is not known here, was never sent, or is in another currency.

    Attributes:
        attempt_id: The call that it names.
        outcome: What it says, as in SUCCEEDED.
        channel: Empty when not known.
    """

    evidence_id: str
    attempt_id: str
    outcome: str
    channel: str
    channel_reference: str | None
    amount_minor: int | None
    currency_code: str | None
    occurred_at: datetime
    correlation_id: str


def of_event(event: EvidenceUnmatched) -> UnattributedEvidence:
    """Return what an event tells."""
    return UnattributedEvidence(
        evidence_id=event.evidence_id,
        attempt_id=event.attempt_id,
        outcome=event.reported_outcome,
        channel=event.channel,
        channel_reference=event.channel_reference,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        occurred_at=event.occurred_at,
        correlation_id=event.correlation_id or "",
    )


def found(evidence: UnattributedEvidence, *, discrepancy_id: str, now: datetime) -> Discrepancy:
    """Return the discrepancy of evidence of which nothing else tells."""
    return Discrepancy(
        discrepancy_id=discrepancy_id,
        kind=DiscrepancyKind.MISSING_INTERNAL,
        channel=evidence.channel,
        statement_id=None,
        line_id=None,
        transaction_id=None,
        attempt_id=evidence.attempt_id,
        related_no=None,
        root_reference=None,
        channel_reference=evidence.channel_reference,
        currency_code=evidence.currency_code or NO_CURRENCY,
        expected_minor=None,
        reported_minor=evidence.amount_minor,
        reported_currency_code=evidence.currency_code,
        expected_fee_minor=None,
        reported_fee_minor=None,
        contradiction_id=None,
        value_date=evidence.occurred_at.date().isoformat(),
        operation=None,
        carried_out=evidence.outcome in _MOVES_MONEY,
        evidence_id=evidence.evidence_id,
        correlation_id=evidence.correlation_id,
        create_time=now,
        update_time=now,
    )
