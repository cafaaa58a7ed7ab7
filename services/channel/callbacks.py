"""Calling back: the job that tells late results to the payment service, late and sometimes twice, until it listens."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import structlog

from paykit.runtime.db import Tx
from paykit.runtime.runtime import Runtime
from paystream.payment.v1 import payment_pb2, payment_pb2_grpc
from services.channel import callback_store, messages, store
from services.channel.domain import Transaction

CALLBACKS_MAX = 100
"""Callbacks under way at once in one process."""
CALL_TIMEOUT_S = 5.0
LEASE_S = 30
"""A process that took a callback and died gives it up after this; longer than a call."""
TRIES_MAX = 12
"""After this many calls without an answer a callback is given up; the last waits are LEASE_S long each."""

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


async def _take_due(tx: Tx) -> list[tuple[callback_store.Callback, Transaction]]:
    taken = await callback_store.lease_callbacks(tx, due=tx.now, limit=CALLBACKS_MAX, lease_s=LEASE_S)
    transactions = await store.get_transactions(tx, {each.attempt_id for each in taken})
    return [(each, transactions[each.attempt_id]) for each in taken]


async def _tell(due: Sequence[tuple[callback_store.Callback, Transaction]]) -> list[_Told]:
    async with AsyncExitStack() as stack:
        stubs = {}
        for address in {transaction.callback_address for _, transaction in due}:
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
            stubs[address] = payment_pb2_grpc.PaymentServiceStub(channel)
        calls = [_call(stubs[transaction.callback_address], callback, transaction) for callback, transaction in due]
        return await asyncio.gather(*calls)


async def _call(
    stub: "payment_pb2_grpc.PaymentServiceAsyncStub", callback: callback_store.Callback, transaction: Transaction
) -> _Told:
    request = payment_pb2.ReportChannelResultRequest(
        attempt_id=transaction.attempt_id,
        channel_reference=transaction.channel_reference,
        outcome=payment_pb2.ChannelOutcome.Value(f"CHANNEL_OUTCOME_{transaction.outcome}"),
        decline_code=transaction.decline_code,
        amount=messages.to_amount(transaction),
    )
    metadata = (("x-correlation-id", transaction.correlation_id),)
    try:
        await stub.ReportChannelResult(request, timeout=CALL_TIMEOUT_S, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        over = error.code() in _FINAL or callback.tries >= TRIES_MAX
        _log.warning("callback_refused", attempt_id=transaction.attempt_id, code=error.code().name, given_up=over)
        return _Told(callback, over)
    return _Told(callback, over=True)


async def _settle(tx: Tx, told: Sequence[_Told]) -> None:
    await callback_store.delete_callbacks(tx, [each.callback for each in told if each.over])
    again = [each.callback for each in told if not each.over]
    await callback_store.postpone_callbacks(tx, again, [min(2**each.tries, LEASE_S) for each in again])
