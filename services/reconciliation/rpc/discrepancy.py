"""The methods of the ReconciliationOperationsService that read discrepancies."""

from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.reconciliation import domain, messages, store


class DiscrepancyMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def GetDiscrepancy(self, request: pb.GetDiscrepancyRequest, _context: Any) -> pb.GetDiscrepancyResponse:
        """Read a discrepancy."""
        found = await self._runtime.read(lambda tx: store.discrepancies.get(tx, request.discrepancy_id))
        if found is None:
            raise domain.discrepancy.not_found(request.discrepancy_id)
        return pb.GetDiscrepancyResponse(discrepancy=messages.discrepancy.to_discrepancy(found))

    async def ListDiscrepancies(
        self, request: pb.ListDiscrepanciesRequest, _context: Any
    ) -> pb.ListDiscrepanciesResponse:
        """Read a page of discrepancies."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.discrepancies.list,
            wanted=messages.discrepancy.from_list(request),
            key=lambda found: (found.create_time, found.discrepancy_id),
            show=messages.discrepancy.to_discrepancy,
        )
        return pb.ListDiscrepanciesResponse(discrepancies=page, next_page_token=token)
