"""Captures and voids on the wire: between messages and domain values."""

from collections.abc import Mapping
from datetime import timedelta

from paykit.cause import Cause
from paykit.merchants.labels import Labels
from paykit.serve.timestamps import to_timestamp
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.commands.capture import CancelPayment, Captured, CapturePayment
from services.payment.domain.capture import Capture
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment
from services.payment.messages.payment import to_payment

# Captures wait for no funds, and what bounced of one is told by its amounts.
_STATES: Mapping[MovementState, pb.CaptureState.ValueType] = {
    state: pb.CaptureState.Value(f"CAPTURE_STATE_{state}")
    for state in MovementState
    if state not in {MovementState.QUEUED, MovementState.RETURNED}
}


def to_capture(capture: Capture) -> pb.Capture:
    """Make the resource."""
    return pb.Capture(
        capture_id=capture.capture_id,
        payment_id=capture.payment_id,
        amount=money_pb2.Money(amount_minor=capture.amount_minor, currency_code=capture.currency_code),
        final=capture.final,
        state=_STATES[capture.state],
        fee_minor=capture.fee_minor,
        channel_reference=capture.channel_reference or "",
        failure_reason=capture.failure_reason or "",
        failure_code=capture.failure_code or "",
        create_time=to_timestamp(capture.create_time),
        update_time=to_timestamp(capture.update_time),
        captured_minor=capture.carried_out_minor if capture.state is MovementState.SUCCEEDED else 0,
        reversed_minor=capture.reversed_minor,
        merchant_reference=capture.labels.merchant_reference or "",
        metadata=capture.labels.metadata_map(),
    )


def to_capture_payment_response(captured: Captured) -> pb.CapturePaymentResponse:
    """Make the reply to CapturePayment."""
    return pb.CapturePaymentResponse(capture=to_capture(captured.capture), payment=to_payment(captured.payment))


def to_cancel_payment_response(payment: Payment) -> pb.CancelPaymentResponse:
    """Make the reply to CancelPayment."""
    return pb.CancelPaymentResponse(payment=to_payment(payment))


def from_capture_payment(request: pb.CapturePaymentRequest, cause: Cause, *, unsent_ttl: timedelta) -> CapturePayment:
    """Read a capture asked for, which may wait so long to be sent."""
    part = request.HasField("amount")
    return CapturePayment(
        payment_id=request.payment_id,
        amount_minor=request.amount.amount_minor if part else None,
        currency_code=request.amount.currency_code if part else None,
        final=request.final,
        unsent_ttl=unsent_ttl,
        cause=cause,
        labels=Labels.of(request.merchant_reference, request.metadata),
        etag=request.etag,
    )


def from_cancel_payment(request: pb.CancelPaymentRequest, cause: Cause) -> CancelPayment:
    """Read a payment to be given up."""
    return CancelPayment(payment_id=request.payment_id, reason=request.reason, cause=cause, etag=request.etag)
