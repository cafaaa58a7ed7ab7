"""What payment asks of the simulated acquirer, by paystream.channel.v1."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial

from paykit.channels import simulator
from paykit.channels.calls import Channel
from paykit.channels.simulator import Order, amount_of
from paystream.channel.v1 import channel_pb2 as pb
from services.payment.domain.attempt import AttemptAction
from services.payment.store import ClaimedPaymentAttempt


def connect(
    address: str | None, *, callback_address: str
) -> AbstractAsyncContextManager[Channel[ClaimedPaymentAttempt] | None]:
    """Give the simulator at an address, or None if it cannot be reached: then nothing should be claimed for it."""
    return simulator.connect(address, _orders(callback_address))


def _orders(callback_address: str) -> Mapping[str, Order[ClaimedPaymentAttempt]]:
    def authorize(claimed: ClaimedPaymentAttempt, *, capture: bool) -> pb.AuthorizeRequest:
        return pb.AuthorizeRequest(
            attempt_id=claimed.attempt.attempt_id,
            merchant_id=claimed.merchant_id,
            amount=amount_of(claimed.attempt),
            method_token=claimed.method_token,
            capture=capture,
            callback_address=callback_address,
            correlation_id=claimed.correlation_id,
        )

    def take(claimed: ClaimedPaymentAttempt) -> pb.CaptureRequest:
        return pb.CaptureRequest(
            attempt_id=claimed.attempt.attempt_id,
            authorization_reference=claimed.attempt.original_reference or "",
            amount=amount_of(claimed.attempt),
            callback_address=callback_address,
            related_no=claimed.attempt.capture_id or "",
            correlation_id=claimed.correlation_id,
        )

    def release(claimed: ClaimedPaymentAttempt) -> pb.CancelRequest:
        return pb.CancelRequest(
            attempt_id=claimed.attempt.attempt_id,
            authorization_reference=claimed.attempt.original_reference or "",
        )

    def give_back(claimed: ClaimedPaymentAttempt) -> pb.RefundRequest:
        return pb.RefundRequest(
            attempt_id=claimed.attempt.attempt_id,
            authorization_reference=claimed.attempt.original_reference or "",
            amount=amount_of(claimed.attempt),
            callback_address=callback_address,
            related_no=claimed.attempt.refund_id or "",
            correlation_id=claimed.correlation_id,
        )

    batches = pb.BatchAuthorizeRequest
    return {
        AttemptAction.CHARGE: Order(method="BatchAuthorize", batch=batches, item=partial(authorize, capture=True)),
        AttemptAction.AUTHORIZE: Order(method="BatchAuthorize", batch=batches, item=partial(authorize, capture=False)),
        AttemptAction.CAPTURE: Order(method="BatchCapture", batch=pb.BatchCaptureRequest, item=take),
        AttemptAction.CANCEL: Order(method="BatchCancel", batch=pb.BatchCancelRequest, item=release),
        AttemptAction.REFUND: Order(method="BatchRefund", batch=pb.BatchRefundRequest, item=give_back),
    }
