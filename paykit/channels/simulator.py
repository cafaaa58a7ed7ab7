"""The simulated acquirer and bank, by paystream.channel.v1: batches of attempts out, evidence back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
import structlog
from google.protobuf.message import Message
from google.rpc import code_pb2

from paykit.channels.attempts import Attempt, Claimed, Evidence, EvidenceOutcome, Source, not_found_is_final
from paykit.channels.calls import INQUIRE_TIMEOUT_S, SEND_TIMEOUT_S
from paystream.channel.v1 import channel_pb2 as pb
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1 import money_pb2

READY_TIMEOUT_S = 1.0

_OUTCOMES = {
    pb.OUTCOME_APPROVED: EvidenceOutcome.SUCCEEDED,
    pb.OUTCOME_DECLINED: EvidenceOutcome.FAILED,
    pb.OUTCOME_PENDING: EvidenceOutcome.PENDING,
}

_log = structlog.get_logger()

C = TypeVar("C", bound=Claimed[Any])


@dataclass(frozen=True, kw_only=True)
class Order(Generic[C]):
    """How one action is asked for.

    Attributes:
        method: Of ChannelService, as in BatchAuthorize.
        batch: Makes its request of items, given as `requests`.
        item: Makes the item of an attempt.
    """

    method: str
    batch: Callable[..., Message]
    item: Callable[[C], Message]


class Simulator(Generic[C]):
    """The channel `simulator`; see `channel_calls.Channel`."""

    def __init__(self, stub: Any, orders: Mapping[str, Order[C]]) -> None:
        """Take orders by the action of an attempt; each action that can be claimed has one."""
        self._stub = stub
        self._orders = orders

    async def send(self, claimed: Sequence[C]) -> list[Evidence]:
        """Have attempts carried out, the actions side by side."""
        by_action: dict[str, list[C]] = {}
        for each in claimed:
            by_action.setdefault(each.attempt.action, []).append(each)
        told = await asyncio.gather(*(self._send(self._orders[action], some) for action, some in by_action.items()))
        by_id = {evidence.attempt_id: evidence for evidences in told for evidence in evidences}
        return [by_id[c.attempt.attempt_id] for c in claimed]

    async def inquire(self, claimed: Sequence[C]) -> list[Evidence]:
        """Ask what became of attempts."""
        requests = [pb.InquireRequest(attempt_id=c.attempt.attempt_id) for c in claimed]
        try:
            response = await self._stub.BatchInquire(
                pb.BatchInquireRequest(requests=requests), timeout=INQUIRE_TIMEOUT_S
            )
        except grpc.aio.AioRpcError:
            return [_no_answer(c, Source.INQUIRY) for c in claimed]
        return [_found(c, answer) for c, answer in zip(claimed, response.responses, strict=True)]

    async def _send(self, order: Order[C], claimed: Sequence[C]) -> list[Evidence]:
        """Send a batch; one refused as a whole for a bad item was not carried out, so its halves may be sent."""
        request = order.batch(requests=[order.item(c) for c in claimed])
        try:
            response = await getattr(self._stub, order.method)(request, timeout=SEND_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                return [_no_answer(c, Source.RESPONSE) for c in claimed]
            if len(claimed) == 1:
                return [_rejected(claimed[0])]
            middle = len(claimed) // 2
            return [*await self._send(order, claimed[:middle]), *await self._send(order, claimed[middle:])]
        return [_answered(c, result) for c, result in zip(claimed, response.results, strict=True)]


@asynccontextmanager
async def connect(address: str | None, orders: Mapping[str, Order[C]]) -> AsyncIterator[Simulator[C] | None]:
    """Give the simulator at an address; None, with a warning, while there is none to reach: then attempts wait."""
    async with reach(address) as stub:
        yield None if stub is None else Simulator(stub, orders)


@asynccontextmanager
async def reach(address: str | None) -> AsyncIterator[Any]:
    """Give the stub of ChannelService at an address; None, with a warning, while there is none to reach."""
    if address is None:
        _log.warning("channel_address_unset")
        yield None
        return
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await asyncio.wait_for(channel.channel_ready(), READY_TIMEOUT_S)
        except TimeoutError:
            _log.warning("channel_unreachable", address=address)
            yield None
            return
        yield channel_pb2_grpc.ChannelServiceStub(channel)


def amount_of(attempt: Attempt) -> money_pb2.Money:
    """Give the amount of an attempt as a channel takes it."""
    return money_pb2.Money(amount_minor=attempt.amount_minor, currency_code=attempt.currency_code)


def _answered(claimed: Claimed[Any], result: pb.TransactionResult) -> Evidence:
    if result.HasField("transaction"):
        return _told(claimed, result.transaction, Source.RESPONSE)
    if result.error.code == code_pb2.INVALID_ARGUMENT:
        return _rejected(claimed)
    return _no_answer(claimed, Source.RESPONSE)


def _found(claimed: Claimed[Any], answer: pb.InquireResponse) -> Evidence:
    if answer.status == pb.INQUIRY_STATUS_FOUND:
        return _told(claimed, answer.transaction, Source.INQUIRY)
    if answer.status != pb.INQUIRY_STATUS_NOT_FOUND:
        return _no_answer(claimed, Source.INQUIRY)
    age_s = claimed.attempt.age_s
    return Evidence(
        attempt_id=claimed.attempt.attempt_id,
        source=Source.INQUIRY,
        outcome=EvidenceOutcome.NOT_FOUND,
        final=not_found_is_final(age_s=age_s, finality_s=answer.finality_seconds),
    )


def _told(claimed: Claimed[Any], transaction: pb.Transaction, source: Source) -> Evidence:
    outcome = _OUTCOMES.get(transaction.outcome, EvidenceOutcome.NO_ANSWER)
    return Evidence(
        attempt_id=claimed.attempt.attempt_id,
        source=source,
        outcome=outcome,
        channel_reference=transaction.channel_reference or None,
        failure_code=transaction.decline_code or None if outcome is EvidenceOutcome.FAILED else None,
    )


def _no_answer(claimed: Claimed[Any], source: Source) -> Evidence:
    return Evidence(attempt_id=claimed.attempt.attempt_id, source=source, outcome=EvidenceOutcome.NO_ANSWER)


def _rejected(claimed: Claimed[Any]) -> Evidence:
    return Evidence(
        attempt_id=claimed.attempt.attempt_id,
        source=Source.RESPONSE,
        outcome=EvidenceOutcome.FAILED,
        failure_code="invalid_argument",
    )
