"""The end of a discrepancy as people decide it, and the events that tell of it and of what follows. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from paykit.base.four_eyes import SamePerson
from paykit.clock import no_earlier
from paykit.errors import IllegalTransition, InvariantError
from paystream.reconciliation.v1 import events
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution
from services.reconciliation.domain import resolution as resolutions
from services.reconciliation.domain.correction import Correction
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState
from services.reconciliation.domain.resolution import DifferenceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedBy:
    """What people decided: why, who asked for it, and who approved, where a second person did; None where none did."""

    reason: str | None
    proposer: str | None
    approver: str | None = None
    correction_id: str | None = None


def named(person: str | None) -> str:
    """Return the name of who asks.

    Raises:
        SamePerson: The caller has none.
    """
    if person is None:
        raise SamePerson("Who resolves needs a name.", field="caller")
    return person


def decision(correction: Correction) -> ResolvedBy:
    """Return what two people decided by a correction."""
    return ResolvedBy(
        reason=correction.reason,
        proposer=correction.proposer,
        approver=correction.decider,
        correction_id=None if correction.booking is None else correction.correction_id,
    )


def require_open(discrepancy: Discrepancy, action: str) -> None:
    """Refuse what is asked of a discrepancy that is over.

    Raises:
        IllegalTransition: It is.
    """
    if discrepancy.state is not DiscrepancyState.OPEN:
        message = f"A discrepancy that is {discrepancy.state} cannot {action}."
        raise IllegalTransition(message, state=discrepancy.state, action=action)


def end(
    discrepancy: Discrepancy, resolution: DiscrepancyResolution, by: ResolvedBy, *, now: datetime
) -> tuple[Discrepancy, events.DiscrepancyResolved]:
    """End an open discrepancy as people decided.

    Raises:
        IllegalTransition: It is over.
    """
    require_open(discrepancy, "RESOLVE")
    over = replace(
        discrepancy,
        update_time=no_earlier(now, discrepancy.update_time),
        aggregate_version=discrepancy.aggregate_version + 1,
        state=DiscrepancyState.RESOLVED,
        resolution=resolution,
        reason=by.reason,
        proposer=by.proposer,
        approver=by.approver,
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
        correction_id=by.correction_id,
        amount_minor=difference_minor(over),
        reason=by.reason,
        proposer=by.proposer,
        approver=by.approver,
    )


def correct(
    discrepancy: Discrepancy, correction: Correction, *, now: datetime
) -> tuple[Discrepancy, events.CorrectionApproved]:
    """Have the ledger book an approved correction; the discrepancy stays open until it has."""
    booking = correction.booking
    if booking is None or correction.decider is None:
        raise InvariantError(f"correction {correction.correction_id} is not approved to be booked")
    told = replace(
        discrepancy,
        update_time=no_earlier(now, discrepancy.update_time),
        aggregate_version=discrepancy.aggregate_version + 1,
    )
    return told, events.CorrectionApproved(
        occurred_at=told.update_time,
        merchant_id=None,
        correlation_id=told.correlation_id,
        aggregate_version=told.aggregate_version,
        discrepancy_id=told.discrepancy_id,
        correction_id=correction.correction_id,
        statement_id=told.statement_id,
        channel=told.channel,
        related_no=told.related_no,
        channel_reference=told.channel_reference,
        debit_account_kind=booking.debit_account_kind,
        credit_account_kind=booking.credit_account_kind,
        amount_minor=booking.amount_minor,
        currency_code=correction.currency_code,
        reason=correction.reason,
        proposer=correction.proposer,
        approver=correction.decider,
    )


def evidence(
    discrepancy: Discrepancy, difference: DifferenceFacts, *, reason: str, now: datetime
) -> events.StatementEvidenceAccepted:
    """Tell payment or withdrawal what a line proves; one without a reference of the channel is one by itself."""
    proof = resolutions.line_evidence(difference)
    line_id, attempt_id = discrepancy.line_id, difference.attempt_id
    if proof is None or line_id is None or attempt_id is None or discrepancy.statement_id is None:
        raise InvariantError(f"no line of {discrepancy.discrepancy_id} proves anything")
    return events.StatementEvidenceAccepted(
        occurred_at=now,
        merchant_id=None,
        correlation_id=discrepancy.correlation_id,
        aggregate_version=1,
        attempt_id=attempt_id,
        discrepancy_id=discrepancy.discrepancy_id,
        channel=discrepancy.channel,
        channel_reference=discrepancy.channel_reference or line_id,
        operation=proof.operation,
        outcome=proof.outcome,
        amount_minor=difference.reported_minor or 0,
        currency_code=discrepancy.reported_currency_code or discrepancy.currency_code,
        failure_code=None,
        value_date=discrepancy.value_date,
        statement_id=discrepancy.statement_id,
        line_id=line_id,
        reason=reason,
    )


def difference_minor(discrepancy: Discrepancy) -> int | None:
    """Return reported less expected, of fees or amounts; None where they are of two currencies, or one is missing."""
    if discrepancy.kind is DiscrepancyKind.FEE_MISMATCH:
        reported, expected = discrepancy.reported_fee_minor, discrepancy.expected_fee_minor
    else:
        reported, expected = discrepancy.reported_minor, discrepancy.expected_minor
    alike = discrepancy.reported_currency_code in {None, discrepancy.currency_code}
    return reported - expected if alike and reported is not None and expected is not None else None
