"""Payment's calls to its channels, and what time demands; see `paykit.channels.calls`."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from paykit.channels import calls as channel_calls
from paykit.channels.calls import Calls, Channel
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from services.payment import commands, store
from services.payment.domain.routing import Route
from services.payment.jobs import failover, simulator
from services.payment.store import ClaimedPaymentAttempt


def wake_submission(runtime: Runtime) -> None:
    """Have attempts just queued sent now; the lane that is free takes them."""
    for job_name in commands.SUBMISSION_JOBS:
        runtime.wake(job_name)


async def submit_attempts(runtime: Runtime, *, lane: int | None = None) -> bool:
    """Send what is queued, one batch after another; True when there may be more.

    What was not sent, because its channel cannot be reached, moves to the next channel that takes it.

    Args:
        runtime: Of the service.
        lane: From 0; None for all. Lanes share the channels out, so that one that hangs leaves the others their lanes.
    """
    routes = commands.routes_of(runtime.settings)
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
    calls = [_calls(runtime, route, []) for route in commands.routes_of(runtime.settings)]
    return await _side_by_side([channel_calls.inquire(runtime, each) for each in calls])


async def expire_authorizations(runtime: Runtime) -> bool:
    """Give up authorizations whose time is over; True when there may be more."""
    expired = await runtime.transaction(commands.capture.expire_authorizations)
    if expired:
        wake_submission(runtime)
    return expired == commands.capture.EXPIRED_PAYMENTS_MAX


async def _side_by_side(work: Sequence[Coroutine[Any, Any, bool]]) -> bool:
    """Work with several channels at once, each to its end whatever befalls another; True when one has more."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return any(results)


def serves(lane: int | None, at: int, routes: int) -> bool:
    """Say whether a lane serves the route at a position; with one route all lanes serve it."""
    shares = min(routes, len(commands.SUBMISSION_JOBS))
    return lane is None or lane % shares == at % shares


def _calls(runtime: Runtime, route: Route, unreached: list[Route]) -> Calls[ClaimedPaymentAttempt]:
    return Calls(
        channel=route.name,
        table=store.attempts,
        connect=lambda: _connect(runtime, route, unreached),
        record=unanswered("ReportChannelResult", commands.evidence.recording(runtime.settings.authorization_ttl_s)),
    )


@asynccontextmanager
async def _connect(
    runtime: Runtime, route: Route, unreached: list[Route]
) -> AsyncIterator[Channel[ClaimedPaymentAttempt] | None]:
    """Reach a channel, or note that it cannot be reached."""
    back = channel_calls.callback_address(runtime.settings)
    async with simulator.connect(route.address, callback_address=back) as channel:
        if channel is None:
            unreached.append(route)
        yield channel


async def _reaches(runtime: Runtime, route: Route) -> bool:
    async with _connect(runtime, route, []) as channel:
        return channel is not None
