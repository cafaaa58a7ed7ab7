"""Discrepancies on the wire."""

from collections.abc import Mapping

from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import money_pb2
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution
from services.reconciliation import domain, store
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState
from services.reconciliation.domain.resolution import ResolutionAction
from services.reconciliation.store import DiscrepancyFilter

_KINDS: Mapping[DiscrepancyKind, pb.DiscrepancyKind.ValueType] = {
    kind: pb.DiscrepancyKind.Value(f"DISCREPANCY_KIND_{kind}")
    for kind in DiscrepancyKind
    if kind is not DiscrepancyKind.UNKNOWN
}
_FROM_KIND = {wire: kind for kind, wire in _KINDS.items()}
_STATES = {state: pb.DiscrepancyState.Value(f"DISCREPANCY_STATE_{state}") for state in DiscrepancyState}
_FROM_STATE = {wire: state for state, wire in _STATES.items()}
_RESOLUTIONS: Mapping[DiscrepancyResolution, pb.DiscrepancyResolution.ValueType] = {
    resolution: pb.DiscrepancyResolution.Value(f"DISCREPANCY_RESOLUTION_{resolution}")
    for resolution in DiscrepancyResolution
    if resolution is not DiscrepancyResolution.UNKNOWN
}
_ACTIONS = {action: pb.ResolutionAction.Value(f"RESOLUTION_ACTION_{action}") for action in ResolutionAction}


def to_discrepancy(found: Discrepancy) -> pb.Discrepancy:
    """Make the resource."""
    reported_code = found.reported_currency_code or found.currency_code
    return pb.Discrepancy(
        discrepancy_id=found.discrepancy_id,
        kind=_KINDS[found.kind],
        state=_STATES[found.state],
        channel=found.channel,
        merchant_id=found.merchant_id or "",
        statement_id=found.statement_id or "",
        line_id=found.line_id or "",
        transaction_id=found.transaction_id or "",
        attempt_id=found.attempt_id or "",
        related_no=found.related_no or "",
        root_reference=found.root_reference or "",
        channel_reference=found.channel_reference or "",
        expected=_money(found.expected_minor, found.currency_code),
        reported=_money(found.reported_minor, reported_code),
        expected_fee=_money(found.expected_fee_minor, found.currency_code),
        reported_fee=_money(found.reported_fee_minor, reported_code),
        contradiction_id=found.contradiction_id or "",
        value_date=found.value_date or "",
        resolution=_RESOLUTIONS[found.resolution] if found.resolution else pb.DISCREPANCY_RESOLUTION_UNSPECIFIED,
        reason=found.reason or "",
        proposer=found.proposer or "",
        approver=found.approver or "",
        possible_actions=[_ACTIONS[action] for action in _possible(found)],
        create_time=to_timestamp(found.create_time),
        update_time=to_timestamp(found.update_time),
        evidence_id=found.evidence_id or "",
    )


def from_list(request: pb.ListDiscrepanciesRequest) -> DiscrepancyFilter:
    """Read which discrepancies to list."""
    return DiscrepancyFilter(
        kind=_FROM_KIND.get(request.kind),
        state=_FROM_STATE.get(request.state),
        channel=request.channel or None,
        statement_id=request.statement_id or None,
        merchant_id=request.merchant_id or None,
        currency_code=request.currency_code or None,
        attempt_id=request.attempt_id or None,
        related_no=request.related_no or None,
        root_reference=request.root_reference or None,
        channel_reference=request.channel_reference or None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def _money(amount_minor: int | None, currency_code: str) -> money_pb2.SignedMoney | None:
    return (
        None if amount_minor is None else money_pb2.SignedMoney(amount_minor=amount_minor, currency_code=currency_code)
    )


def _possible(found: Discrepancy) -> tuple[ResolutionAction, ...]:
    if found.state is not DiscrepancyState.OPEN or found.contradiction_id is not None:
        return ()
    return domain.resolution.possible(store.differences([found])[found.discrepancy_id])
