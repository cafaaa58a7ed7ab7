"""The PaymentOperationsService, made of its parts."""

from paykit.process.runtime import Runtime
from paystream.payment.v1 import payment_pb2_grpc
from services.payment.rpc.attempt import AttemptMethods
from services.payment.rpc.contradiction import ContradictionMethods


class PaymentOperationsServicer(
    AttemptMethods, ContradictionMethods, payment_pb2_grpc.PaymentOperationsServiceServicer
):
    """Serves paystream.payment.v1.PaymentOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
