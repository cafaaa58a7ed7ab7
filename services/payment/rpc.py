"""The PaymentService: messages to commands and back."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from paykit import paging
from paykit.cause import Cause
from paykit.errors import DomainError, FieldInvalid, PageTokenInvalid
from paykit.runtime.call import current_call
from paykit.runtime.db import Tx
from paykit.runtime.grpc_server import Servicer
from paykit.runtime.operations import BATCH_ITEMS_MAX, Operation
from paykit.runtime.runtime import Runtime
from paykit.runtime.status import to_status
from paykit.runtime.validation import validate_message
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment import attempt_store, commands, jobs, messages, refund_store, store
from services.payment.attempt import Attempt
from services.payment.commands import CreatePayment
from services.payment.domain import Payment, PaymentNotFound
from services.payment.evidence import RecordEvidence
from services.payment.merchant import MerchantUnknown
from services.payment.refund import Refund, RefundNotFound

MERCHANT_WAIT_S = 2.0
"""How long a merchant that is not known yet is waited for."""
MERCHANT_PAUSE_FIRST_S = 0.02
MERCHANT_PAUSE_MAX_S = 0.2
DEADLINE_MARGIN_S = 0.1
"""Left of a call's time when waiting ends, so that the refusal still reaches the caller."""

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


class PaymentServicer(payment_pb2_grpc.PaymentServiceServicer):
    """Serves paystream.payment.v1.PaymentService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def CreatePayment(self, request: pb.CreatePaymentRequest, _context: Any) -> pb.CreatePaymentResponse:
        """Accept a payment, once per request_id."""
        item = messages.from_create_payment(request, current_call().cause)
        pauses = _Pauses()
        while True:
            try:
                response = await self._runtime.call(_CREATE, request, item)
            except MerchantUnknown:
                if not await pauses.next():
                    raise
            else:
                jobs.wake_submission(self._runtime)
                return response

    async def BatchCreatePayments(
        self, request: pb.BatchCreatePaymentsRequest, _context: Any
    ) -> pb.BatchCreatePaymentsResponse:
        """Accept payments, each for itself."""
        requests = list(request.requests)
        if not 1 <= len(requests) <= BATCH_ITEMS_MAX:
            raise FieldInvalid(f"requests must hold 1 to {BATCH_ITEMS_MAX} items.", field="requests")
        cause = current_call().cause
        items = [_batch_item(each, index, cause) for index, each in enumerate(requests)]
        results = await self._runtime.call_batch(_CREATE_IN_BATCH, requests, items)
        pauses = _Pauses()
        while (unknown := _positions_of_unknown(results)) and await pauses.next():
            again = await self._runtime.call_batch(
                _CREATE_IN_BATCH, [requests[i] for i in unknown], [items[i] for i in unknown]
            )
            for i, result in zip(unknown, again, strict=True):
                results[i] = result
        jobs.wake_submission(self._runtime)
        return pb.BatchCreatePaymentsResponse(results=map(_batch_result, range(len(results)), results))

    async def GetPayment(self, request: pb.GetPaymentRequest, _context: Any) -> pb.GetPaymentResponse:
        """Read a payment with its attempts."""
        payment, attempts = await self._runtime.read(lambda tx: _payment_with_attempts(tx, request.payment_id))
        return pb.GetPaymentResponse(payment=messages.to_payment(payment), attempts=map(messages.to_attempt, attempts))

    async def ListPayments(self, request: pb.ListPaymentsRequest, _context: Any) -> pb.ListPaymentsResponse:
        """Read a page of a merchant's payments."""
        wanted = messages.from_list_payments(request)
        scope, size = ("ListPayments", wanted), paging.page_size(request.page_size)
        after = _after(request.page_token, scope)
        found = await self._runtime.read(lambda tx: store.list_payments(tx, wanted, after=after, limit=size + 1))
        page = found[:size]
        token = _token(page[-1].create_time, page[-1].payment_id, scope) if len(found) > size else ""
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
        wanted = messages.from_list_refunds(request)
        scope, size = ("ListRefunds", wanted), paging.page_size(request.page_size)
        after = _after(request.page_token, scope)
        found = await self._runtime.read(lambda tx: refund_store.list_refunds(tx, wanted, after=after, limit=size + 1))
        page = found[:size]
        token = _token(page[-1].create_time, page[-1].refund_id, scope) if len(found) > size else ""
        return pb.ListRefundsResponse(refunds=map(messages.to_refund, page), next_page_token=token)

    async def ReportChannelResult(
        self, request: pb.ReportChannelResultRequest, _context: Any
    ) -> pb.ReportChannelResultResponse:
        """Take a channel's callback."""
        item = RecordEvidence(evidence=messages.from_report(request), cause=current_call().cause)
        response = await self._runtime.change(jobs.RECORD_EVIDENCE, item)
        jobs.wake_submission(self._runtime)  # A contradiction queues a refund.
        return response


