"""The MerchantOperationsService: messages to commands and back."""

from typing import Any

from paykit.base.call import current_call
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.listing import batch_get, newest_page
from paykit.serve.operations import Operation
from paystream.merchant.v1 import merchant_pb2 as pb
from paystream.merchant.v1 import merchant_pb2_grpc
from services.merchant import commands, messages, store

_CREATE = Operation(
    name="CreateMerchant",
    command=commands.create_merchants,
    reply=lambda merchant: pb.CreateMerchantResponse(merchant=messages.to_merchant(merchant)),
    reply_type=pb.CreateMerchantResponse,
    creates=Creates(table=store.merchants, read=store.merchants.by_key),
)
_UPDATE = Operation(
    name="UpdateMerchant",
    command=commands.update_merchants,
    reply=lambda merchant: pb.UpdateMerchantResponse(merchant=messages.to_merchant(merchant)),
    reply_type=pb.UpdateMerchantResponse,
)
_ACTIVATE = Operation(
    name="ActivateMerchant",
    command=commands.activate_merchants,
    reply=lambda merchant: pb.ActivateMerchantResponse(merchant=messages.to_merchant(merchant)),
    reply_type=pb.ActivateMerchantResponse,
)
_SUSPEND = Operation(
    name="SuspendMerchant",
    command=commands.suspend_merchants,
    reply=lambda merchant: pb.SuspendMerchantResponse(merchant=messages.to_merchant(merchant)),
    reply_type=pb.SuspendMerchantResponse,
)
_RESTRICT = Operation(
    name="RestrictMerchant",
    command=commands.restrict_merchants,
    reply=lambda merchant: pb.RestrictMerchantResponse(merchant=messages.to_merchant(merchant)),
    reply_type=pb.RestrictMerchantResponse,
)


class MerchantOperationsServicer(merchant_pb2_grpc.MerchantOperationsServiceServicer):
    """Serves paystream.merchant.v1.MerchantOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreateMerchant(self, request: pb.CreateMerchantRequest, _context: Any) -> pb.CreateMerchantResponse:
        """Create a merchant, once per request_id."""
        item = commands.CreateMerchant(
            merchant_id=new_id("mer"),
            display_name=request.display_name,
            country_code=request.country_code or None,
            contact_email=request.contact_email,
            fee_terms=messages.from_fee_plan(request.fee_plan),
            refund_terms=messages.from_refund_terms(request),
            presentation=messages.from_presentation(request),
            settlement_policy=messages.from_policy(request),
            cause=current_call().cause,
        )
        return await self._runtime.call(_CREATE, request, item)

    async def ListMerchants(self, request: pb.ListMerchantsRequest, _context: Any) -> pb.ListMerchantsResponse:
        """Read a page of merchants."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.merchants.list,
            wanted=messages.from_list_merchants(request),
            key=lambda merchant: (merchant.create_time, merchant.merchant_id),
            show=messages.to_merchant,
        )
        return pb.ListMerchantsResponse(merchants=page, next_page_token=token)

    async def BatchGetMerchants(
        self, request: pb.BatchGetMerchantsRequest, _context: Any
    ) -> pb.BatchGetMerchantsResponse:
        """Read merchants by their ids."""
        merchants, missing = await batch_get(
            self._runtime,
            request.merchant_ids,
            store.merchants.by_key,
            show=messages.to_merchant,
            field="merchant_ids",
        )
        return pb.BatchGetMerchantsResponse(merchants=merchants, missing_merchant_ids=missing)

    async def UpdateMerchant(self, request: pb.UpdateMerchantRequest, _context: Any) -> pb.UpdateMerchantResponse:
        """Change the fields that the mask names."""
        item = commands.UpdateMerchant(
            merchant_id=request.merchant.merchant_id,
            profile=messages.from_update(request),
            etag=request.merchant.etag,
            cause=current_call().cause,
        )
        return await self._runtime.call(_UPDATE, request, item)

    async def ActivateMerchant(self, request: pb.ActivateMerchantRequest, _context: Any) -> pb.ActivateMerchantResponse:
        """Let a merchant take payments."""
        item = commands.ActivateMerchant(merchant_id=request.merchant_id, etag=request.etag, cause=current_call().cause)
        return await self._runtime.call(_ACTIVATE, request, item)

    async def SuspendMerchant(self, request: pb.SuspendMerchantRequest, _context: Any) -> pb.SuspendMerchantResponse:
        """Stop a merchant's new payments."""
        item = commands.SuspendMerchant(
            merchant_id=request.merchant_id, reason=request.reason, etag=request.etag, cause=current_call().cause
        )
        return await self._runtime.call(_SUSPEND, request, item)

    async def RestrictMerchant(self, request: pb.RestrictMerchantRequest, _context: Any) -> pb.RestrictMerchantResponse:
        """Stop parts of a merchant's business, or let them go on."""
        item = commands.RestrictMerchant(
            merchant_id=request.merchant_id,
            payout_hold=messages.from_optional_flag(request, "payout_hold"),
            frozen=messages.from_optional_flag(request, "frozen"),
            closing=messages.from_optional_flag(request, "closing"),
            reason=request.reason,
            etag=request.etag,
            cause=current_call().cause,
        )
        return await self._runtime.call(_RESTRICT, request, item)
