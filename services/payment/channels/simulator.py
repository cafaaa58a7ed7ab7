"""The simulated acquirer, by paystream.channel.v1: batches of attempts out, evidence back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.rpc import code_pb2

from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import events
from services.payment import channels
from services.payment.attempt import AttemptAction, Evidence, Outcome, not_found_is_final
from services.payment.attempt_store import Claimed

READY_TIMEOUT_S = 1.0
SEND_TIMEOUT_S = 10.0
"""How long a batch of attempts may take; what is not answered by then is UNKNOWN."""
INQUIRE_TIMEOUT_S = 5.0

_OUTCOMES = {
    pb.OUTCOME_APPROVED: Outcome.SUCCEEDED,
    pb.OUTCOME_DECLINED: Outcome.FAILED,
    pb.OUTCOME_PENDING: Outcome.PENDING,
}
_SEND, _INQUIRE = events.Evidence.RESPONSE, events.Evidence.INQUIRY

_Batch = Callable[..., Awaitable[Any]]


class Simulator:
    """The channel `simulator`; see `channels.Channel`."""

    def __init__(self, stub: Any, callback_address: str) -> None:
        self._stub = stub
        self._callback_address = callback_address

    async def send(self, claimed: Sequence[Claimed]) -> list[Evidence]:
        """Have charges and refunds carried out, side by side."""
        charges = [c for c in claimed if c.attempt.action is AttemptAction.CHARGE]
        refunds = [c for c in claimed if c.attempt.action is AttemptAction.REFUND]
        told = await asyncio.gather(self._authorize(charges), self._refund(refunds))
        by_id = {evidence.attempt_id: evidence for evidences in told for evidence in evidences}
        return [by_id[c.attempt.attempt_id] for c in claimed]

    async def inquire(self, claimed: Sequence[Claimed]) -> list[Evidence]:
        """Ask what became of attempts."""
        requests = [pb.InquireRequest(attempt_id=c.attempt.attempt_id) for c in claimed]
        try:
            response = await self._stub.BatchInquire(
                pb.BatchInquireRequest(requests=requests), timeout=INQUIRE_TIMEOUT_S
            )
        except grpc.aio.AioRpcError:
            return [_no_answer(c, _INQUIRE) for c in claimed]
        return [_found(c, answer) for c, answer in zip(claimed, response.responses, strict=True)]

    async def _authorize(self, claimed: Sequence[Claimed]) -> list[Evidence]:
        def batch(some: Sequence[Claimed]) -> pb.BatchAuthorizeRequest:
            return pb.BatchAuthorizeRequest(requests=[self._charge(c) for c in some])

        return await _send(self._stub.BatchAuthorize, batch, claimed)

    async def _refund(self, claimed: Sequence[Claimed]) -> list[Evidence]:
        def batch(some: Sequence[Claimed]) -> pb.BatchRefundRequest:
            return pb.BatchRefundRequest(requests=[self._give_back(c) for c in some])

        return await _send(self._stub.BatchRefund, batch, claimed)

    def _charge(self, claimed: Claimed) -> pb.AuthorizeRequest:
        return pb.AuthorizeRequest(
            attempt_id=claimed.attempt.attempt_id,
            merchant_id=claimed.merchant_id,
            amount=_amount(claimed),
            method_token=claimed.method_token,
            capture=True,
            callback_address=self._callback_address,
            correlation_id=claimed.correlation_id,
        )

    def _give_back(self, claimed: Claimed) -> pb.RefundRequest:
        return pb.RefundRequest(
            attempt_id=claimed.attempt.attempt_id,
            authorization_reference=claimed.attempt.original_reference or "",
            amount=_amount(claimed),
            callback_address=self._callback_address,
            related_no=claimed.attempt.refund_id or "",
            correlation_id=claimed.correlation_id,
        )


@asynccontextmanager
async def connect(address: str, *, callback_address: str) -> AsyncIterator[Simulator | None]:
    """Give the simulator at host:port, or None if it cannot be reached: then nothing should be claimed for it."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await asyncio.wait_for(channel.channel_ready(), READY_TIMEOUT_S)
        except TimeoutError:
            yield None
            return
        stub: Any = channel_pb2_grpc.ChannelServiceStub(channel)
        yield Simulator(stub, callback_address)


async def _send(
    method: _Batch, batch: Callable[[Sequence[Claimed]], Any], claimed: Sequence[Claimed]
) -> list[Evidence]:
    """Send a batch; one refused as a whole for a bad item was not carried out, so its halves may be sent."""
    if not claimed:
        return []
    try:
        response = await method(batch(claimed), timeout=SEND_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            return [_no_answer(c, _SEND) for c in claimed]
        if len(claimed) == 1:
            return [_rejected(claimed[0])]
        middle = len(claimed) // 2
        return [*await _send(method, batch, claimed[:middle]), *await _send(method, batch, claimed[middle:])]
    return [_answered(c, result) for c, result in zip(claimed, response.results, strict=True)]


def _answered(claimed: Claimed, result: pb.TransactionResult) -> Evidence:
    if result.HasField("transaction"):
        return _told(claimed, result.transaction, _SEND)
    if result.error.code == code_pb2.INVALID_ARGUMENT:
        return _rejected(claimed)
    return _no_answer(claimed, _SEND)


def _found(claimed: Claimed, answer: pb.InquireResponse) -> Evidence:
    if answer.status == pb.INQUIRY_STATUS_FOUND:
        return _told(claimed, answer.transaction, _INQUIRE)
    if answer.status != pb.INQUIRY_STATUS_NOT_FOUND:
        return _no_answer(claimed, _INQUIRE)
    age_s = claimed.attempt.age_s
    return Evidence(
        attempt_id=claimed.attempt.attempt_id,
        source=_INQUIRE,
        outcome=Outcome.NOT_FOUND,
        final=not_found_is_final(age_s=age_s, finality_s=answer.finality_seconds),
    )


def _told(claimed: Claimed, transaction: pb.Transaction, source: events.Evidence) -> Evidence:
    outcome = _OUTCOMES.get(transaction.outcome, Outcome.NO_ANSWER)
    failed = outcome is Outcome.FAILED
    code = transaction.decline_code or None
    return Evidence(
        attempt_id=claimed.attempt.attempt_id,
        source=source,
        outcome=outcome,
        channel_reference=transaction.channel_reference or None,
        failure_reason=channels.failure_reason(code) if failed else None,
        failure_code=code if failed else None,
    )


def _no_answer(claimed: Claimed, source: events.Evidence) -> Evidence:
    return Evidence(attempt_id=claimed.attempt.attempt_id, source=source, outcome=Outcome.NO_ANSWER)


def _rejected(claimed: Claimed) -> Evidence:
    return Evidence(
        attempt_id=claimed.attempt.attempt_id,
        source=_SEND,
        outcome=Outcome.FAILED,
        failure_reason=events.FailureReason.CHANNEL_REJECTED,
        failure_code="invalid_argument",
    )


def _amount(claimed: Claimed) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=claimed.attempt.amount_minor, currency_code=claimed.attempt.currency_code)
