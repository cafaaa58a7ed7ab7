"""Payment's calls to its channels, and what time demands; see `paykit.channels.calls`."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import Any, TypeAlias

from paykit.base.config import ChannelRoute, Settings
from paykit.channels import calls as channel_calls
from paykit.channels.attempts import RecordEvidence
from paykit.channels.calls import Calls, Channel
from paykit.process.runtime import Runtime
from paykit.serve.operations import Operation
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.commands import captures as capture_commands
from services.payment.commands import evidence
from services.payment.domain.attempt import Attempt
from services.payment.domain.routing import DEFAULT_CHANNEL, Route
from services.payment.jobs import failover, simulator
from services.payment.messages import payments as messages
from services.payment.store.attempts import ATTEMPTS, Claimed

SUBMISSION_LANES = ("submit_attempts", "submit_attempts_2", "submit_attempts_3")
"""One job each: a batch that a channel answers slowly holds up one lane, not the others."""

_RecordEvidence: TypeAlias = Operation[RecordEvidence, Attempt, pb.ReportChannelResultResponse]

_RECORD_EVIDENCE: _RecordEvidence = Operation(
    name="ReportChannelResult",
    command=evidence.record_evidence,
    reply=lambda attempt: pb.ReportChannelResultResponse(attempt=messages.to_attempt(attempt)),
    reply_type=pb.ReportChannelResultResponse,
)


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """Give the channels of payments in order of preference."""
    return _routes(settings.channel_routes, settings.channel_address)


def record_evidence(runtime: Runtime) -> _RecordEvidence:
    """Give the operation that applies what a channel says."""
    return _record_evidence(runtime.settings.authorization_ttl_s)


def wake_submission(runtime: Runtime) -> None:
    """Have attempts just queued sent now; the lane that is free takes them."""
    for lane in SUBMISSION_LANES:
        runtime.wake(lane)


async def submit_attempts(runtime: Runtime, *, lane: int | None = None) -> bool:
    """Send what is queued, one batch after another; True when there may be more.

    What was not sent, because its channel cannot be reached, moves to the next channel that takes it.

    Args:
        runtime: Of the service.
        lane: From 0; None for all. Lanes share the channels out, so that one that hangs leaves the others their lanes.
    """
    routes = routes_of(runtime.settings)
    mine = [route for at, route in enumerate(routes) if serves(lane, at, len(routes))]
    unreached: list[Route] = []
    more = await _side_by_side([channel_calls.submit(runtime, _calls(runtime, each, unreached)) for each in mine])
    if unreached and len(routes) > 1:
        reachable = [route.name for route in routes if route not in unreached and await _reaches(runtime, route)]
        if await failover.move_unsent(runtime, routes, [route.name for route in unreached], reachable=reachable):
            wake_submission(runtime)
    return more


async def inquire_attempts(runtime: Runtime) -> bool:
    """Ask about attempts whose outcome is overdue, one batch after another; True when there may be more."""
    calls = [_calls(runtime, route, []) for route in routes_of(runtime.settings)]
    return await _side_by_side([channel_calls.inquire(runtime, each) for each in calls])


async def expire_authorizations(runtime: Runtime) -> bool:
    """Give up authorizations whose time is over; True when there may be more."""
    expired = await runtime.transaction(capture_commands.expire_authorizations)
    if expired:
        wake_submission(runtime)
    return expired == capture_commands.EXPIRED_PAYMENTS_MAX


async def _side_by_side(work: Sequence[Coroutine[Any, Any, bool]]) -> bool:
    """Work with several channels at once, each to its end whatever befalls another; True when one has more."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return any(results)


def serves(lane: int | None, at: int, routes: int) -> bool:
    """Say whether a lane serves the route at a position; with one route all lanes serve it."""
    shares = min(routes, len(SUBMISSION_LANES))
    return lane is None or lane % shares == at % shares


@cache
def _routes(told: Sequence[ChannelRoute], address: str | None) -> tuple[Route, ...]:
    if not told:
        return (Route(name=DEFAULT_CHANNEL, address=address),)
    return tuple(
        Route(name=r.name, address=r.address, currencies=frozenset(r.currencies), methods=frozenset(r.methods))
        for r in told
    )


@cache
def _record_evidence(authorization_ttl_s: int) -> _RecordEvidence:
    authorization_ttl = timedelta(seconds=authorization_ttl_s)
    return replace(_RECORD_EVIDENCE, command=partial(evidence.record_evidence, authorization_ttl=authorization_ttl))


def _calls(runtime: Runtime, route: Route, unreached: list[Route]) -> Calls[Claimed]:
    return Calls(
        channel=route.name,
        table=ATTEMPTS,
        connect=lambda: _connect(runtime, route, unreached),
        record=record_evidence(runtime),
    )


@asynccontextmanager
async def _connect(runtime: Runtime, route: Route, unreached: list[Route]) -> AsyncIterator[Channel[Claimed] | None]:
    """Reach a channel, or note that it cannot be reached."""
    back = channel_calls.callback_address(runtime.settings)
    async with simulator.connect(route.address, callback_address=back) as channel:
        if channel is None:
            unreached.append(route)
        yield channel


async def _reaches(runtime: Runtime, route: Route) -> bool:
    async with _connect(runtime, route, []) as channel:
        return channel is not None
