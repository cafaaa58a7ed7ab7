"""The simulated acquirer and bank, by paystream.channel.v1: one call for a batch of requests.

gRPC gives None in the place of a response whose bytes are no message.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import grpc
from google.rpc import code_pb2

from paykit.channels.actions.next_action_messages import from_next_action
from paykit.channels.attempts import Evidence, EvidenceOutcome, Source, not_found_is_final
from paykit.channels.channel import ANSWER_TIMEOUT_S, INQUIRE_TIMEOUT_S, SEND_TIMEOUT_S, Channel
from paykit.channels.registry import Adapter, AdapterSettings
from paykit.channels.requests import (
    AnswerOutcome,
    AuthorizationRequest,
    CaptureRequest,
    ChannelOperation,
    ChannelRequest,
    DisputeAnswer,
    Inquiry,
    PayoutRequest,
    RefundRequest,
    VoidRequest,
    response,
)
from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1 import money_pb2

READY_TIMEOUT_S = 1.0

_OUTCOMES = {
    pb.OUTCOME_APPROVED: EvidenceOutcome.SUCCEEDED,
    pb.OUTCOME_DECLINED: EvidenceOutcome.FAILED,
    pb.OUTCOME_PENDING: EvidenceOutcome.PENDING,
    pb.OUTCOME_ACTION_REQUIRED: EvidenceOutcome.ACTION_REQUIRED,
}
# The channel understood, and will never take it.
_REFUSALS = frozenset(
    {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}
)

R = TypeVar("R", bound=ChannelRequest)


class _Results(Protocol):
    @property
    def results(self) -> Sequence[pb.TransactionResult]: ...


class Simulator(Channel):
    """The simulated channel at the other end of a connection."""

    def __init__(self, stub: "channel_pb2_grpc.ChannelServiceAsyncStub") -> None:
        self._stub = stub

    async def authorize(self, requests: Sequence[AuthorizationRequest]) -> Sequence[Evidence]:
        """Reserve amounts; with `capture`, take them at once."""
        return await _send(
            requests,
            lambda some: self._stub.BatchAuthorize(
                pb.BatchAuthorizeRequest(requests=map(_authorize, some)), timeout=SEND_TIMEOUT_S
            ),
        )

    async def capture(self, requests: Sequence[CaptureRequest]) -> Sequence[Evidence]:
        """Take all or part of what was authorized."""
        return await _send(
            requests,
            lambda some: self._stub.BatchCapture(
                pb.BatchCaptureRequest(requests=map(_capture, some)), timeout=SEND_TIMEOUT_S
            ),
        )

    async def void(self, requests: Sequence[VoidRequest]) -> Sequence[Evidence]:
        """Release what is not captured of authorizations."""
        return await _send(
            requests,
            lambda some: self._stub.BatchCancel(
                pb.BatchCancelRequest(requests=map(_cancel, some)), timeout=SEND_TIMEOUT_S
            ),
        )

    async def refund(self, requests: Sequence[RefundRequest]) -> Sequence[Evidence]:
        """Give back all or part of what was captured."""
        return await _send(
            requests,
            lambda some: self._stub.BatchRefund(
                pb.BatchRefundRequest(requests=map(_refund, some)), timeout=SEND_TIMEOUT_S
            ),
        )

    async def pay_out(self, requests: Sequence[PayoutRequest]) -> Sequence[Evidence]:
        """Pay amounts out to bank accounts."""
        return await _send(
            requests,
            lambda some: self._stub.BatchPay(pb.BatchPayRequest(requests=map(_pay, some)), timeout=SEND_TIMEOUT_S),
        )

    async def inquire(self, inquiries: Sequence[Inquiry]) -> Sequence[Evidence]:
        """Ask what became of requests."""
        requests = [pb.InquireRequest(attempt_id=inquiry.attempt_id) for inquiry in inquiries]
        try:
            answer: pb.BatchInquireResponse | None = await self._stub.BatchInquire(
                pb.BatchInquireRequest(requests=requests), timeout=INQUIRE_TIMEOUT_S
            )
        except grpc.aio.AioRpcError:
            answer = None
        if answer is None or len(answer.responses) != len(inquiries):
            return [_not_told(inquiry) for inquiry in inquiries]
        return [_told(inquiry, found_answer) for inquiry, found_answer in zip(inquiries, answer.responses, strict=True)]

    async def answer_dispute(self, answer: DisputeAnswer) -> AnswerOutcome:
        """Tell what a merchant answers to a dispute."""
        request = pb.RespondToDisputeRequest(
            dispute_reference=answer.dispute_reference,
            contested=answer.contested,
            evidence=answer.evidence,
            files=[
                pb.DisputeFile(name=file.name, media_type=file.media_type, content=file.content)
                for file in answer.files
            ],
        )
        metadata = (("x-correlation-id", answer.correlation_id),)
        try:
            taken: pb.RespondToDisputeResponse | None = await self._stub.RespondToDispute(
                request, timeout=ANSWER_TIMEOUT_S, metadata=metadata
            )
        except grpc.aio.AioRpcError as error:
            return AnswerOutcome.REFUSED if error.code() in _REFUSALS else AnswerOutcome.NO_ANSWER
        return AnswerOutcome.NO_ANSWER if taken is None else AnswerOutcome.TAKEN


@asynccontextmanager
async def connect(address: str, _settings: AdapterSettings) -> AsyncIterator[Channel | None]:
    """Reach the simulator at `host:port` or `unix:/path`; None while that cannot be."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await asyncio.wait_for(channel.channel_ready(), READY_TIMEOUT_S)
        except TimeoutError:
            yield None
            return
        yield Simulator(channel_pb2_grpc.ChannelServiceStub(channel))


