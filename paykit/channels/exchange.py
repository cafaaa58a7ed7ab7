"""One exchange with a channel, whatever its adapter does: an adapter that breaks its contract leaves things unknown."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

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


R = TypeVar("R", bound=ChannelRequest)
T = TypeVar("T")

Call = tuple[Sequence[str], Callable[[], Awaitable[Sequence[Evidence]]]]
"""The ids of some attempts, and the call that tells what became of them."""


async def send(channel: Channel, requests: Sequence[ChannelRequest]) -> list[Evidence]:
    """Have requests carried out, the operations side by side; evidence in the order of the requests."""
    calls = calls_of(channel, requests)
    answers = await asyncio.gather(*(_heed(call, Source.RESPONSE, SEND_TIMEOUT_S) for call in calls))
    by_id = {evidence.attempt_id: evidence for answer in answers for evidence in answer}
    return [by_id[request.attempt_id] for request in requests]


def calls_of(channel: Channel, requests: Sequence[ChannelRequest]) -> list[Call]:
    """Sort requests out among the operations of a channel."""
    return [
        *_call(channel.authorize, AuthorizationRequest, requests),
        *_call(channel.capture, CaptureRequest, requests),
        *_call(channel.void, VoidRequest, requests),
        *_call(channel.refund, RefundRequest, requests),
        *_call(channel.pay_out, PayoutRequest, requests),
    ]


async def inquire(channel: Channel, inquiries: Sequence[Inquiry]) -> Sequence[Evidence]:
    """Ask what became of requests; evidence in their order."""
    call = [inquiry.attempt_id for inquiry in inquiries], partial(channel.inquire, inquiries)
    return await _heed(call, Source.INQUIRY, INQUIRE_TIMEOUT_S)


async def answer_dispute(channel: Channel, answer: DisputeAnswer) -> AnswerOutcome:
    """Tell what a merchant answers to a dispute."""
    return await _in_time(partial(channel.answer_dispute, answer), ANSWER_TIMEOUT_S) or AnswerOutcome.NO_ANSWER


def _call(
    ask: Callable[[Sequence[R]], Awaitable[Sequence[Evidence]]], kind: type[R], requests: Sequence[ChannelRequest]
) -> list[Call]:
    """The call of an operation with the requests that are its own; none where there are none."""
    asked = [request for request in requests if isinstance(request, kind)]
    return [([request.attempt_id for request in asked], partial(ask, asked))] if asked else []


async def _heed(call: Call, source: Source, timeout_s: float) -> Sequence[Evidence]:
    """Wait for what an adapter says of attempts; nothing is known of them where it breaks its contract."""
    attempt_ids, ask = call
    evidences = await _in_time(ask, timeout_s)
    if evidences is not None and [evidence.attempt_id for evidence in evidences] == attempt_ids:
        return [_usable(evidence) for evidence in evidences]
    _log.error("channel_adapter_failed", attempts=len(attempt_ids), answered=evidences is not None)
    return [
        Evidence(attempt_id=attempt_id, source=source, outcome=EvidenceOutcome.NO_ANSWER) for attempt_id in attempt_ids
    ]


def _usable(evidence: Evidence) -> Evidence:
    """Return evidence without what no payer could do, as an address that is none; what that was is not logged."""
    if evidence.action is None or evidence.action.is_usable:
        return evidence
    _log.error("channel_action_unusable", attempt_id=evidence.attempt_id, kind=evidence.action.kind)
    return replace(evidence, action=None)


async def _in_time(ask: Callable[[], Awaitable[T]], timeout_s: float) -> T | None:
    """Wait for an adapter; None, with a line in the log, for one that raises or does not come back."""
    try:
        return await asyncio.wait_for(ask(), timeout_s + ADAPTER_GRACE_S)
    except Exception:  # noqa: BLE001 - an adapter's defect leaves an outcome unknown; it must not stop the others
        _log.exception("channel_adapter_raised")
        return None
