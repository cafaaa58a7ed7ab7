"""The servicer of paystream.reconciliation.v1.ReconciliationOperationsService, made of its parts."""

import asyncio
from collections.abc import Sequence

from paykit.process.runtime import Runtime
from paykit.serve.server import Servicer
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from services.reconciliation.rpc.discrepancy import DiscrepancyMethods
from services.reconciliation.rpc.report import REPORTS_AT_ONCE, ReportMethods
from services.reconciliation.rpc.resolving import ResolvingMethods
from services.reconciliation.rpc.rule_set import RuleSetMethods
from services.reconciliation.rpc.statement import IMPORTS_AT_ONCE, StatementMethods


class ReconciliationServicer(
    DiscrepancyMethods,
    ReportMethods,
    ResolvingMethods,
    RuleSetMethods,
    StatementMethods,
    reconciliation_pb2_grpc.ReconciliationOperationsServiceServicer,
):
    """Serves statements, discrepancies, their ends, rule sets and reports; the contract stands in the proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._importing = asyncio.Semaphore(IMPORTS_AT_ONCE)
        self._reporting = asyncio.Semaphore(REPORTS_AT_ONCE)


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Return what the reconciliation service serves."""
    return [
        Servicer(
            full_name="paystream.reconciliation.v1.ReconciliationOperationsService",
            add=reconciliation_pb2_grpc.add_ReconciliationOperationsServiceServicer_to_server,
            implementation=ReconciliationServicer(runtime),
        )
    ]