ADAPTER = Adapter(operations=frozenset(ChannelOperation), settings=AdapterSettings, connect=connect)


async def _send(requests: Sequence[R], call: Callable[[Sequence[R]], Awaitable[_Results | None]]) -> list[Evidence]:
    """Send a batch; one refused as a whole for a bad item was not carried out, so its halves may be sent."""
    try:
        answer = await call(requests)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            return [response(request, EvidenceOutcome.NO_ANSWER) for request in requests]
        if len(requests) == 1:
            return [_rejected(requests[0])]
        middle = len(requests) // 2
        return [*await _send(requests[:middle], call), *await _send(requests[middle:], call)]
    if answer is None or len(answer.results) != len(requests):
        return [response(request, EvidenceOutcome.NO_ANSWER) for request in requests]
    return [_answered(request, result) for request, result in zip(requests, answer.results, strict=True)]


def _answered(request: ChannelRequest, result: pb.TransactionResult) -> Evidence:
    if result.HasField("transaction"):
        return _decided(request.attempt_id, result.transaction, Source.RESPONSE)
    if result.error.code == code_pb2.INVALID_ARGUMENT:
        return _rejected(request)
    return response(request, EvidenceOutcome.NO_ANSWER)


def _rejected(request: ChannelRequest) -> Evidence:
    return response(request, EvidenceOutcome.FAILED, code="invalid_argument")


def _told(inquiry: Inquiry, answer: pb.InquireResponse) -> Evidence:
    if answer.state == pb.INQUIRY_STATE_FOUND:
        return _decided(inquiry.attempt_id, answer.transaction, Source.INQUIRY)
    if answer.state != pb.INQUIRY_STATE_NOT_FOUND:
        return _not_told(inquiry)
    return Evidence(
        attempt_id=inquiry.attempt_id,
        source=Source.INQUIRY,
        outcome=EvidenceOutcome.NOT_FOUND,
        final=not_found_is_final(age_s=inquiry.age_s, finality_s=answer.finality_seconds),
    )


def _not_told(inquiry: Inquiry) -> Evidence:
    return Evidence(attempt_id=inquiry.attempt_id, source=Source.INQUIRY, outcome=EvidenceOutcome.NO_ANSWER)


def _decided(attempt_id: str, transaction: pb.Transaction, source: Source) -> Evidence:
    """Read a decision; one about another attempt, or an approval without a reference, decides nothing."""
    outcome = _OUTCOMES.get(transaction.outcome, EvidenceOutcome.NO_ANSWER)
    unnamed = outcome is EvidenceOutcome.SUCCEEDED and not transaction.channel_reference
    if unnamed or transaction.attempt_id != attempt_id:
        outcome = EvidenceOutcome.NO_ANSWER
    approved = outcome is EvidenceOutcome.SUCCEEDED and transaction.HasField("amount")
    return Evidence(
        attempt_id=attempt_id,
        source=source,
        outcome=outcome,
        channel_reference=transaction.channel_reference or None,
        failure_code=transaction.decline_code or None if outcome is EvidenceOutcome.FAILED else None,
        amount_minor=transaction.amount.amount_minor if approved else None,
        currency_code=transaction.amount.currency_code if approved else None,
        action=from_next_action(transaction.next_action) if outcome is EvidenceOutcome.ACTION_REQUIRED else None,
    )


def _amount(request: ChannelRequest) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=request.amount_minor, currency_code=request.currency_code)


def _authorize(request: AuthorizationRequest) -> pb.AuthorizeRequest:
    return pb.AuthorizeRequest(
        attempt_id=request.attempt_id,
        merchant_id=request.merchant_id,
        amount=_amount(request),
        method_token=request.method_token,
        capture=request.capture,
        callback_address=request.callback_address,
        related_no=request.related_no,
        correlation_id=request.correlation_id,
        return_url=request.return_url,
    )


def _capture(request: CaptureRequest) -> pb.CaptureRequest:
    return pb.CaptureRequest(
        attempt_id=request.attempt_id,
        authorization_reference=request.original_reference,
        amount=_amount(request),
        callback_address=request.callback_address,
        related_no=request.related_no,
        correlation_id=request.correlation_id,
    )


def _cancel(request: VoidRequest) -> pb.CancelRequest:
    return pb.CancelRequest(
        attempt_id=request.attempt_id,
        authorization_reference=request.original_reference,
        callback_address=request.callback_address,
        correlation_id=request.correlation_id,
    )


def _refund(request: RefundRequest) -> pb.RefundRequest:
    return pb.RefundRequest(
        attempt_id=request.attempt_id,
        authorization_reference=request.original_reference,
        amount=_amount(request),
        callback_address=request.callback_address,
        related_no=request.related_no,
        correlation_id=request.correlation_id,
    )


def _pay(request: PayoutRequest) -> pb.PayRequest:
    return pb.PayRequest(
        attempt_id=request.attempt_id,
        merchant_id=request.merchant_id,
        amount=_amount(request),
        destination_token=request.destination_token,
        related_no=request.related_no,
        callback_address=request.callback_address,
        correlation_id=request.correlation_id,
    )
