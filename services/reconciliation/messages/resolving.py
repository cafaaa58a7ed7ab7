"""Corrections and what has not cleared, on the wire."""

from collections.abc import Mapping
from datetime import datetime

from paykit.base.call import current_call
from paykit.cause import Cause
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import money_pb2
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.reconciliation.commands.resolving import DecideCorrection, Resolution, ResolveDiscrepancy
from services.reconciliation.domain.correction import Correction, CorrectionState
from services.reconciliation.domain.resolution import ResolutionAction
from services.reconciliation.messages.discrepancy import to_discrepancy
from services.reconciliation.store import CorrectionFilter, UnclearedAmount, UnclearedFilter

_STATES = {state: pb.CorrectionState.Value(f"CORRECTION_STATE_{state}") for state in CorrectionState}
_FROM_STATE = {wire: state for state, wire in _STATES.items()}
_ACTIONS = {pb.ResolutionAction.Value(f"RESOLUTION_ACTION_{action}"): action for action in ResolutionAction}


def to_correction(correction: Correction) -> pb.Correction:
    """Make the resource."""
    booking = correction.booking
    return pb.Correction(
        correction_id=correction.correction_id,
        discrepancy_id=correction.discrepancy_id,
        state=_STATES[correction.state],
        debit_account_kind=booking.debit_account_kind if booking else "",
        credit_account_kind=booking.credit_account_kind if booking else "",
        amount=money_pb2.Money(amount_minor=booking.amount_minor, currency_code=correction.currency_code)
        if booking
        else None,
        reason=correction.reason,
        proposer=correction.proposer,
        decider=correction.decider or "",
        decision_reason=correction.decision_reason or "",
        refusal=correction.refusal or "",
        transaction_id=correction.transaction_id or "",
        create_time=to_timestamp(correction.create_time),
        update_time=to_timestamp(correction.update_time),
    )


def from_resolve(request: pb.ResolveDiscrepancyRequest, *, person: str | None, cause: Cause) -> ResolveDiscrepancy:
    """Read what a person asks for."""
    accounts = request.debit_account_kind, request.credit_account_kind
    return ResolveDiscrepancy(
        discrepancy_id=request.discrepancy_id,
        action=_ACTIONS[request.action],
        reason=request.reason,
        accounts=accounts if any(accounts) else None,
        person=person,
        cause=cause,
    )


def from_decision(
    request: pb.ApproveCorrectionRequest | pb.RejectCorrectionRequest, *, approved: bool, decider: str | None
) -> DecideCorrection:
    """Read what another person says."""
    return DecideCorrection(
        correction_id=request.correction_id,
        approved=approved,
        decider=decider,
        reason=request.reason or None,
        cause=current_call().cause,
    )


def from_list(request: pb.ListCorrectionsRequest) -> CorrectionFilter:
    """Read which corrections to list."""
    return CorrectionFilter(
        state=_FROM_STATE.get(request.state),
        discrepancy_id=request.discrepancy_id or None,
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        proposer=request.proposer or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def to_uncleared(amount: UnclearedAmount, *, now: datetime) -> pb.UnclearedAmount:
    """Make the resource."""
    return pb.UnclearedAmount(
        account_kind=amount.account_kind,
        merchant_id=amount.merchant_id,
        currency_code=amount.currency_code,
        amount_minor=str(amount.amount_minor),
        reference=amount.reference,
        root_reference=amount.root_reference,
        since_time=to_timestamp(amount.since),
        due_time=to_timestamp(amount.due_time),
        overdue=amount.due_time < now,
    )


def from_uncleared(request: pb.ListUnclearedRequest, *, days: Mapping[str, int]) -> UnclearedFilter:
    """Read which amounts to list."""
    return UnclearedFilter(
        clearing_days=tuple(sorted(days.items())),
        account_kind=request.account_kind or None,
        merchant_id=request.merchant_id or None,
        currency_code=request.currency_code or None,
        root_reference=request.root_reference or None,
        overdue=request.overdue,
    )


def to_resolution(resolution: Resolution) -> pb.ResolveDiscrepancyResponse:
    """Make the reply."""
    correction = resolution.correction
    return pb.ResolveDiscrepancyResponse(
        discrepancy=to_discrepancy(resolution.discrepancy),
        correction=None if correction is None else to_correction(correction),
    )
