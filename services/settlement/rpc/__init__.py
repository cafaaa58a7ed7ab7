"""The calls of settlement: messages to commands and back."""

from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.settlement.v1 import settlement_pb2_grpc
from services.settlement.rpc.operations import SettlementOperationsServicer
from services.settlement.rpc.settlement import SettlementServicer


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the settlement service serves."""
    return [
        Servicer(
            full_name="paystream.settlement.v1.SettlementService",
            add=settlement_pb2_grpc.add_SettlementServiceServicer_to_server,
            implementation=SettlementServicer(runtime),
        ),
        Servicer(
            full_name="paystream.settlement.v1.SettlementOperationsService",
            add=settlement_pb2_grpc.add_SettlementOperationsServiceServicer_to_server,
            implementation=SettlementOperationsServicer(runtime),
        ),
    ]
