"""The PaymentService: messages to commands and back."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import cache, partial
from typing import Any

from paykit.base.call import current_call
from paykit.channels.attempts import RecordEvidence
from paykit.errors import DomainError
from paykit.merchants.standing import NOT_TOLD_YET
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import batching, waiting
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paykit.serve.server import Servicer
from paykit.serve.streaming import in_chunks
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment.commands import evidence
from services.payment.commands import payments as commands
from services.payment.domain import capture
from services.payment.domain import payment as domain
from services.payment.domain.attempt import Attempt
from services.payment.domain.order import OrderUnknown
from services.payment.domain.refund import Refund, RefundNotFound
from services.payment.jobs import attempts as jobs
from services.payment.messages import captures as capture_messages
from services.payment.messages import payments as messages
from services.payment.rpc.captures import CaptureMethods
from services.payment.rpc.disputes import DisputeMethods
from services.payment.rpc.overdue import OverdueMethods
from services.payment.store import captures as capture_store
from services.payment.store import payments as store
from services.payment.store import refunds as refund_store
from services.payment.store.attempts import ATTEMPTS, SHOWN_MAX

_MISSING = (*NOT_TOLD_YET, OrderUnknown)
"""A payment for something that payment has not heard of waits a moment."""

STREAM_ITEMS_MAX = 256
"""Payments of a stream in one transaction, and as many again that are read ahead: then the caller is held up."""

_Result = pb.BatchCreatePaymentsResponse.Result

_CREATE = Operation(
    name="CreatePayment",
    command=commands.create_payments,
    reply=lambda payment: pb.CreatePaymentResponse(payment=messages.to_payment(payment)),
    reply_type=pb.CreatePaymentResponse,
)
# The same operation with the item of a batch response as its reply. Both replies hold the payment in field 1, so each
# reads what the other stored, and a request id means the same whichever way it comes.
_CREATE_IN_BATCH = Operation(
    name=_CREATE.name,
    command=commands.create_payments,
    reply=lambda payment: _Result(payment=messages.to_payment(payment)),
    reply_type=_Result,
)
_CREATE_REFUND = Operation(
    name="CreateRefund",
    command=commands.create_refunds,
    reply=lambda refund: pb.CreateRefundResponse(refund=messages.to_refund(refund)),
    reply_type=pb.CreateRefundResponse,
)


class PaymentServicer(CaptureMethods, DisputeMethods, OverdueMethods, payment_pb2_grpc.PaymentServiceServicer):
    """Serves paystream.payment.v1.PaymentService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreatePayment(self, request: pb.CreatePaymentRequest, _context: Any) -> pb.CreatePaymentResponse:
        """Accept a payment, once per request_id."""
        item = self._reader()(request)
        response = await waiting.until_known(_MISSING, lambda: self._runtime.call(_CREATE, request, item))
        jobs.wake_submission(self._runtime)
        return response

    async def BatchCreatePayments(
        self, request: pb.BatchCreatePaymentsRequest, _context: Any
    ) -> pb.BatchCreatePaymentsResponse:
        """Accept payments, each for itself."""
        results = await self._create_all(request.requests, path=batching.in_batch)
        return pb.BatchCreatePaymentsResponse(results=batching.to_results(_Result, results))

    async def StreamCreatePayments(
        self, request_iterator: AsyncIterator[pb.StreamCreatePaymentsRequest], _context: Any
    ) -> AsyncIterator[pb.StreamCreatePaymentsResponse]:
        """Accept payments as they come, each for itself; those that wait go together."""
        position = 0
        async with aclosing(in_chunks(request_iterator, items_max=STREAM_ITEMS_MAX)) as chunks:
            async for chunk in chunks:
                requests = [each.request for each in chunk]
                results = await self._create_all(requests, path=lambda _: "request")
                for request, result in zip(requests, results, strict=True):
                    yield messages.to_streamed(request.request_id, position, result)
                    position += 1

    async def GetPayment(self, request: pb.GetPaymentRequest, _context: Any) -> pb.GetPaymentResponse:
        """Read a payment with its captures and attempts."""
        return await self._runtime.read(lambda tx: _payment_in_full(tx, request.payment_id))

    async def ListPayments(self, request: pb.ListPaymentsRequest, _context: Any) -> pb.ListPaymentsResponse:
        """Read a page of payments."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.list_payments,
            wanted=messages.from_list_payments(request),
            key=lambda payment: (payment.create_time, payment.payment_id),
        )
        return pb.ListPaymentsResponse(payments=map(messages.to_payment, page), next_page_token=token)

    async def CreateRefund(self, request: pb.CreateRefundRequest, _context: Any) -> pb.CreateRefundResponse:
        """Accept a refund, once per request_id."""
        item = messages.from_create_refund(request, current_call().cause)
        response = await self._runtime.call(_CREATE_REFUND, request, item)
        jobs.wake_submission(self._runtime)
        return response

    async def GetRefund(self, request: pb.GetRefundRequest, _context: Any) -> pb.GetRefundResponse:
        """Read a refund."""
        refund = await self._runtime.read(lambda tx: _refund(tx, request.refund_id))
        return pb.GetRefundResponse(refund=messages.to_refund(refund))

    async def ListRefunds(self, request: pb.ListRefundsRequest, _context: Any) -> pb.ListRefundsResponse:
        """Read a page of refunds."""
        page, token = await newest_page(
            self._runtime,
            request,
            refund_store.list_refunds,
            wanted=messages.from_list_refunds(request),
            key=lambda refund: (refund.create_time, refund.refund_id),
        )
        return pb.ListRefundsResponse(refunds=map(messages.to_refund, page), next_page_token=token)

    async def ReportChannelResult(
        self, request: pb.ReportChannelResultRequest, _context: Any
    ) -> pb.ReportChannelResultResponse:
        """Take a channel's callback."""
        item = RecordEvidence(evidence=messages.from_report(request), cause=current_call().cause)
        response = await self._runtime.change(_report(self._runtime.settings.authorization_ttl_s), item)
        jobs.wake_submission(self._runtime)  # A contradiction queues a refund.
        return response

    async def _create_all(
        self, given: Sequence[pb.CreatePaymentRequest], *, path: Callable[[int], str]
    ) -> list[_Result | DomainError]:
        """Accept payments in one transaction, each for itself; `path` says where one stands, for errors."""
        requests = list(given)
        items = batching.read_items(requests, self._reader(), path=path)
        results = await waiting.until_all_known(
            _MISSING,
            lambda at: self._runtime.call_batch(_CREATE_IN_BATCH, [requests[i] for i in at], [items[i] for i in at]),
            count=len(items),
        )
        jobs.wake_submission(self._runtime)
        return results

    def _reader(self) -> Callable[[pb.CreatePaymentRequest], commands.CreatePayment]:
        """Give what reads the payments of this call."""
        cause, routes = current_call().cause, self._runtime.settings.payment_channels
        return lambda request: messages.from_create_payment(request, cause, routes)


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Give what the payment service serves."""
    return [
        Servicer(
            full_name="paystream.payment.v1.PaymentService",
            add=payment_pb2_grpc.add_PaymentServiceServicer_to_server,
            implementation=PaymentServicer(runtime),
        )
    ]


@cache
def _report(authorization_ttl_s: int) -> Operation[RecordEvidence, Attempt, pb.ReportChannelResultResponse]:
    authorization_ttl = timedelta(seconds=authorization_ttl_s)
    return Operation(
        name="ReportChannelResult",
        command=partial(evidence.record_evidence, authorization_ttl=authorization_ttl),
        reply=lambda attempt: pb.ReportChannelResultResponse(attempt=messages.to_attempt(attempt)),
        reply_type=pb.ReportChannelResultResponse,
    )


async def _payment_in_full(tx: Tx, payment_id: str) -> pb.GetPaymentResponse:
    payment = await store.get_payment(tx, payment_id)
    if payment is None:
        raise domain.not_found(payment_id)
    attempts = await ATTEMPTS.of(tx, payment_id, limit=SHOWN_MAX)
    captures = await capture_store.captures_of_payment(tx, payment_id)
    return pb.GetPaymentResponse(
        payment=messages.to_payment(payment),
        attempts=map(messages.to_attempt, attempts),
        captures=map(capture_messages.to_capture, captures or capture.of_charge(payment, attempts)),
    )


async def _refund(tx: Tx, refund_id: str) -> Refund:
    refund = await refund_store.get_refund(tx, refund_id)
    if refund is None:
        raise RefundNotFound("No refund has this id.", field="refund_id", refund_id=refund_id)
    return refund
