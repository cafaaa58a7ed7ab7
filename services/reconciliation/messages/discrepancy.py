"""Discrepancies on the wire."""

from collections.abc import Mapping
from types import MappingProxyType

from paykit.serve.timestamps import to_timestamp
from paystream.common.v1 import money_pb2
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState
from services.reconciliation.messages.rule_set import read_day
from services.reconciliation.store import DiscrepancyFilter

_KINDS: Mapping[DiscrepancyKind, pb.DiscrepancyKind.ValueType] = MappingProxyType(
    {kind: pb.DiscrepancyKind.Value(f"DISCREPANCY_KIND_{kind}") for kind in DiscrepancyKind if kind != "UNKNOWN"}
)
_STATES: Mapping[DiscrepancyState, pb.DiscrepancyState.ValueType] = MappingProxyType(
    {state: pb.DiscrepancyState.Value(f"DISCREPANCY_STATE_{state}") for state in DiscrepancyState}
)
_RESOLUTIONS: Mapping[DiscrepancyResolution, pb.DiscrepancyResolution.ValueType] = MappingProxyType(
    {
        resolution: pb.DiscrepancyResolution.Value(f"DISCREPANCY_RESOLUTION_{resolution}")
        for resolution in DiscrepancyResolution
        if resolution != "UNKNOWN"
    }
)


def to_discrepancy(discrepancy: Discrepancy) -> pb.Discrepancy:
    """Make the resource."""
    resolution = discrepancy.resolution
    return pb.Discrepancy(
        discrepancy_id=discrepancy.discrepancy_id,
        kind=_KINDS[discrepancy.kind],
        state=_STATES[discrepancy.state],
        channel=discrepancy.channel,
        statement_id=discrepancy.statement_id or "",
        line_id=discrepancy.line_id or "",
        operation=discrepancy.operation or "",
        expected=_money(discrepancy.expected_minor, discrepancy.currency_code),
        reported=_money(discrepancy.reported_minor, discrepancy.reported_currency_code or discrepancy.currency_code),
        expected_fee_minor=discrepancy.expected_fee_minor,
        reported_fee_minor=discrepancy.reported_fee_minor,
        attempt_id=discrepancy.attempt_id or "",
        related_no=discrepancy.related_no or "",
        root_reference=discrepancy.root_reference or "",
        channel_reference=discrepancy.channel_reference or "",
        contradiction_id=discrepancy.contradiction_id or "",
        value_date="" if discrepancy.value_date is None else discrepancy.value_date.isoformat(),
        merchant_id=discrepancy.merchant_id or "",
        resolution=pb.DISCREPANCY_RESOLUTION_UNSPECIFIED if resolution is None else _RESOLUTIONS[resolution],
        reason=discrepancy.reason or "",
        proposer=discrepancy.proposer or "",
        approver=discrepancy.approver or "",
        create_time=to_timestamp(discrepancy.create_time),
        update_time=to_timestamp(discrepancy.update_time),
    )


def from_list_discrepancies(request: pb.ListDiscrepanciesRequest) -> DiscrepancyFilter:
    """Read which discrepancies are wanted.

    Raises:
        FieldInvalid: value_date is no day.
    """
    kinds = {number: kind for kind, number in _KINDS.items()}
    states = {number: state for state, number in _STATES.items()}
    return DiscrepancyFilter(
        channel=request.channel or None,
        kind=kinds.get(request.kind),
        currency_code=request.currency_code or None,
        value_date=read_day(request.value_date, "value_date") if request.value_date else None,
        statement_id=request.statement_id or None,
        merchant_id=request.merchant_id or None,
        state=states.get(request.state),
    )


def _money(amount_minor: int | None, currency_code: str) -> money_pb2.Money | None:
    return None if amount_minor is None else money_pb2.Money(amount_minor=amount_minor, currency_code=currency_code)
