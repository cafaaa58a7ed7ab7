"""The MerchantService: messages to commands and back."""

from typing import Any

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.listing import page_by_key
from paystream.merchant.v1 import merchant_pb2 as pb
from paystream.merchant.v1 import merchant_pb2_grpc
from services.merchant import domain, messages, store
from services.merchant.domain.fee_plan import FeePlan
from services.merchant.domain.merchant import Merchant


class MerchantServicer(merchant_pb2_grpc.MerchantServiceServicer):
    """Serves paystream.merchant.v1.MerchantService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetMerchant(self, request: pb.GetMerchantRequest, _context: Any) -> pb.GetMerchantResponse:
        """Read a merchant."""
        merchant = await self._runtime.read(lambda tx: _merchant(tx, request.merchant_id))
        return pb.GetMerchantResponse(merchant=messages.to_merchant(merchant))

    async def ListFeePlans(self, request: pb.ListFeePlansRequest, _context: Any) -> pb.ListFeePlansResponse:
        """Read a page of a merchant's fee plans."""
        page, token = await page_by_key(
            self._runtime,
            request,
            _plans,
            wanted=request.merchant_id,
            key=lambda plan: plan.version,
            kind=int,
            show=messages.to_fee_plan,
        )
        return pb.ListFeePlansResponse(fee_plans=page, next_page_token=token)


async def _merchant(tx: Tx, merchant_id: str) -> Merchant:
    merchant = await store.merchants.get(tx, merchant_id)
    if merchant is None:
        raise domain.merchant.not_found(merchant_id)
    return merchant


async def _plans(tx: Tx, merchant_id: str, *, after: int | None, limit: int) -> list[FeePlan]:
    await _merchant(tx, merchant_id)
    return await store.fee_plans.list(tx, merchant_id, after=after, limit=limit)
