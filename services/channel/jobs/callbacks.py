"""Calling back: the job that tells what came late, or was disputed or returned, until whoever asked listens."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import structlog

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.channel.jobs import callback_calls
from services.channel.jobs.callback_calls import Telling
from services.channel.store import callbacks as callback_store
from services.channel.store import disputes as dispute_store
from services.channel.store import transactions as store
from services.channel.store.callbacks import Report

CALLBACKS_MAX = 100
"""Callbacks under way at once in one process."""
LEASE_S = 30
"""A process that took a callback and died gives it up after this; longer than a call."""
TRIES_MAX = 12
"""After this many calls without an answer a result is not told any more: an inquiry tells it, too. The last waits are
LEASE_S long each."""
TRIES_UNASKED_MAX = 8_640
"""The same for disputes and returns, about three days: nobody inquires about what is not known to have happened."""

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
class _Told:
    """What came of one call."""

    callback: callback_store.Callback
    over: bool


async def deliver(runtime: Runtime) -> bool:
    """Tell results that are due. Says whether there may be more."""
    due = await runtime.transaction(_take_due)
    if due:
        told = await _tell(due)
        await runtime.transaction(lambda tx: _settle(tx, told))
    return len(due) == CALLBACKS_MAX


async def _take_due(tx: Tx) -> list[Telling]:
    taken = await callback_store.lease_callbacks(tx, due=tx.now, limit=CALLBACKS_MAX, lease_s=LEASE_S)
    transactions = await store.get_transactions(tx, {each.attempt_id for each in taken})
    references = [each.dispute_reference for each in taken if each.dispute_reference]
    disputes = await dispute_store.get_disputes(tx, references)
    return [
        Telling(
            callback=each,
            transaction=transactions[each.attempt_id],
            dispute=disputes[each.dispute_reference] if each.dispute_reference else None,
        )
        for each in taken
    ]


async def _tell(due: Sequence[Telling]) -> list[_Told]:
    async with AsyncExitStack() as stack:
        channels = {}
        for address in {each.transaction.callback_address for each in due}:
            channels[address] = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        return await asyncio.gather(*(_call(channels[each.transaction.callback_address], each) for each in due))


async def _call(channel: grpc.aio.Channel, telling: Telling) -> _Told:
    callback = telling.callback
    try:
        await callback_calls.call(channel, telling)
    except grpc.aio.AioRpcError as error:
        tries_max = TRIES_MAX if callback.report is Report.RESULT else TRIES_UNASKED_MAX
        over = _final(telling, error.code()) or callback.tries >= tries_max
        _log.warning(
            "callback_refused",
            attempt_id=callback.attempt_id,
            report=callback.report,
            code=error.code().name,
            given_up=over,
        )
        return _Told(callback, over)
    return _Told(callback, over=True)


def _final(telling: Telling, code: grpc.StatusCode) -> bool:
    """Say whether telling it again is useless. A dispute may only have come before what it disputes was recorded."""
    state_changes = telling.dispute is not None and code is grpc.StatusCode.FAILED_PRECONDITION
    return code in _FINAL and not state_changes


async def _settle(tx: Tx, told: Sequence[_Told]) -> None:
    await callback_store.delete_callbacks(tx, [each.callback for each in told if each.over])
    again = [each.callback for each in told if not each.over]
    # The exponent is bounded before the power, as tries can go on for days.
    waits_s = [min(2 ** min(each.tries, 10), LEASE_S) for each in again]
    await callback_store.postpone_callbacks(tx, again, waits_s)
