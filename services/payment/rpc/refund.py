"""The methods of the PaymentService about refunds."""

from dataclasses import replace
from typing import Any

from paykit.base.call import current_call
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paykit.serve.outcomes.awaiting import Awaited, Outcomes, shown
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands, domain, messages, store
from services.payment.commands.refund_funds import CancelRefund
from services.payment.domain.movement import OPEN

_CREATE_REFUND = Operation(
    name="CreateRefund",
    command=commands.refund.create_refunds,
    reply=lambda refund: pb.CreateRefundResponse(refund=messages.refund.to_refund(refund)),
    reply_type=pb.CreateRefundResponse,
    creates=Creates(table=store.refunds, read=store.refunds.by_key),
    at_once=True,
    wakes=commands.SUBMISSION_JOBS,
)


_CANCEL_REFUND = Operation(
    name="CancelRefund",
    command=commands.refund_funds.cancel_refunds,
    reply=lambda refund: pb.CancelRefundResponse(refund=messages.refund.to_refund(refund)),
    reply_type=pb.CancelRefundResponse,
    wakes=(commands.refund_funds.RELEASING_JOB, *commands.SUBMISSION_JOBS),  # For an order that is closed it goes back.
)
_CREATED = Awaited(
    read=store.refunds.by_key, concluded=lambda refund: refund.state not in OPEN, show=shown(_CREATE_REFUND.reply)
)
_REFUND = Awaited(
    read=store.refunds.by_key,
    concluded=_CREATED.concluded,
    show=shown(lambda refund: pb.GetRefundResponse(refund=messages.refund.to_refund(refund))),
)


class RefundMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime
    _outcomes: Outcomes

    async def CreateRefund(self, request: pb.CreateRefundRequest, _context: Any) -> pb.CreateRefundResponse:
        """Accept a refund, once per request_id."""
        item = messages.refund.from_create_refund(request, current_call().cause)
        if not request.HasField("wait_for"):
            return await self._runtime.call(_CREATE_REFUND, request, item)
        refund_id = new_id("ref", of=request.payment_id)
        return await self._outcomes.after(
            lambda: self._runtime.call(_CREATE_REFUND, request, replace(item, refund_id=refund_id)),
            request,
            _CREATED,
            key=refund_id,
            key_of=lambda reply: reply.refund.refund_id,
        )

    async def CancelRefund(self, request: pb.CancelRefundRequest, _context: Any) -> pb.CancelRefundResponse:
        """Give a refund up that waits, once per request_id."""
        item = CancelRefund(refund_id=request.refund_id, reason=request.reason, cause=current_call().cause)
        return await self._runtime.call(_CANCEL_REFUND, request, item)

    async def GetRefund(self, request: pb.GetRefundRequest, _context: Any) -> pb.GetRefundResponse:
        """Read a refund."""
        return await self._outcomes.get(request, _REFUND, key=request.refund_id, missing=domain.refund.not_found)

    async def ListRefunds(self, request: pb.ListRefundsRequest, _context: Any) -> pb.ListRefundsResponse:
        """Read a page of refunds."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.refunds.list,
            wanted=messages.refund.from_list_refunds(request),
            key=lambda refund: (refund.create_time, refund.refund_id),
            show=messages.refund.to_refund,
        )
        return pb.ListRefundsResponse(refunds=page, next_page_token=token)
