"""Contradictions on the wire: what the messages of every service that has them share."""

from datetime import datetime
from typing import Protocol

from google.protobuf.message import Message

from paykit.cause import Cause
from paykit.contradictions.contradiction import (
    Contradiction,
    ContradictionKind,
    ContradictionResolution,
    ContradictionState,
    possible,
)
from paykit.contradictions.contradiction_table import ContradictionFilter
from paykit.contradictions.deciding import DecideResolution, ProposeResolution
from paykit.reasons.stated_reason_messages import to_stated_reason
from paykit.serve.listing import oldest_first
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import contradiction_pb2 as pb
from paystream.common.v1 import money_pb2

_STATES = {state: pb.ContradictionState.Value(f"CONTRADICTION_STATE_{state}") for state in ContradictionState}
_KINDS = {kind: pb.ContradictionKind.Value(f"CONTRADICTION_KIND_{kind}") for kind in ContradictionKind}
_RESOLUTIONS = {
    resolution: pb.ContradictionResolution.Value(f"CONTRADICTION_RESOLUTION_{resolution}")
    for resolution in ContradictionResolution
}
_NO_RESOLUTION = pb.CONTRADICTION_RESOLUTION_UNSPECIFIED
_STATE_OF = {wire: state for state, wire in _STATES.items()}
_KIND_OF = {wire: kind for kind, wire in _KINDS.items()}
_RESOLUTION_OF = {wire: resolution for resolution, wire in _RESOLUTIONS.items()}


class ListContradictionsRequest(Protocol):
    """The request of a list, of whichever service."""

    state: pb.ContradictionState.ValueType
    kind: pb.ContradictionKind.ValueType
    merchant_id: str
    currency_code: str
    amount_minor_min: int
    amount_minor_max: int
    aggregate_id: str
    channel_reference: str
    order_by: str
    page_size: int
    page_token: str


class GetContradictionRequest(Protocol):
    """The request of one, of whichever service."""

    contradiction_id: str


class ProposeResolutionRequest(Protocol):
    """The request of a proposal, of whichever service."""

    contradiction_id: str
    resolution: pb.ContradictionResolution.ValueType
    reason: str


class ApproveResolutionRequest(Protocol):
    """The request of an approval, of whichever service."""

    contradiction_id: str


class RejectResolutionRequest(Protocol):
    """The request of a rejection, of whichever service."""

    contradiction_id: str
    reason: str


def to_contradiction(contradiction: Contradiction) -> pb.Contradiction:
    """Make the resource."""
    return pb.Contradiction(
        contradiction_id=contradiction.contradiction_id,
        aggregate_id=contradiction.aggregate_id,
        subject_id=contradiction.subject_id,
        attempt_id=contradiction.attempt_id or "",
        merchant_id=contradiction.merchant_id,
        kind=_KINDS[contradiction.kind],
        amount=money_pb2.Money(amount_minor=contradiction.amount_minor, currency_code=contradiction.currency_code),
        suspense_minor=contradiction.suspense_minor,
        recorded=contradiction.recorded,
        reported=contradiction.reported,
        channel_reference=contradiction.channel_reference or "",
        needs_decision=contradiction.needs_decision,
        state=_STATES[contradiction.state],
        resolution=_RESOLUTIONS[contradiction.resolution] if contradiction.resolution else _NO_RESOLUTION,
        possible_resolutions=[_RESOLUTIONS[resolution] for resolution in possible(contradiction)],
        proposer=contradiction.proposer or "",
        decider=contradiction.decider or "",
        reason=contradiction.reason or "",
        stated_reason=to_stated_reason(contradiction.stated),
        create_time=to_timestamp(contradiction.create_time),
        update_time=to_timestamp(contradiction.update_time),
    )


def from_list(request: ListContradictionsRequest) -> ContradictionFilter:
    """Read what a list selects."""
    return ContradictionFilter(
        state=_STATE_OF.get(request.state),
        kind=_KIND_OF.get(request.kind),
        merchant_id=request.merchant_id or None,
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        create_time_min=_moment(request, "create_time_min"),
        create_time_before=_moment(request, "create_time_before"),
        amount_minor_max=request.amount_minor_max or None,
        aggregate_id=request.aggregate_id or None,
        channel_reference=request.channel_reference or None,
        update_time_min=_moment(request, "update_time_min"),
        update_time_before=_moment(request, "update_time_before"),
        oldest_first=oldest_first(request),
    )


def from_proposal(request: ProposeResolutionRequest, *, proposer: str | None, cause: Cause) -> ProposeResolution:
    """Read a proposal."""
    return ProposeResolution(
        contradiction_id=request.contradiction_id,
        resolution=_RESOLUTION_OF[request.resolution],
        reason=request.reason,
        proposer=proposer,
        cause=cause,
    )


def from_approval(request: ApproveResolutionRequest, *, decider: str | None, cause: Cause) -> DecideResolution:
    """Read an approval."""
    return DecideResolution(contradiction_id=request.contradiction_id, approved=True, decider=decider, cause=cause)


def from_rejection(request: RejectResolutionRequest, *, decider: str | None, cause: Cause) -> DecideResolution:
    """Read a rejection with its reason."""
    return DecideResolution(
        contradiction_id=request.contradiction_id,
        approved=False,
        decider=decider,
        cause=cause,
        reason=request.reason,
    )


def _moment(request: object, field: str) -> datetime | None:
    return from_optional(request, field) if isinstance(request, Message) else None
