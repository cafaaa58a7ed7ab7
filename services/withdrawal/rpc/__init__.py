"""The calls of withdrawal: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.withdrawal.v1 import withdrawal_pb2_grpc
from services.withdrawal.rpc.callback import WithdrawalCallbackServicer
from services.withdrawal.rpc.operations import WithdrawalOperationsServicer
from services.withdrawal.rpc.withdrawal import WithdrawalServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the withdrawal service serves."""
    return [
        Servicer(
            full_name="paystream.withdrawal.v1.WithdrawalService",
            add=withdrawal_pb2_grpc.add_WithdrawalServiceServicer_to_server,
            implementation=WithdrawalServicer(runtime),
        ),
        Servicer(
            full_name="paystream.withdrawal.v1.ChannelCallbackService",
            add=withdrawal_pb2_grpc.add_ChannelCallbackServiceServicer_to_server,
            implementation=WithdrawalCallbackServicer(runtime),
        ),
        Servicer(
            full_name="paystream.withdrawal.v1.WithdrawalOperationsService",
            add=withdrawal_pb2_grpc.add_WithdrawalOperationsServiceServicer_to_server,
            implementation=WithdrawalOperationsServicer(runtime),
        ),
    ]
