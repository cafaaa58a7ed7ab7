"""Discrepancies: differences between statements and records, open until people or what follows end them. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from paykit.aggregate import next_revision
from paykit.errors import DomainError, Kind
from paystream.reconciliation.v1 import events
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution


class DiscrepancyState(StrEnum):
    """OPEN waits for people, or for what is missing."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class DiscrepancyNotFound(DomainError):
    """No discrepancy has this id."""

    kind = Kind.NOT_FOUND
    reason = "DISCREPANCY_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A difference. Amounts are in minor units of currency_code, those reported in reported_currency_code.

    Attributes:
        line_no: Of the line here; None where no line is.
        line_id: The line as its channel names it.
        movement_id: What is recorded; None where nothing is.
        transaction_id: What the ledger booked of it.
        operation: What moved, as in CAPTURE.
        carried_out: Whether the line says that money moved.
        contradiction_id: Of payment or withdrawal, which decide it.
    """

    discrepancy_id: str
    kind: DiscrepancyKind
    state: DiscrepancyState = DiscrepancyState.OPEN
    channel: str
    statement_id: str | None = None
    line_no: int | None = None
    line_id: str | None = None
    movement_id: str | None = None
    transaction_id: str | None = None
    attempt_id: str | None = None
    related_no: str | None = None
    root_reference: str | None = None
    channel_reference: str | None = None
    operation: str | None = None
    carried_out: bool = True
    currency_code: str
    expected_minor: int | None = None
    reported_minor: int | None = None
    reported_currency_code: str | None = None
    expected_fee_minor: int | None = None
    reported_fee_minor: int | None = None
    contradiction_id: str | None = None
    value_date: date | None = None
    merchant_id: str | None = None
    correlation_id: str
    resolution: DiscrepancyResolution | None = None
    reason: str | None = None
    proposer: str | None = None
    approver: str | None = None
    aggregate_version: int = 1
    create_time: datetime
    update_time: datetime


def not_found(discrepancy_id: str) -> DiscrepancyNotFound:
    """Refuse an id that no discrepancy has."""
    message = f"There is no discrepancy {discrepancy_id}."
    return DiscrepancyNotFound(message, field="discrepancy_id", discrepancy_id=discrepancy_id)


def detected(discrepancy: Discrepancy) -> events.DiscrepancyDetected:
    """Tell of a discrepancy just found."""
    return events.DiscrepancyDetected(
        occurred_at=discrepancy.create_time,
        merchant_id=discrepancy.merchant_id,
        correlation_id=discrepancy.correlation_id,
        aggregate_version=discrepancy.aggregate_version,
        discrepancy_id=discrepancy.discrepancy_id,
        kind=discrepancy.kind,
        channel=discrepancy.channel,
        statement_id=discrepancy.statement_id,
        line_id=discrepancy.line_id,
        transaction_id=discrepancy.transaction_id,
        attempt_id=discrepancy.attempt_id,
        related_no=discrepancy.related_no,
        root_reference=discrepancy.root_reference,
        channel_reference=discrepancy.channel_reference,
        currency_code=discrepancy.currency_code,
        expected_minor=discrepancy.expected_minor,
        reported_minor=discrepancy.reported_minor,
        reported_currency_code=discrepancy.reported_currency_code,
        expected_fee_minor=discrepancy.expected_fee_minor,
        reported_fee_minor=discrepancy.reported_fee_minor,
        contradiction_id=discrepancy.contradiction_id,
        value_date=None if discrepancy.value_date is None else discrepancy.value_date.isoformat(),
    )


def healed(
    discrepancy: Discrepancy, resolution: DiscrepancyResolution, *, now: datetime
) -> tuple[Discrepancy, events.DiscrepancyResolved]:
    """End an open discrepancy by what followed.

    MATCHED: what was missing came; CONTRADICTION_DECIDED: the service that found it decided.
    """
    over = replace(
        discrepancy, **next_revision(discrepancy, now), state=DiscrepancyState.RESOLVED, resolution=resolution
    )
    return over, events.DiscrepancyResolved(
        occurred_at=over.update_time,
        merchant_id=over.merchant_id,
        correlation_id=over.correlation_id,
        aggregate_version=over.aggregate_version,
        discrepancy_id=over.discrepancy_id,
        kind=over.kind,
        channel=over.channel,
        statement_id=over.statement_id,
        currency_code=over.currency_code,
        resolution=resolution,
        correction_id=None,
        amount_minor=None,
        reason=None,
        proposer=None,
        approver=None,
    )
