"""Refunds on the wire: between messages and domain values."""

from paykit.cause import Cause
from paykit.merchants.labels import Labels
from paykit.reasons.stated_reason_messages import to_stated_reason
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.commands.refund import CreateRefund
from services.payment.domain.movement import MovementState
from services.payment.domain.refund import Refund
from services.payment.store import RefundFilter

_REASONS = {
    pb.REFUND_REASON_UNSPECIFIED: events.RefundReason.CUSTOMER_REQUEST,
    pb.REFUND_REASON_CUSTOMER_REQUEST: events.RefundReason.CUSTOMER_REQUEST,
    pb.REFUND_REASON_DUPLICATE: events.RefundReason.DUPLICATE,
    pb.REFUND_REASON_FRAUD: events.RefundReason.FRAUD,
    pb.REFUND_REASON_ORDER_CANCELLED: events.RefundReason.ORDER_CANCELLED,
    pb.REFUND_REASON_OTHER: events.RefundReason.OTHER,
    pb.REFUND_REASON_CONTRADICTION: events.RefundReason.CONTRADICTION,
}
_REASON_VALUES = {reason: wire for wire, reason in _REASONS.items() if wire}
_OUT = frozenset({MovementState.SUCCEEDED, MovementState.RETURNED})
_STATES = {state: pb.RefundState.Value(f"REFUND_STATE_{state}") for state in MovementState}


def to_refund(refund: Refund) -> pb.Refund:
    """Make the resource."""
    return pb.Refund(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        merchant_id=refund.merchant_id,
        amount=money_pb2.Money(amount_minor=refund.amount_minor, currency_code=refund.currency_code),
        reason=_REASON_VALUES[refund.reason],
        state=_STATES[refund.state],
        fee_returned_minor=refund.fee_returned_minor,
        capture_id=refund.capture_id or "",
        channel_reference=refund.channel_reference or "",
        failure_reason=refund.failure_reason or "",
        failure_code=refund.failure_code or "",
        stated_reason=to_stated_reason(refund.stated),
        create_time=to_timestamp(refund.create_time),
        update_time=to_timestamp(refund.update_time),
        refunded_minor=refund.carried_out_minor if refund.state in _OUT else 0,
        suspense_minor=refund.suspense_minor,
        returned_minor=refund.returned_minor,
        merchant_reference=refund.labels.merchant_reference or "",
        metadata=refund.labels.metadata_map(),
    )


def from_create_refund(request: pb.CreateRefundRequest, cause: Cause) -> CreateRefund:
    """Read a refund asked for."""
    return CreateRefund(
        payment_id=request.payment_id,
        amount_minor=request.amount.amount_minor,
        currency_code=request.amount.currency_code,
        reason=_REASONS[request.reason],
        capture_id=request.capture_id or None,
        cause=cause,
        labels=Labels.of(request.merchant_reference, request.metadata),
    )


def from_list_refunds(request: pb.ListRefundsRequest) -> RefundFilter:
    """Read what ListRefunds selects."""
    name = pb.RefundState.Name(request.state).removeprefix("REFUND_STATE_")
    return RefundFilter(
        payment_id=request.payment_id or None,
        merchant_id=request.merchant_id or None,
        merchant_reference=request.merchant_reference or None,
        state=MovementState(name) if request.state else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        currency_code=request.currency_code or None,
        amount_minor_min=request.amount_minor_min or None,
        amount_minor_max=request.amount_minor_max or None,
        channel_reference=request.channel_reference or None,
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )
