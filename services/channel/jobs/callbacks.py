"""Calling back: the job that tells what came late, or was disputed or returned, until whoever asked listens."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import structlog

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.channel import store
from services.channel.jobs import callback_calls
from services.channel.jobs.callback_calls import CallbackContents
from services.channel.store import Callback, CallbackReport

JOB = "deliver_callbacks"
CALLBACKS_MAX = 100
"""Callbacks under way at once in one process."""
LEASE_S = 30
"""A process that took a callback and died gives it up after this; longer than a call."""
TRIES_MAX = 12
"""After this many calls without an answer a result is not told any more: an inquiry tells it, too. The last waits are
LEASE_S long each."""
TRIES_UNASKED_MAX = 8_640
"""The same for everything else, about three days: nobody inquires about what is not known to have happened."""

# The receiver understood and will never agree: telling it again changes nothing.
_FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Called:
    """A callback after its call, whether it need not be called again, and what kept it from being called."""

    callback: Callback
    over: bool
    error: Exception | None = None


async def deliver_callbacks(runtime: Runtime) -> bool:
    """Call back with what is due; True when there may be more."""
    due = [contents for part in await runtime.isolated(JOB, _take_due, done=False) for contents in part]
    if due:
        called = await _call_all(due)
        await runtime.transaction(lambda tx: _settle(tx, called))
        for call in called:
            if call.error is not None:
                runtime.set_aside(JOB, call.callback.callback_id, call.error)
        runtime.settle(JOB, [call.callback.callback_id for call in called if call.error is None])
    return len(due) >= CALLBACKS_MAX


async def _take_due(tx: Tx) -> list[CallbackContents]:
    callbacks = await store.lease_callbacks(tx, limit=CALLBACKS_MAX, lease_s=LEASE_S)
    transactions = await store.transactions.by_key(tx, {callback.attempt_id for callback in callbacks})
    references = {callback.dispute_reference for callback in callbacks if callback.dispute_reference}
    disputes = await store.disputes.by_key(tx, references)
    return [
        CallbackContents(
            callback=callback,
            transaction=transactions[callback.attempt_id],
            dispute=disputes[callback.dispute_reference] if callback.dispute_reference else None,
        )
        for callback in callbacks
    ]


async def _call_all(due: Sequence[CallbackContents]) -> list[_Called]:
    async with AsyncExitStack() as stack:
        channels = {}
        for address in {contents.transaction.callback_address for contents in due}:
            channels[address] = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        return await asyncio.gather(
            *(_call(channels[contents.transaction.callback_address], contents) for contents in due)
        )


async def _call(channel: grpc.aio.Channel, contents: CallbackContents) -> _Called:
    callback = contents.callback
    try:
        await callback_calls.call(channel, contents)
    except grpc.aio.AioRpcError as error:
        tries_max = TRIES_MAX if callback.report is CallbackReport.RESULT else TRIES_UNASKED_MAX
        over = _final(contents, error.code()) or callback.tries >= tries_max
        _log.warning(
            "callback_refused",
            attempt_id=callback.attempt_id,
            report=callback.report,
            code=error.code().name,
            given_up=over,
        )
        return _Called(callback, over)
    except Exception as error:  # noqa: BLE001 - it cannot be told of at all; the others are
        return _Called(callback, over=False, error=error)
    return _Called(callback, over=True)


def _final(contents: CallbackContents, code: grpc.StatusCode) -> bool:
    """Whether calling again is useless. A dispute may only have come before what it disputes was recorded."""
    state_changes = contents.dispute is not None and code is grpc.StatusCode.FAILED_PRECONDITION
    return code in _FINAL and not state_changes


async def _settle(tx: Tx, called: Sequence[_Called]) -> None:
    await store.delete_callbacks(tx, [call.callback for call in called if call.over])
    again = [call.callback for call in called if not call.over]
    # The exponent is bounded before the power, as tries can go on for days.
    waits_s = [min(2 ** min(callback.tries, 10), LEASE_S) for callback in again]
    await store.postpone_callbacks(tx, again, waits_s)
