"""Disputes on the wire: between messages and domain values."""

from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.dispute import Dispute, DisputeOutcome, DisputeState, Reported
from services.payment.domain.disputing.dispute_answer import DisputeFile
from services.payment.store import DisputeFilter


def to_dispute(dispute: Dispute) -> pb.Dispute:
    """Make the resource."""
    response_state = dispute.response_state or "UNSPECIFIED"
    return pb.Dispute(
        dispute_id=dispute.dispute_id,
        payment_id=dispute.payment_id,
        merchant_id=dispute.merchant_id,
        attempt_id=dispute.attempt_id,
        amount=money_pb2.Money(amount_minor=dispute.amount_minor, currency_code=dispute.currency_code),
        reason=pb.DisputeReason.Value(f"DISPUTE_REASON_{dispute.reason}"),
        state=pb.DisputeState.Value(f"DISPUTE_STATE_{dispute.state}"),
        accepted=dispute.accepted,
        contradicted=dispute.contradicted,
        channel=dispute.channel,
        dispute_reference=dispute.dispute_reference,
        respond_by_time=to_timestamp(dispute.respond_by) if dispute.respond_by else None,
        evidence=dispute.evidence or "",
        response_state=pb.DisputeResponseState.Value(f"DISPUTE_RESPONSE_STATE_{response_state}"),
        create_time=to_timestamp(dispute.create_time),
        update_time=to_timestamp(dispute.update_time),
        capture_id=dispute.capture_id,
        stage=pb.DisputeStage.Value(f"DISPUTE_STAGE_{dispute.stage}"),
        category=dispute.category or "",
        held_minor=dispute.held_minor,
        excess_minor=dispute.excess_minor,
        lost_minor=dispute.lost_minor,
        owed_minor=dispute.owed_minor,
        fee_minor=dispute.fee_minor,
        fee_returned_minor=dispute.fee_returned_minor,
    )


def to_file(file: DisputeFile) -> pb.DisputeFile:
    """Make a file without its content."""
    return pb.DisputeFile(
        file_id=file.file_id,
        dispute_id=file.dispute_id,
        name=file.name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        content_hash=file.content_hash,
        create_time=to_timestamp(file.create_time),
    )


def from_report(request: pb.ReportDisputeRequest) -> Reported:
    """Read a channel's word on a dispute."""
    return Reported(
        attempt_id=request.attempt_id,
        dispute_reference=request.dispute_reference,
        outcome=DisputeOutcome(pb.DisputeOutcome.Name(request.outcome).removeprefix("DISPUTE_OUTCOME_")),
        stage=_stage(request.stage),
        amount_minor=request.amount.amount_minor,
        currency_code=request.amount.currency_code,
        category=request.category or None,
        occur_time=from_optional(request, "occur_time"),
        reason=events.DisputeReason(pb.DisputeReason.Name(request.reason).removeprefix("DISPUTE_REASON_")),
        respond_by=from_optional(request, "respond_by_time"),
    )


def from_list_disputes(request: pb.ListDisputesRequest) -> DisputeFilter:
    """Read what ListDisputes selects."""
    name = pb.DisputeState.Name(request.state).removeprefix("DISPUTE_STATE_")
    return DisputeFilter(
        payment_id=request.payment_id or None,
        merchant_id=request.merchant_id or None,
        state=DisputeState(name) if request.state else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        channel=request.channel or None,
        dispute_reference=request.dispute_reference or None,
        stage=_stage(request.stage),
        respond_by_min=from_optional(request, "respond_by_time_min"),
        respond_by_before=from_optional(request, "respond_by_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def from_list_to_answer(request: pb.ListDisputesToAnswerRequest) -> DisputeFilter:
    """Read what ListDisputesToAnswer selects."""
    return DisputeFilter(
        payment_id=None,
        merchant_id=request.merchant_id or None,
        state=None,
        create_time_min=None,
        create_time_before=None,
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        channel=request.channel or None,
        stage=_stage(request.stage),
        respond_by_min=from_optional(request, "respond_by_time_min"),
        respond_by_before=from_optional(request, "respond_by_time_before"),
        oldest_first=True,
    )


def _stage(stage: pb.DisputeStage.ValueType) -> events.DisputeStage | None:
    name = pb.DisputeStage.Name(stage).removeprefix("DISPUTE_STAGE_")
    return events.DisputeStage(name) if stage else None