def servicers(runtime: Runtime) -> Sequence[Servicer]:
    """Give what the payment service serves."""
    return [
        Servicer(
            full_name="paystream.payment.v1.PaymentService",
            add=payment_pb2_grpc.add_PaymentServiceServicer_to_server,
            implementation=PaymentServicer(runtime),
        )
    ]


class _Pauses:
    """The pauses of a call that waits for a merchant: short ones first, and never past the call's deadline."""

    def __init__(self) -> None:
        remaining_s = current_call().time_remaining()
        waitable_s = MERCHANT_WAIT_S if remaining_s is None else min(MERCHANT_WAIT_S, remaining_s - DEADLINE_MARGIN_S)
        self._until = time.monotonic() + waitable_s
        self._pause_s = MERCHANT_PAUSE_FIRST_S

    async def next(self) -> bool:
        """Pause; False when the time is over."""
        if time.monotonic() + self._pause_s > self._until:
            return False
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, MERCHANT_PAUSE_MAX_S)
        return True


def _batch_item(request: pb.CreatePaymentRequest, index: int, cause: Cause) -> CreatePayment | DomainError:
    refusal = validate_message(request)
    if refusal is None:
        return messages.from_create_payment(request, cause)
    return validate_message(request, f"requests[{index}]") or refusal


def _batch_result(index: int, result: _Result | DomainError) -> _Result:
    if isinstance(result, DomainError):
        return _Result(error=to_status(result, item_path=f"requests[{index}]"))
    return result


def _positions_of_unknown(results: Sequence[Any]) -> list[int]:
    return [i for i, result in enumerate(results) if isinstance(result, MerchantUnknown)]


async def _payment_with_attempts(tx: Tx, payment_id: str) -> tuple[Payment, list[Attempt]]:
    payment = await store.get_payment(tx, payment_id)
    if payment is None:
        raise PaymentNotFound("No payment has this id.", field="payment_id", payment_id=payment_id)
    return payment, await attempt_store.attempts_of_payment(tx, payment_id)


async def _refund(tx: Tx, refund_id: str) -> Refund:
    refund = await refund_store.get_refund(tx, refund_id)
    if refund is None:
        raise RefundNotFound("No refund has this id.", field="refund_id", refund_id=refund_id)
    return refund


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _after(page_token: str, scope: tuple[object, ...]) -> tuple[datetime, str] | None:
    """Give the create_time and id that a page starts after."""
    key = paging.decode_page_token(page_token, scope, kinds=(int, str))
    try:
        return (_EPOCH + int(key[0]) * _MICROSECOND, str(key[1])) if key else None
    except OverflowError as error:
        raise PageTokenInvalid("page_token is malformed.", field="page_token") from error


def _token(create_time: datetime, resource_id: str, scope: tuple[object, ...]) -> str:
    return paging.encode_page_token([(create_time - _EPOCH) // _MICROSECOND, resource_id], scope)
