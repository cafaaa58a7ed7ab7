"""The calls of accounting: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.accounting.v1 import accounting_pb2_grpc
from services.accounting.rpc.accounting import AccountingServicer
from services.accounting.rpc.operations import AccountingOperationsServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the accounting service serves."""
    return [
        Servicer(
            full_name="paystream.accounting.v1.AccountingService",
            add=accounting_pb2_grpc.add_AccountingServiceServicer_to_server,
            implementation=AccountingServicer(runtime),
        ),
        Servicer(
            full_name="paystream.accounting.v1.AccountingOperationsService",
            add=accounting_pb2_grpc.add_AccountingOperationsServiceServicer_to_server,
            implementation=AccountingOperationsServicer(runtime),
        ),
    ]
