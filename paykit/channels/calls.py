"""Calls to channels: sending attempts and inquiring about them. Each call lies between two transactions, in neither.

A job claims attempts (committed), calls, and applies what came back as evidence (committed). Whatever is lost on the
way, down to the process itself, leaves attempts that are STARTED with a lease, and those are only inquired about.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from opentelemetry.trace import SpanKind

from paykit.base import tracing
from paykit.base.config import Settings
from paykit.cause import Cause
from paykit.channels import exchange
from paykit.channels.attempt_table import AttemptTable
from paykit.channels.attempts import SEND_WITHIN_S, Claimed, Evidence, RecordEvidence
from paykit.channels.channel import INQUIRE_TIMEOUT_S, SEND_TIMEOUT_S, Channel
from paykit.channels.requests import ChannelRequest, Inquiry
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation

SUBMISSION_ATTEMPTS_MAX = 500
"""Attempts in one call to a channel."""
INQUIRY_ATTEMPTS_MAX = 500
RENEWALS_MAX = 5
"""How often a lease is begun anew for a process that is too slow; what it could not send then is inquired about."""
BATCHES_PER_RUN_MAX = 100
"""Batches over one connection, before it is made anew."""
SEND_LEASE_S = SEND_WITHIN_S + SEND_TIMEOUT_S + 18.0
"""From claim to inquiry: the wait before the call, the call, and time to write its results."""
INQUIRY_LEASE_S = INQUIRE_TIMEOUT_S + 10.0

_log = structlog.get_logger()

C = TypeVar("C", bound=Claimed[Any])


@dataclass(frozen=True, kw_only=True)
class Calls(Generic[C]):
    """What a service calls one channel with.

    Attributes:
        channel: The channel's name in the attempts.
        table: The service's attempts.
        request: Makes what the channel is asked of an attempt.
        connect: Reaches the channel; None if it cannot be reached: then nothing is claimed for it.
        record: Applies evidence; its command takes RecordEvidence.
        claim: Takes attempts off the queue to send them, where more than they change with that; by channel, limit and
            lease_s. None for `table.claim_pending`.
        withheld: Says of what was taken that it is not sent after all; None where all is sent.
    """

    channel: str
    table: AttemptTable[Any, C]
    request: Callable[[C], ChannelRequest]
    connect: Callable[[], AbstractAsyncContextManager[Channel | None]]
    record: Operation[RecordEvidence, Any, Any]
    claim: Callable[..., Awaitable[list[C]]] | None = None
    withheld: Callable[[C], Evidence | None] | None = None


@dataclass(frozen=True, slots=True)
class _Prepared(Generic[C]):
    """A claimed attempt with what its channel is asked; `withheld` is why it is not sent after all."""

    claimed: C
    request: ChannelRequest
    withheld: Evidence | None = None


_Claim = Callable[[Tx], Awaitable[list[_Prepared[C]]]]
_Ask = Callable[[Sequence[_Prepared[C]], float], Awaitable[Sequence[Evidence]]]


@dataclass(frozen=True, slots=True)
class _CallingJob(Generic[C]):
    """What is done again and again: `claim` takes attempts, `ask` calls, in a span of this name.

    Attributes:
        repeats: Whether what was taken is taken again when it comes to nothing; else that is left to inquiries.
    """

    name: str
    claim: _Claim[C]
    ask: _Ask[C]
    span: str
    repeats: bool


async def submit(runtime: Runtime, calls: Calls[C]) -> bool:
    """Send what is queued for a channel, one batch after another; True when there may be more."""
    job_name, any_pending = f"submit_to_{calls.channel}", partial(calls.table.any_pending, channel=calls.channel)
    if not (runtime.fails(job_name) or await runtime.read(any_pending)):
        return False

    claim_pending = calls.claim or calls.table.claim_pending

    async def claim(tx: Tx) -> list[_Prepared[C]]:
        claimed = await claim_pending(tx, channel=calls.channel, limit=SUBMISSION_ATTEMPTS_MAX, lease_s=SEND_LEASE_S)
        # Within the transaction, so that one that nothing can be asked of stays on the queue, and fails alone.
        return [_Prepared(c, calls.request(c), calls.withheld(c) if calls.withheld else None) for c in claimed]

    async with calls.connect() as channel:
        if channel is None:
            return False
        send = partial(_send, runtime, channel, calls)
        return await _work(runtime, calls, _CallingJob(job_name, claim, send, "channel.send", repeats=False))


async def inquire(runtime: Runtime, calls: Calls[C]) -> bool:
    """Ask a channel about attempts whose outcome is overdue, batch after batch; True when there may be more."""
    job_name, any_due = inquiring_job(calls.channel), partial(calls.table.any_due, channel=calls.channel)
    if not (runtime.fails(job_name) or await runtime.read(any_due)):
        return False

    async def claim(tx: Tx) -> list[_Prepared[C]]:
        claimed = await calls.table.claim_open(
            tx, channel=calls.channel, limit=INQUIRY_ATTEMPTS_MAX, lease_s=INQUIRY_LEASE_S
        )
        return [_Prepared(c, calls.request(c)) for c in claimed]

    async with calls.connect() as channel:
        if channel is None:
            return False
        ask = partial(_inquire, channel)
        return await _work(runtime, calls, _CallingJob(job_name, claim, ask, "channel.inquire", repeats=True))


def inquiring_job(channel: str) -> str:
    """Name the job of inquiries at a channel, whose rows are attempts."""
    return f"inquire_at_{channel}"


async def _send(
    runtime: Runtime, channel: Channel, calls: Calls[C], prepared: Sequence[_Prepared[C]], since: float
) -> list[Evidence]:
    """Send what is to be sent of what was claimed; of the rest, return that it is not.

    Where the process stood still since the claim, what it still holds is sent under a lease begun anew: nobody has
    asked the channel about it, and left alone it would be found unsent, and fail.
    """
    for _ in range(RENEWALS_MAX):
        if time.monotonic() - since <= SEND_WITHIN_S:
            break
        _log.warning("submission_late", attempts=len(prepared))
        since = time.monotonic()
        held = [each.claimed for each in prepared]
        renewed = await runtime.transaction(partial(calls.table.renew, claimed=held, lease_s=SEND_LEASE_S))
        by_id = {each.attempt.attempt_id: each for each in renewed}
        prepared = [
            replace(each, claimed=by_id[attempt_id])
            for each in prepared
            if (attempt_id := each.claimed.attempt.attempt_id) in by_id
        ]
    withheld = [each.withheld for each in prepared if each.withheld is not None]
    requests = [each.request for each in prepared if each.withheld is None]
    return [*withheld, *(await send_in_time(channel, requests, since) if requests else [])]


async def _inquire(channel: Channel, prepared: Sequence[_Prepared[C]], _since: float) -> Sequence[Evidence]:
    return await exchange.inquire(channel, [_inquiry(each) for each in prepared])


async def send_in_time(channel: Channel, requests: Sequence[ChannelRequest], since: float) -> list[Evidence]:
    """Send requests, unless this process stood still since it claimed them: then only inquiries may follow.

    `since` is the monotonic clock before the claim.
    """
    if time.monotonic() - since > SEND_WITHIN_S:
        _log.error("submission_given_up", attempts=len(requests))
        return []
    return await exchange.send(channel, requests)


def callback_address(settings: Settings) -> str:
    """The address where this process takes callbacks, if it is one that others can use; else nothing."""
    address = settings.grpc_address
    host, _, port = address.rpartition(":")
    usable = not address.startswith("unix:") and port != "0" and host not in {"0.0.0.0", "[::]"}  # noqa: S104
    return address if usable else ""


async def _work(runtime: Runtime, calls: Calls[C], job: _CallingJob[C]) -> bool:
    """Claim, ask and record until nothing is left; True if the bound on batches ended it."""
    for _ in range(BATCHES_PER_RUN_MAX):
        since = time.monotonic()
        prepared = [each for part in await runtime.isolated(job.name, job.claim, done=not job.repeats) for each in part]
        if not prepared:
            return False
        traceparents = [each.claimed.attempt.traceparent for each in prepared]
        with tracing.shared(job.span, traceparents, kind=SpanKind.CLIENT, paystream__channel=calls.channel):
            evidences = await job.ask(prepared, since)
        await _record(runtime, calls, [each.claimed for each in prepared], evidences)
    return True


async def _record(runtime: Runtime, calls: Calls[C], claimed: Sequence[C], evidences: Sequence[Evidence]) -> None:
    """Apply evidence; an attempt of which it cannot be applied is asked about later and later."""
    by_id = {c.attempt.attempt_id: c for c in claimed}
    items = [RecordEvidence(evidence=evidence, cause=_cause(by_id[evidence.attempt_id])) for evidence in evidences]
    if not items:
        return
    results = await runtime.change_batch(calls.record, items)
    job_name = inquiring_job(calls.channel)
    refused = {
        item.evidence.attempt_id: result
        for item, result in zip(items, results, strict=True)
        if isinstance(result, DomainError)
    }
    for attempt_id, refusal in refused.items():
        _log.error("evidence_refused", attempt_id=attempt_id, reason=refusal.reason)
        runtime.set_aside(job_name, attempt_id, refusal)
    runtime.settle(job_name, by_id.keys() - refused.keys())


def _inquiry(prepared: _Prepared[C]) -> Inquiry:
    attempt = prepared.claimed.attempt
    return Inquiry(request=prepared.request, channel_reference=attempt.channel_reference, age_s=attempt.age_s)


def _cause(claimed: Claimed[Any]) -> Cause:
    """Put what a channel said down to the attempt, within its journey and its caller's trace."""
    attempt = claimed.attempt
    return Cause(claimed.correlation_id, attempt.attempt_id, None, attempt.traceparent)
