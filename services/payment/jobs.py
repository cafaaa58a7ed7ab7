"""Calls to channels: sending attempts and inquiring about them. Each call lies between two transactions, in neither.

A job claims attempts (committed), calls, and applies what came back as evidence (committed). Whatever is lost on the
way, down to the process itself, leaves attempts that are STARTED with a lease, and those are only inquired about.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.runtime.db import Tx
from paykit.runtime.operations import Operation
from paykit.runtime.runtime import Runtime
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import attempt_store, evidence, messages
from services.payment.attempt import SEND_WITHIN_S, Evidence
from services.payment.attempt_store import Claimed
from services.payment.channels import Channel, simulator
from services.payment.evidence import RecordEvidence

SUBMISSION_ATTEMPTS_MAX = 500
"""Attempts in one call to a channel."""
SUBMISSION_LANES = ("submit_attempts", "submit_attempts_2", "submit_attempts_3")
"""One job each: a batch that a channel answers slowly holds up one lane, not the others."""
INQUIRY_ATTEMPTS_MAX = 500
BATCHES_PER_RUN_MAX = 100
"""Batches over one connection, before it is made anew."""
SEND_LEASE_S = SEND_WITHIN_S + simulator.SEND_TIMEOUT_S + 18.0
"""From claim to inquiry: the wait before the call, the call, and time to write its results."""
INQUIRY_LEASE_S = simulator.INQUIRE_TIMEOUT_S + 10.0

RECORD_EVIDENCE = Operation(
    name="ReportChannelResult",
    command=evidence.record_evidence,
    reply=lambda attempt: pb.ReportChannelResultResponse(attempt=messages.to_attempt(attempt)),
    reply_type=pb.ReportChannelResultResponse,
)

_log = structlog.get_logger()

_Claim = Callable[[Tx], Awaitable[list[Claimed]]]
_Ask = Callable[[Sequence[Claimed], float], Awaitable[list[Evidence]]]


def wake_submission(runtime: Runtime) -> None:
    """Have attempts just queued sent now; the lane that is free takes them."""
    for lane in SUBMISSION_LANES:
        runtime.wake(lane)


async def submit_attempts(runtime: Runtime) -> bool:
    """Send what is queued, one batch after another; True when there may be more."""
    if not await runtime.read(attempt_store.any_pending):
        return False
    async with _channel(runtime) as channel:
        if channel is None:
            return False
        return await _work(runtime, _claim_pending, lambda some, since: _send_in_time(channel, some, since))


async def inquire_attempts(runtime: Runtime) -> bool:
    """Ask about attempts whose outcome is overdue, one batch after another; True when there may be more."""
    if not await runtime.read(attempt_store.any_due):
        return False
    async with _channel(runtime) as channel:
        if channel is None:
            return False
        return await _work(runtime, _claim_open, lambda some, _: channel.inquire(some))


async def _work(runtime: Runtime, claim: _Claim, ask: _Ask) -> bool:
    """Claim, ask and record until nothing is left; True if the bound on batches ended it."""
    for _ in range(BATCHES_PER_RUN_MAX):
        since = time.monotonic()
        claimed = await runtime.transaction(claim)
        if not claimed:
            return False
        await _record(runtime, claimed, await ask(claimed, since))
    return True


async def _send_in_time(channel: Channel, claimed: Sequence[Claimed], since: float) -> list[Evidence]:
    """Send attempts, unless this process stood still since it claimed them: then only inquiries may follow."""
    if time.monotonic() - since > SEND_WITHIN_S:
        _log.warning("submission_late", attempts=len(claimed))
        return []
    return await channel.send(claimed)


async def _record(runtime: Runtime, claimed: Sequence[Claimed], told: Sequence[Evidence]) -> None:
    by_id = {c.attempt.attempt_id: c for c in claimed}
    items = [RecordEvidence(evidence=each, cause=_cause(by_id[each.attempt_id])) for each in told]
    if not items:
        return
    for item, result in zip(items, await runtime.change_batch(RECORD_EVIDENCE, items), strict=True):
        if isinstance(result, DomainError):
            _log.error("evidence_refused", attempt_id=item.evidence.attempt_id, reason=result.reason)


def _cause(claimed: Claimed) -> Cause:
    """Put what a channel said down to the attempt, within the payment's journey and its caller's trace."""
    attempt = claimed.attempt
    return Cause(claimed.correlation_id, attempt.attempt_id, None, attempt.traceparent)


async def _claim_pending(tx: Tx) -> list[Claimed]:
    return await attempt_store.claim_pending(tx, limit=SUBMISSION_ATTEMPTS_MAX, lease_s=SEND_LEASE_S)


async def _claim_open(tx: Tx) -> list[Claimed]:
    return await attempt_store.claim_open(tx, limit=INQUIRY_ATTEMPTS_MAX, lease_s=INQUIRY_LEASE_S)


@asynccontextmanager
async def _channel(runtime: Runtime) -> AsyncIterator[Channel | None]:
    """Give the channel; None, with a warning, while there is none to reach: then payments wait in their queue."""
    address = runtime.settings.channel_address
    if address is None:
        _log.warning("channel_address_unset")
        yield None
        return
    async with simulator.connect(address, callback_address=_callback_address(runtime)) as channel:
        if channel is None:
            _log.warning("channel_unreachable", address=address)
        yield channel


def _callback_address(runtime: Runtime) -> str:
    """Give the address where this service takes callbacks, if it is one that others can use."""
    address = runtime.settings.grpc_address
    host, _, port = address.rpartition(":")
    usable = not address.startswith("unix:") and port != "0" and host not in {"0.0.0.0", "[::]"}  # noqa: S104
    return address if usable else ""
