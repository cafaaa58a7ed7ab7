"""The PaymentService: messages to commands and back."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from paykit.base.call import current_call
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants.standing import NOT_TOLD_YET
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve import batching
from paykit.serve.idempotency import Creates
from paykit.serve.listing import batch_get, newest_page
from paykit.serve.operations import Operation
from paykit.serve.outcomes.awaiting import Awaited, Outcomes, shown
from paykit.serve.outcomes.watching import Watched, Watches
from paykit.serve.streaming import in_chunks
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment import commands, domain, messages, store
from services.payment.domain.order import OrderUnknown
from services.payment.domain.payment import Payment
from services.payment.rpc.capture import CaptureMethods
from services.payment.rpc.contact import ContactMethods
from services.payment.rpc.dispute import DisputeMethods
from services.payment.rpc.refund import RefundMethods

STREAM_ITEMS_MAX = 256
"""Payments of a stream in one transaction, and as many again that are read ahead: then the caller is held up."""

_Result = pb.BatchCreatePaymentsResponse.Result
_Reply = TypeVar("_Reply", pb.CreatePaymentResponse, pb.UpdatePaymentResponse, pb.BatchCreatePaymentsResponse.Result)


def _replying(reply_type: type[_Reply]) -> Callable[[Payment], _Reply]:
    """Return what makes a reply that holds a payment in a field of that name."""

    def reply(payment: Payment) -> _Reply:
        made = reply_type()
        messages.payment.write_payment(payment, made.payment)
        return made

    return reply


_CREATE = Operation(
    name="CreatePayment",
    command=commands.payment.create_payments,
    reply=_replying(pb.CreatePaymentResponse),
    reply_type=pb.CreatePaymentResponse,
    creates=Creates(table=store.payments, read=store.payments.by_key),
    at_once=True,
    waits_for=(*NOT_TOLD_YET, OrderUnknown),
    wakes=commands.SUBMISSION_JOBS,
)
# The same operation with the item of a batch response as its reply. Both replies hold the payment in field 1, so each
# reads what the other stored, and a request id means the same whichever way it comes.
_CREATE_IN_BATCH = Operation(
    name=_CREATE.name,
    command=_CREATE.command,
    reply=_replying(_Result),
    reply_type=_Result,
    creates=_CREATE.creates,
    at_once=_CREATE.at_once,
    waits_for=_CREATE.waits_for,
    wakes=_CREATE.wakes,
)


_UPDATE = Operation(
    name="UpdatePayment",
    command=commands.payment.update_payments,
    reply=_replying(pb.UpdatePaymentResponse),
    reply_type=pb.UpdatePaymentResponse,
)


class PaymentServicer(
    RefundMethods,
    CaptureMethods,
    DisputeMethods,
    ContactMethods,
    payment_pb2_grpc.PaymentServiceServicer,
):
    """Serves paystream.payment.v1.PaymentService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._outcomes = Outcomes(runtime)
        self.watches = Watches(runtime)

    async def CreatePayment(self, request: pb.CreatePaymentRequest, _context: Any) -> pb.CreatePaymentResponse:
        """Accept a payment, once per request_id."""
        item = self._reader()(request)
        if not request.HasField("wait_for"):
            return await self._runtime.call(_CREATE, request, item)
        payment_id = new_id("pay", of=request.merchant_id)
        return await self._outcomes.after(
            lambda: self._runtime.call(_CREATE, request, replace(item, payment_id=payment_id)),
            request,
            _CREATED,
            key=payment_id,
            key_of=lambda reply: reply.payment.payment_id,
        )

    async def BatchCreatePayments(
        self, request: pb.BatchCreatePaymentsRequest, _context: Any
    ) -> pb.BatchCreatePaymentsResponse:
        """Accept payments, each for itself."""
        results = await self._create_all(request.requests, path=batching.in_batch, one_reply=True)
        return pb.BatchCreatePaymentsResponse(results=batching.to_results(_Result, results))

    async def StreamCreatePayments(
        self, request_iterator: AsyncIterator[pb.StreamCreatePaymentsRequest], _context: Any
    ) -> AsyncIterator[pb.StreamCreatePaymentsResponse]:
        """Accept payments as they come, each for itself; those that wait go together."""
        position = 0
        async with aclosing(in_chunks(request_iterator, items_max=STREAM_ITEMS_MAX)) as chunks:
            async for chunk in chunks:
                requests = [message.request for message in chunk]
                results = await self._create_all(requests, path=lambda _: "request", one_reply=False)
                for request, result in zip(requests, results, strict=True):
                    yield messages.payment.to_streamed(request.request_id, position, result)
                    position += 1

    async def GetPayment(self, request: pb.GetPaymentRequest, _context: Any) -> pb.GetPaymentResponse:
        """Read a payment with its captures and attempts."""
        awaited = _PAST_ACTION if request.wait_past_action else _PAYMENT
        return await self._outcomes.get(request, awaited, key=request.payment_id, missing=domain.payment.not_found)

    async def BatchGetPayments(self, request: pb.BatchGetPaymentsRequest, _context: Any) -> pb.BatchGetPaymentsResponse:
        """Read payments by their ids."""
        payments, missing = await batch_get(
            self._runtime,
            request.payment_ids,
            store.payments.by_key,
            show=messages.payment.to_payment,
            field="payment_ids",
        )
        return pb.BatchGetPaymentsResponse(payments=payments, missing_payment_ids=missing)

    async def WatchPayment(
        self, request: pb.WatchPaymentRequest, _context: Any
    ) -> AsyncIterator[pb.WatchPaymentResponse]:
        """Tell a payment and each change of it."""
        async with aclosing(self.watches.watch(_WATCHED, key=request.payment_id)) as states:
            async for state in states:
                yield state

    async def UpdatePayment(self, request: pb.UpdatePaymentRequest, _context: Any) -> pb.UpdatePaymentResponse:
        """Change what a merchant attached to a payment, once per request_id."""
        return await self._runtime.call(_UPDATE, request, messages.payment.from_update_payment(request))

    async def ListPayments(self, request: pb.ListPaymentsRequest, _context: Any) -> pb.ListPaymentsResponse:
        """Read a page of payments."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.payments.list,
            wanted=messages.payment.from_list_payments(request),
            key=lambda payment: (payment.create_time, payment.payment_id),
            show=messages.payment.to_payment,
        )
        return pb.ListPaymentsResponse(payments=page, next_page_token=token)

    async def _create_all(
        self, requests: Sequence[pb.CreatePaymentRequest], *, path: Callable[[int], str], one_reply: bool
    ) -> list[_Result | DomainError]:
        """Accept payments in one transaction, each for itself; `path` says where one stands, for errors."""
        items = batching.read_items(requests, self._reader(), path=path)
        return await self._runtime.call_batch(_CREATE_IN_BATCH, requests, items, one_reply=one_reply)

    def _reader(self) -> Callable[[pb.CreatePaymentRequest], commands.payment.CreatePayment]:
        """Return what reads the payments of this call."""
        cause, settings = current_call().cause, self._runtime.settings
        routes, ttl = settings.payment_channels, timedelta(seconds=settings.unsent_ttl_s)
        return lambda request: messages.payment.from_create_payment(request, cause, routes, unsent_ttl=ttl)


async def _payment_in_full(tx: Tx, payment: Payment) -> pb.GetPaymentResponse:
    attempts = await store.attempts.of(tx, payment.payment_id, limit=store.ATTEMPTS_SHOWN_MAX)
    charged = domain.capture.of_charge(payment)
    if charged:
        captures = [domain.capture.timed(charged, attempts)]
    else:
        captures = await store.captures.of_payment(tx, payment.payment_id)
    return pb.GetPaymentResponse(
        payment=messages.payment.to_payment(payment),
        attempts=map(messages.attempt.to_attempt, attempts),
        captures=map(messages.capture.to_capture, captures),
    )


_CREATED = Awaited(read=store.payments.by_key, concluded=domain.authorization.is_concluded, show=shown(_CREATE.reply))
_PAYMENT = Awaited(read=store.payments.by_key, concluded=domain.authorization.is_concluded, show=_payment_in_full)
_PAST_ACTION = Awaited(read=store.payments.by_key, concluded=domain.authorization.has_outcome, show=_payment_in_full)
_WATCHED = Watched(
    read=store.payments.by_key,
    version=domain.authorization.etag,
    ended=domain.authorization.is_over,
    show=lambda payment: pb.WatchPaymentResponse(payment=messages.payment.to_payment(payment)),
    missing=domain.payment.not_found,
)
