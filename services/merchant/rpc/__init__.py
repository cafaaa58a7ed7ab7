"""The calls of merchant: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.merchant.v1 import merchant_pb2_grpc
from services.merchant.rpc.merchant import MerchantServicer
from services.merchant.rpc.operations import MerchantOperationsServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the merchant service serves."""
    return [
        Servicer(
            full_name="paystream.merchant.v1.MerchantService",
            add=merchant_pb2_grpc.add_MerchantServiceServicer_to_server,
            implementation=MerchantServicer(runtime),
        ),
        Servicer(
            full_name="paystream.merchant.v1.MerchantOperationsService",
            add=merchant_pb2_grpc.add_MerchantOperationsServiceServicer_to_server,
            implementation=MerchantOperationsServicer(runtime),
        ),
    ]
