"""The ChannelService: messages to instructions and back, with the latency and the silences of a real acquirer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from paykit.base.call import current_call
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import batching
from paykit.serve.operations import Operation
from paykit.serve.status import to_status
from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import channel_pb2_grpc
from services.channel import commands, messages, store
from services.channel.domain.behaviour import GLOBAL
from services.channel.domain.instruction import ChannelTimeout, Instruction
from services.channel.domain.transaction import ChannelTransaction
from services.channel.rpc.latency import Latency

SILENCE_S_MAX = 60.0
"""How long a call that is never answered is kept, however far its deadline is."""

Request = TypeVar("Request", bound=Message)
Reply = TypeVar("Reply", bound=Message)


def _operation(name: str, reply_type: type[Reply]) -> Operation[commands.Submit, ChannelTransaction, Reply]:
    return Operation(
        name=name,
        command=commands.submit_instructions,
        reply=lambda transaction: reply_type(transaction=messages.to_transaction(transaction)),
        reply_type=reply_type,
    )


_AUTHORIZE = _operation("Authorize", pb.AuthorizeResponse)
_CAPTURE = _operation("Capture", pb.CaptureResponse)
_CANCEL = _operation("Cancel", pb.CancelResponse)
_REFUND = _operation("Refund", pb.RefundResponse)
_PAY = _operation("Pay", pb.PayResponse)
_RESPOND_TO_DISPUTE = Operation(
    name="RespondToDispute",
    command=commands.respond_to_disputes,
    reply=lambda answered: pb.RespondToDisputeResponse(dispute=messages.to_dispute(answered)),
    reply_type=pb.RespondToDisputeResponse,
)


class ChannelServicer(channel_pb2_grpc.ChannelServiceServicer):
    """Serves paystream.channel.v1.ChannelService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime, latency: Latency) -> None:
        self._runtime = runtime
        self._latency = latency

    async def Authorize(self, request: pb.AuthorizeRequest, _context: Any) -> pb.AuthorizeResponse:
        """Authorize one."""
        return await self._one(_AUTHORIZE, messages.from_authorize(request))

    async def BatchAuthorize(self, request: pb.BatchAuthorizeRequest, _context: Any) -> pb.BatchAuthorizeResponse:
        """Authorize many."""
        results = await self._many(_AUTHORIZE, request.requests, messages.from_authorize)
        return pb.BatchAuthorizeResponse(results=results)

    async def Capture(self, request: pb.CaptureRequest, _context: Any) -> pb.CaptureResponse:
        """Capture one."""
        return await self._one(_CAPTURE, messages.from_capture(request))

    async def BatchCapture(self, request: pb.BatchCaptureRequest, _context: Any) -> pb.BatchCaptureResponse:
        """Capture many."""
        return pb.BatchCaptureResponse(results=await self._many(_CAPTURE, request.requests, messages.from_capture))

    async def Cancel(self, request: pb.CancelRequest, _context: Any) -> pb.CancelResponse:
        """Cancel one."""
        return await self._one(_CANCEL, messages.from_cancel(request))

    async def BatchCancel(self, request: pb.BatchCancelRequest, _context: Any) -> pb.BatchCancelResponse:
        """Cancel many."""
        return pb.BatchCancelResponse(results=await self._many(_CANCEL, request.requests, messages.from_cancel))

    async def Refund(self, request: pb.RefundRequest, _context: Any) -> pb.RefundResponse:
        """Refund one."""
        return await self._one(_REFUND, messages.from_refund(request))

    async def BatchRefund(self, request: pb.BatchRefundRequest, _context: Any) -> pb.BatchRefundResponse:
        """Refund many."""
        return pb.BatchRefundResponse(results=await self._many(_REFUND, request.requests, messages.from_refund))

    async def Pay(self, request: pb.PayRequest, _context: Any) -> pb.PayResponse:
        """Pay one out."""
        return await self._one(_PAY, messages.from_pay(request))

    async def BatchPay(self, request: pb.BatchPayRequest, _context: Any) -> pb.BatchPayResponse:
        """Pay many out."""
        return pb.BatchPayResponse(results=await self._many(_PAY, request.requests, messages.from_pay))

    async def Inquire(self, request: pb.InquireRequest, _context: Any) -> pb.InquireResponse:
        """Say what became of an attempt."""
        return (await self._inquire([request]))[0]

    async def BatchInquire(self, request: pb.BatchInquireRequest, _context: Any) -> pb.BatchInquireResponse:
        """Say what became of many attempts."""
        return pb.BatchInquireResponse(responses=await self._inquire(request.requests))

    async def RespondToDispute(self, request: pb.RespondToDisputeRequest, _context: Any) -> pb.RespondToDisputeResponse:
        """Take a merchant's answer to a dispute."""
        item = messages.from_respond_to_dispute(request)
        return await self._runtime.change(_RESPOND_TO_DISPUTE, item)

    async def _one(
        self, operation: Operation[commands.Submit, ChannelTransaction, Reply], instruction: Instruction
    ) -> Reply:
        """Carry out one instruction; an answer that does not come is a call that ends with its deadline."""
        try:
            reply: Any = await self._runtime.change(operation, _submit(instruction))
        except ChannelTimeout:
            remaining_s = current_call().time_remaining()
            await asyncio.sleep(SILENCE_S_MAX if remaining_s is None else min(remaining_s, SILENCE_S_MAX))
            raise
        await self._latency.pass_by([reply.transaction.merchant_id])
        return reply  # type: ignore[no-any-return]

    async def _many(
        self,
        operation: Operation[commands.Submit, ChannelTransaction, Reply],
        requests: Sequence[Request],
        read: Callable[[Request], Instruction],
    ) -> list[pb.TransactionResult]:
        items = batching.read_items(requests, lambda request: _submit(read(request)))
        replies: list[Any] = await self._runtime.change_batch(operation, items)
        results = [_result(reply, batching.in_batch(i)) for i, reply in enumerate(replies)]
        await self._latency.pass_by(result.transaction.merchant_id for result in results)
        return results

    async def _inquire(self, requests: Sequence[pb.InquireRequest]) -> list[pb.InquireResponse]:
        attempt_ids = [request.attempt_id for request in requests]
        recorded, finality_seconds = await self._runtime.read(lambda tx: _look_up(tx, attempt_ids))
        await self._latency.pass_by(transaction.merchant_id or "" for transaction in recorded.values())
        return [messages.to_inquiry(recorded.get(attempt_id), finality_seconds) for attempt_id in attempt_ids]


def _submit(instruction: Instruction) -> commands.Submit:
    return commands.Submit(instruction=instruction, cause=current_call().cause)


def _result(reply: Any, item_path: str) -> pb.TransactionResult:
    if isinstance(reply, DomainError):
        return pb.TransactionResult(error=to_status(reply, item_path=item_path))
    return pb.TransactionResult(transaction=reply.transaction)


async def _look_up(tx: Tx, attempt_ids: Sequence[str]) -> tuple[dict[str, ChannelTransaction], int]:
    """Read the attempts on record and the declared finality; of an unknown attempt no merchant is known."""
    recorded = await store.transactions.by_key(tx, set(attempt_ids))
    return recorded, (await store.behaviours_of(tx, [])).of(GLOBAL).finality_seconds
