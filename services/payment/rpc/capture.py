"""The methods of the PaymentService about captures and voids."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from paykit.base.call import current_call
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.operations import Operation
from paykit.serve.outcomes.awaiting import Awaited, Outcomes, shown
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, messages, store
from services.payment.domain.movement import OPEN

_CAPTURE = Operation(
    name="CapturePayment",
    command=commands.capture.capture_payments,
    reply=messages.capture.to_capture_payment_response,
    reply_type=pb.CapturePaymentResponse,
    creates=Creates(table=store.captures, read=commands.capture.captured_payments),
    at_once=True,
    wakes=commands.SUBMISSION_JOBS,
)
_CANCEL = Operation(
    name="CancelPayment",
    command=commands.capture.cancel_payments,
    reply=messages.capture.to_cancel_payment_response,
    reply_type=pb.CancelPaymentResponse,
    wakes=commands.SUBMISSION_JOBS,
)
_CAPTURED = Awaited(
    read=commands.capture.captured_payments,
    concluded=lambda captured: captured.capture.state not in OPEN,
    show=shown(messages.capture.to_capture_payment_response),
)


class CaptureMethods:
    """Serves captures and voids of paystream.payment.v1.PaymentService; the contract stands in its proto."""

    _runtime: Runtime
    _outcomes: Outcomes

    async def CapturePayment(self, request: pb.CapturePaymentRequest, _context: Any) -> pb.CapturePaymentResponse:
        """Accept a capture, once per request_id."""
        ttl = timedelta(seconds=self._runtime.settings.unsent_ttl_s)
        item = messages.capture.from_capture_payment(request, current_call().cause, unsent_ttl=ttl)
        if not request.HasField("wait_for"):
            return await self._runtime.call(_CAPTURE, request, item)
        capture_id = new_id("cap", of=request.payment_id)
        return await self._outcomes.after(
            lambda: self._runtime.call(_CAPTURE, request, replace(item, capture_id=capture_id)),
            request,
            _CAPTURED,
            key=capture_id,
            key_of=lambda reply: reply.capture.capture_id,
        )

    async def CancelPayment(self, request: pb.CancelPaymentRequest, _context: Any) -> pb.CancelPaymentResponse:
        """Return a payment up, once per request_id."""
        item = messages.capture.from_cancel_payment(request, current_call().cause)
        return await self._runtime.call(_CANCEL, request, item)
