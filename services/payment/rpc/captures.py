"""The methods of the PaymentService about captures and voids."""

from typing import Any

from paykit.base.call import current_call
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.commands import captures as capture_commands
from services.payment.jobs import attempts as jobs
from services.payment.messages import captures as capture_messages

_CAPTURE = Operation(
    name="CapturePayment",
    command=capture_commands.capture_payments,
    reply=capture_messages.to_capture_payment_response,
    reply_type=pb.CapturePaymentResponse,
)
_CANCEL = Operation(
    name="CancelPayment",
    command=capture_commands.cancel_payments,
    reply=capture_messages.to_cancel_payment_response,
    reply_type=pb.CancelPaymentResponse,
)


class CaptureMethods:
    """Serves captures and voids of paystream.payment.v1.PaymentService; the contract stands in its proto."""

    _runtime: Runtime

    async def CapturePayment(self, request: pb.CapturePaymentRequest, _context: Any) -> pb.CapturePaymentResponse:
        """Accept a capture, once per request_id."""
        item = capture_messages.from_capture_payment(request, current_call().cause)
        response = await self._runtime.call(_CAPTURE, request, item)
        jobs.wake_submission(self._runtime)
        return response

    async def CancelPayment(self, request: pb.CancelPaymentRequest, _context: Any) -> pb.CancelPaymentResponse:
        """Give a payment up, once per request_id."""
        item = capture_messages.from_cancel_payment(request, current_call().cause)
        response = await self._runtime.call(_CANCEL, request, item)
        jobs.wake_submission(self._runtime)
        return response
