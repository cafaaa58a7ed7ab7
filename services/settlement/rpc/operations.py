"""The SettlementOperationsService: messages to commands and back."""

from typing import Any

from paykit import paging
from paykit.base.call import current_call
from paykit.merchants.standing import MerchantUnknown
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.listing import cut, newest_page
from paykit.serve.operations import Operation
from paystream.settlement.v1 import settlement_pb2 as pb
from paystream.settlement.v1 import settlement_pb2_grpc
from services.settlement import commands, messages, store

_CREATE = Operation(
    name="CreateSettlement",
    command=commands.closing.create_settlements,
    reply=lambda settlement: pb.CreateSettlementResponse(settlement=messages.to_settlement(settlement)),
    reply_type=pb.CreateSettlementResponse,
    creates=Creates(table=store.settlements, read=store.settlements.by_key),
    waits_for=(MerchantUnknown,),
)
_EXTEND = Operation(
    name="ExtendReserve",
    command=commands.transferring.extend_reserves,
    reply=lambda settlement: pb.ExtendReserveResponse(settlement=messages.to_settlement(settlement)),
    reply_type=pb.ExtendReserveResponse,
)


class SettlementOperationsServicer(settlement_pb2_grpc.SettlementOperationsServiceServicer):
    """Serves paystream.settlement.v1.SettlementOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreateSettlement(self, request: pb.CreateSettlementRequest, _context: Any) -> pb.CreateSettlementResponse:
        """Settle what is pending, once per request_id."""
        item = messages.from_create(request, current_call().cause)
        return await self._runtime.call(_CREATE, request, item)

    async def ExtendReserve(self, request: pb.ExtendReserveRequest, _context: Any) -> pb.ExtendReserveResponse:
        """Hold a reserve longer, once per request_id."""
        item = messages.from_extend(request, current_call().cause)
        return await self._runtime.call(_EXTEND, request, item)

    async def ListNegativeBalances(
        self, request: pb.ListNegativeBalancesRequest, _context: Any
    ) -> pb.ListNegativeBalancesResponse:
        """Read a page of negative balances of all merchants."""
        scope = ("ListNegativeBalances", request.currency_code)
        size = paging.page_size(request.page_size)
        token = paging.decode_page_token(request.page_token, scope, kinds=(str, str))
        after = (str(token[0]), str(token[1])) if token else None
        found = await self._runtime.read(
            lambda tx: store.negative_balances(tx, request.currency_code, after=after, limit=size + 1)
        )
        page = cut(found, size=size, show=messages.to_negative, bytes_max=self._runtime.reply_bytes_max)
        key = (page[-1].merchant_id, page[-1].currency_code) if len(page) < len(found) else None
        return pb.ListNegativeBalancesResponse(
            balances=page, next_page_token=paging.encode_page_token(key, scope) if key else ""
        )

    async def ListSettlementsByState(
        self, request: pb.ListSettlementsByStateRequest, _context: Any
    ) -> pb.ListSettlementsByStateResponse:
        """Read a page of the settlements in a state."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.settlements.list_in_state,
            wanted=messages.from_list(request),
            key=lambda settlement: (settlement.create_time, settlement.settlement_id),
            show=messages.to_settlement,
        )
        return pb.ListSettlementsByStateResponse(settlements=page, next_page_token=token)
