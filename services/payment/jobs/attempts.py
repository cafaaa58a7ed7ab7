"""Payment's calls to its channels, and what time demands; see `paykit.channels.calls`."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from paykit.base.channel_routes import ChannelRoute
from paykit.base.config import Settings
from paykit.channels import calls as channel_calls
from paykit.channels import registry
from paykit.channels.calls import Calls
from paykit.channels.channel import Channel
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from services.payment import commands, store
from services.payment.commands.evidence import EvidenceCommand
from services.payment.jobs import channels, failover
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
    routes = runtime.settings.payment_channels
    served = [route for at, route in enumerate(routes) if serves(lane, at, len(routes))]
    unreached: list[str] = []
    more = await _side_by_side([channel_calls.submit(runtime, _calls(runtime, route, unreached)) for route in served])
    if unreached and len(routes) > 1:
        reachable = [route.name for route in routes if route.name not in unreached and await _reaches(route)]
        if await failover.move_unsent(runtime, routes, unreached, reachable=reachable):
            wake_submission(runtime)
    return more


async def inquire_attempts(runtime: Runtime) -> bool:
    """Ask about attempts whose outcome is overdue, one batch after another; True when there may be more."""
    calls = [_calls(runtime, route, []) for route in runtime.settings.payment_channels]
    return await _side_by_side([channel_calls.inquire(runtime, of_channel) for of_channel in calls])


async def expire_authorizations(runtime: Runtime) -> bool:
    """Give up authorizations whose time is over; True when there may be more."""
    expired = sum(await runtime.isolated("expire_authorizations", commands.capture.expire_authorizations))
    if expired:
        wake_submission(runtime)
    return expired >= commands.capture.EXPIRED_PAYMENTS_MAX


async def expire_actions(runtime: Runtime) -> bool:
    """Call off what payers did not do in time; True when there may be more."""
    expired = sum(await runtime.isolated("expire_actions", commands.payer_action.expire_actions))
    if expired:
        wake_submission(runtime)
    return expired >= commands.payer_action.EXPIRED_ACTIONS_MAX


async def expire_unsent(runtime: Runtime) -> bool:
    """Have what waited too long to be sent fail; True when there may be more."""
    expired = sum(await runtime.isolated("expire_unsent", commands.withholding.expire_unsent))
    if expired:
        wake_submission(runtime)
    return expired >= commands.withholding.EXPIRED_ATTEMPTS_MAX


async def _side_by_side(work: Sequence[Coroutine[Any, Any, bool]]) -> bool:
    """Work with several channels at once, each to its end whatever befalls another; True when one has more."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return any(results)


def serves(lane: int | None, at: int, routes: int) -> bool:
    """Whether a lane serves the route at a position; with one route all lanes serve it."""
    shares = min(routes, len(commands.SUBMISSION_JOBS))
    return lane is None or lane % shares == at % shares


def _calls(runtime: Runtime, route: ChannelRoute, unreached: list[str]) -> Calls[ClaimedPaymentAttempt]:
    return Calls(
        channel=route.name,
        table=store.attempts,
        request=partial(channels.to_request, callback_address=channel_calls.callback_address(runtime.settings)),
        connect=lambda: _connect(route, unreached),
        withheld=lambda claimed: claimed.withheld,
        record=unanswered("RecordEvidence", _recording(runtime.settings)),
    )


def _recording(settings: Settings) -> EvidenceCommand:
    return commands.evidence.recording(settings.authorization_ttl_s, settings.action_ttl_s)


@asynccontextmanager
async def _connect(route: ChannelRoute, unreached: list[str]) -> AsyncIterator[Channel | None]:
    """Reach a channel, or note that it cannot be reached."""
    async with registry.connect(route) as channel:
        if channel is None:
            unreached.append(route.name)
        yield channel


async def _reaches(route: ChannelRoute) -> bool:
    async with registry.connect(route) as channel:
        return channel is not None
