"""The calls of payment: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.payment.v1 import payment_pb2_grpc
from services.payment.rpc.callback import PaymentCallbackServicer
from services.payment.rpc.operations import PaymentOperationsServicer
from services.payment.rpc.payment import PaymentServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the payment service serves."""
    payments = PaymentServicer(runtime)
    return [
        Servicer(
            full_name="paystream.payment.v1.PaymentService",
            add=payment_pb2_grpc.add_PaymentServiceServicer_to_server,
            implementation=payments,
            end_streams=payments.watches.stop,
        ),
        Servicer(
            full_name="paystream.payment.v1.ChannelCallbackService",
            add=payment_pb2_grpc.add_ChannelCallbackServiceServicer_to_server,
            implementation=PaymentCallbackServicer(runtime),
        ),
        Servicer(
            full_name="paystream.payment.v1.PaymentOperationsService",
            add=payment_pb2_grpc.add_PaymentOperationsServiceServicer_to_server,
            implementation=PaymentOperationsServicer(runtime),
        ),
    ]
