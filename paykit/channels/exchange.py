"""One exchange with a channel, whatever its adapter does: an adapter that breaks its contract leaves things unknown."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from paykit.channels.attempts import Evidence, EvidenceOutcome, Source
from paykit.channels.channel import ANSWER_TIMEOUT_S, INQUIRE_TIMEOUT_S, SEND_TIMEOUT_S, Channel
from paykit.channels.requests import (
    AnswerOutcome,
    AuthorizationRequest,
    CaptureRequest,
    ChannelRequest,
    DisputeAnswer,
    Inquiry,
    PayoutRequest,
    RefundRequest,
    VoidRequest,
)

ADAPTER_GRACE_S = 2.0
"""How much longer than its timeout an adapter may take before it is given up."""

_log = structlog.get_logger()


class _Asked(Protocol):
    @property
    def attempt_id(self) -> str: ...


Q = TypeVar("Q", bound=_Asked)
R = TypeVar("R", bound=ChannelRequest)
T = TypeVar("T")


async def send(channel: Channel, requests: Sequence[ChannelRequest]) -> list[Evidence]:
    """Have requests carried out, the operations side by side; evidence in the order of the requests."""
    answers = await asyncio.gather(
        _send(channel.authorize, AuthorizationRequest, requests),
        _send(channel.capture, CaptureRequest, requests),
        _send(channel.void, VoidRequest, requests),
        _send(channel.refund, RefundRequest, requests),
        _send(channel.pay_out, PayoutRequest, requests),
    )
    by_id = {evidence.attempt_id: evidence for answer in answers for evidence in answer}
    return [by_id[request.attempt_id] for request in requests]


async def inquire(channel: Channel, inquiries: Sequence[Inquiry]) -> Sequence[Evidence]:
    """Ask what became of requests; evidence in their order."""
    return await _ask(channel.inquire, inquiries, Source.INQUIRY)


async def answer_dispute(channel: Channel, answer: DisputeAnswer) -> AnswerOutcome:
    """Tell what a merchant answers to a dispute."""
    return await _in_time(channel.answer_dispute(answer), ANSWER_TIMEOUT_S) or AnswerOutcome.NO_ANSWER


async def _send(
    ask: Callable[[Sequence[R]], Awaitable[Sequence[Evidence]]], kind: type[R], requests: Sequence[ChannelRequest]
) -> Sequence[Evidence]:
    """Have those of one kind carried out."""
    return await _ask(ask, [request for request in requests if isinstance(request, kind)], Source.RESPONSE)


async def _ask(
    ask: Callable[[Sequence[Q]], Awaitable[Sequence[Evidence]]], asked: Sequence[Q], source: Source
) -> Sequence[Evidence]:
    if not asked:
        return ()
    evidences = await _in_time(ask(asked), SEND_TIMEOUT_S if source is Source.RESPONSE else INQUIRE_TIMEOUT_S)
    attempt_ids = [question.attempt_id for question in asked]
    if evidences is not None and [evidence.attempt_id for evidence in evidences] == attempt_ids:
        return evidences
    _log.error("channel_adapter_failed", attempts=len(attempt_ids), answered=evidences is not None)
    return [
        Evidence(attempt_id=attempt_id, source=source, outcome=EvidenceOutcome.NO_ANSWER) for attempt_id in attempt_ids
    ]


async def _in_time(answer: Awaitable[T], timeout_s: float) -> T | None:
    """Wait for an adapter; None, with a line in the log, for one that raises or does not come back."""
    try:
        return await asyncio.wait_for(answer, timeout_s + ADAPTER_GRACE_S)
    except Exception:  # noqa: BLE001 - an adapter's defect leaves an outcome unknown; it must not stop the others
        _log.exception("channel_adapter_raised")
        return None
