"""A discrepancy: a difference between a statement and what is recorded, until it is over. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paykit.errors import DomainError, Kind
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution


class DiscrepancyState(StrEnum):
    """Whether it is over."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class DiscrepancyNotFound(DomainError):
    """No discrepancy has this id."""

    kind = Kind.NOT_FOUND
    reason = "DISCREPANCY_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """A difference; amounts are in minor units.

    Attributes:
        transaction_id: The ledger's; None where nothing is recorded.
        attempt_id: The call to the channel that it is about; None where it is not known.
        related_no: What moved the money, as a capture_id; None where it is not known.
        root_reference: The journey; None where it is not known.
        currency_code: Of what is recorded; of the line where nothing is.
        reported_currency_code: Of the line; None where no line is.
        contradiction_id: Of payment or withdrawal, which decide it; None of what lines alone contradict.
        value_date: YYYY-MM-DD, of the line, or of the transaction where no line is.
        operation: Of the line, or of the transaction where no line is; None where it is not known.
        evidence_id: Of what a channel said of a call that nobody made; None of anything else.
        line_no: The line's number here; None where no line is, or a contradiction is decided elsewhere.
        movement_id: What is recorded, as matching knows it; None of what the ledger alone is held against.
        carried_out: Whether it was done; what failed moves no money.
        resolution: How it ended; None while it is open.
        reason: Why, where people decided; so are `proposer` and `approver`.
    """

    discrepancy_id: str
    kind: DiscrepancyKind
    state: DiscrepancyState = DiscrepancyState.OPEN
    channel: str
    statement_id: str | None
    line_id: str | None
    transaction_id: str | None
    attempt_id: str | None
    related_no: str | None
    root_reference: str | None
    channel_reference: str | None
    currency_code: str
    expected_minor: int | None
    reported_minor: int | None
    reported_currency_code: str | None
    expected_fee_minor: int | None
    reported_fee_minor: int | None
    contradiction_id: str | None
    value_date: str | None
    operation: str | None
    evidence_id: str | None = None
    carried_out: bool = True
    merchant_id: str | None = None
    line_no: int | None = None
    movement_id: str | None = None
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
