"""From a call to its outcome in a transaction: idempotency around a command. Around both is group commit (`groups`)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import structlog
from google.protobuf.message import Message

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.serve import idempotency

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
Reply = TypeVar("Reply", bound=Message)

GROUP_ITEMS_MAX = 256
"""Calls in one group transaction."""
BATCH_ITEMS_MAX = 1000
"""Items in one batch call, all in one transaction."""


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[I, R, Reply]):
    """A business operation as callers see it.

    Attributes:
        name: The method name, which is the scope of request ids and the label of metrics.
        command: Decides and saves a sequence of items; one result or refusal per item, in order.
        reply: Makes the response message of a result.
        reply_type: The response message's class.
        creates: Where its results are kept with the calls that created them, if it creates something; its items have an
            attribute `creating_call` then.
        at_once: Whether single calls go without a claim beforehand (`groups.at_once`). Only where each that succeeds
            inserts a row with its request key into the table of `creates`, which has a unique index of these.
        waits_for: Refusals that an event on its way may yet make untrue: the call waits a moment before it is refused.
        wakes: Jobs that have work when the command has committed.
    """

    name: str
    command: Callable[[Tx, Sequence[I]], Awaitable[Sequence[R | DomainError]]]
    reply: Callable[[R], Reply]
    reply_type: type[Reply]
    creates: idempotency.Creates[R] | None = None
    at_once: bool = False
    waits_for: tuple[type[DomainError], ...] = ()
    wakes: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether somebody is sent the reply."""
        return self.reply_type is not Message


def unanswered(
    name: str, command: Callable[[Tx, Sequence[I]], Awaitable[Sequence[R | DomainError]]]
) -> Operation[I, R, Any]:
    """Make the operation of a job, which takes no request ids and whose reply is the result itself."""
    return Operation(name=name, command=command, reply=lambda result: cast("Any", result), reply_type=Message)


@dataclass(frozen=True, slots=True)
class Call(Generic[I]):
    """One item to carry out; `claim` is None where the operation takes no request id."""

    item: I
    claim: idempotency.Claim | None


@dataclass(frozen=True, slots=True)
class Settled(Generic[Reply]):
    """The reply to a call.

    Attributes:
        replayed: Whether an earlier call with the same request id made it.
        size: Its bytes, where they were counted.
    """

    reply: Reply
    replayed: bool = False
    size: int | None = None


Outcome = Settled[Any] | Exception
Acceptance = Callable[[Sequence[Call[Any]], Sequence[Outcome]], None]
"""Raises BatchReplyTooLarge for outcomes that must not be committed."""

_log = structlog.get_logger()


async def apply(tx: Tx, operation: Operation[I, R, Reply], calls: Sequence[Call[I]]) -> list[Outcome]:
    """Carry out calls in one transaction, each request id once; one outcome per call, in order."""
    first, repeats = _split_repeats(calls)
    claims = [claim for i in first if (claim := calls[i].claim)]
    earlier = await idempotency.claim(tx, claims, operation.creates)
    outcomes: list[Outcome | None] = [None] * len(calls)
    fresh = []
    for i in first:
        recalled = _recall(operation, calls[i], earlier)
        outcomes[i] = recalled
        if recalled is None:
            fresh.append(i)
    await idempotency.release(tx, list(earlier.created))
    for i, outcome in zip(fresh, await _execute(tx, operation, [calls[i] for i in fresh]), strict=True):
        outcomes[i] = outcome
    return await _answer_repeats(tx, operation, calls, outcomes, repeats)


def _split_repeats(calls: Sequence[Call[Any]]) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the positions of first calls, and (position, position of its first) for repetitions within the batch."""
    seen: dict[idempotency.Key, int] = {}
    first, repeats = [], []
    for i, call in enumerate(calls):
        at = seen.setdefault(call.claim.key, i) if call.claim else i
        if at == i:
            first.append(i)
        else:
            repeats.append((i, at))
    return first, repeats


def _recall(operation: Operation[Any, R, Reply], call: Call[Any], earlier: idempotency.Earlier[R]) -> Outcome | None:
    """Return the outcome that an earlier call already decided; None where there was none."""
    claim = call.claim
    if claim is None:
        return None
    decided = earlier.stored.get(claim.key) or earlier.created.get(claim.key)
    if decided is None:
        return None
    if decided.request_hash != claim.request_hash:
        return idempotency.reused(claim.key)
    if isinstance(decided, idempotency.Created):
        return Settled(operation.reply(decided.result), replayed=True)
    return Settled(operation.reply_type.FromString(decided.reply), replayed=True, size=len(decided.reply))


async def _execute(tx: Tx, operation: Operation[I, R, Reply], calls: Sequence[Call[I]]) -> list[Outcome]:
    if not calls:
        return []
    outcomes: list[Outcome] = []
    replies, refused = [], []
    tx.restart_lock_order()
    results = await operation.command(tx, [call.item for call in calls])
    for call, result in zip(calls, results, strict=True):
        if isinstance(result, DomainError):
            outcomes.append(result)
            if call.claim:
                refused.append(call.claim.key)
            continue
        reply = operation.reply(result)
        if call.claim is None:
            outcomes.append(Settled(reply))
            continue
        serialized = reply.SerializeToString()
        outcomes.append(Settled(reply, size=len(serialized)))
        replies.append((call.claim.key, serialized))
    await idempotency.store(tx, replies)
    await idempotency.release(tx, refused)
    return outcomes


async def _answer_repeats(
    tx: Tx,
    operation: Operation[I, R, Reply],
    calls: Sequence[Call[I]],
    outcomes: list[Outcome | None],
    repeats: Sequence[tuple[int, int]],
) -> list[Outcome]:
    """Answer repetitions within a batch as they would be one after another; a refused one is decided anew."""
    for i, at in repeats:
        mine, first, outcome = calls[i].claim, calls[at].claim, outcomes[at]
        if isinstance(outcome, Exception) or mine is None or first is None:
            outcomes[i] = (await apply(tx, operation, [calls[i]]))[0]
        elif mine.request_hash == first.request_hash and isinstance(outcome, Settled):
            outcomes[i] = Settled(outcome.reply, replayed=True, size=outcome.size)
        else:
            outcomes[i] = idempotency.reused(mine.key)
    return [outcome for outcome in outcomes if outcome is not None]


def log_failure(error: Exception) -> None:
    """Tell of the unexpected error of one item of a batch, whose caller sees only that it failed."""
    _log.error("batch_item_failed", exc_info=error)
