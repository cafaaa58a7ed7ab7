"""From a call to a committed result: idempotency around a command, and group commit around both.

Concurrent calls of one operation share a transaction. An idle operation runs a call at once; while a group commits, the
calls that arrive form the next one. A refusal concerns its own call only; an error splits the group in halves until the
culprit stands alone.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import structlog
from google.protobuf.message import Message

from paykit.base.errors import CallsExhausted, CommitUnknownError, UnavailableError
from paykit.errors import DomainError
from paykit.postgres import faults
from paykit.postgres.database import FAST, SLOW, Database, Lane, Tx
from paykit.postgres.faults import Fault
from paykit.serve import idempotency
from paykit.serve.reply_sizes import BatchReplyTooLarge

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
Reply = TypeVar("Reply", bound=Message)

GROUP_ITEMS_MAX = 256
"""Calls in one group transaction."""
GROUPS_IN_FLIGHT_MAX = 2
"""Group transactions of one operation at the same time: one computes while the other waits for PostgreSQL."""
GROUP_AHEAD_CALLS_MIN = 64
"""Calls that must wait before a second group flies beside the first: fewer are cheaper in one group after it."""
QUEUE_AGE_S_MAX = 5.0
"""A call that would stand behind one which has waited for so long is refused: whoever asks again later waits less."""
SPLIT_LANES_MAX = 4
"""Parts of groups of one operation that run at the same time, after their group failed or met a locked row."""
SLOW_LANES_MAX = 4
"""Calls of one operation that stand alone, and wait for locked rows, at the same time."""
BATCH_ITEMS_MAX = 1000
"""Items in one batch call, all in one transaction."""
COMMIT_LOOKUPS_MAX = 3
"""Times a call is looked up by its request id after the connection broke during COMMIT."""
COMMIT_LOOKUP_PAUSE_S = 0.2


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
        waits_for: Refusals that an event on its way may yet make untrue: the call waits a moment before it is refused.
        wakes: Jobs that have work when the command has committed.
    """

    name: str
    command: Callable[[Tx, Sequence[I]], Awaitable[Sequence[R | DomainError]]]
    reply: Callable[[R], Reply]
    reply_type: type[Reply]
    creates: idempotency.Creates[R] | None = None
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


class Committer(Generic[I, R, Reply]):
    """Groups the concurrent calls of one operation into shared transactions."""

    def __init__(self, database: Database, operation: Operation[I, R, Reply]) -> None:
        self._database = database
        self._operation = operation
        # In the order in which they came; one whose caller goes away is taken out wherever it stands.
        self._waiting: OrderedDict[asyncio.Future[Outcome], _Waiting[I]] = OrderedDict()
        self._flights: set[asyncio.Task[None]] = set()
        self._flying = 0
        self._apart: set[asyncio.Task[None]] = set()
        self._split_lanes = asyncio.Semaphore(SPLIT_LANES_MAX)
        self._slow_lanes = asyncio.Semaphore(SLOW_LANES_MAX)

    async def submit(self, call: Call[I]) -> Outcome:
        """Carry out one call together with those that wait; give its outcome once committed.

        A caller that goes away while its call waits, as one past its deadline does, takes it along.

        Raises:
            CallsExhausted: Calls have waited for too long already.
        """
        loop = asyncio.get_running_loop()
        self._require_moving_queue(loop.time())
        waiting = _Waiting(call, loop.create_future(), loop.time())
        self._waiting[waiting.future] = waiting
        crowded = len(self._waiting) >= GROUP_AHEAD_CALLS_MIN
        if not self._flying or (crowded and self._flying < GROUPS_IN_FLIGHT_MAX):
            # Counted here and by the flight itself: its task is seen as done only later, when a call could be stranded.
            self._flying += 1
            _keep(self._flights, self._fly())
        try:
            return await waiting.future
        finally:
            self._waiting.pop(waiting.future, None)

    async def settle(self, calls: Sequence[Call[I]], *, accept: Acceptance | None = None) -> list[Outcome]:
        """Carry out calls in one transaction, or in halves where one of them fails; one outcome per call, in order.

        `accept` sees the outcomes before they are committed: what it refuses has its refusal as outcome, and is undone.
        """
        try:
            return await self._commit(calls, SLOW, accept)
        except BatchReplyTooLarge as refusal:
            return [refusal] * len(calls)
        except Exception as error:  # noqa: BLE001 - the culprit's error is its outcome
            if faults.sort(error) is Fault.LOCKED:
                error = UnavailableError("a row stayed locked for too long", part="postgresql")
            if len(calls) == 1 or isinstance(error, UnavailableError):
                return [error] * len(calls)
        middle = len(calls) // 2
        halves = (calls[:middle], calls[middle:])
        return [outcome for half in halves for outcome in await self.settle(half, accept=accept)]

    def _require_moving_queue(self, now_s: float) -> None:
        for oldest in self._waiting.values():
            if now_s - oldest.since_s > QUEUE_AGE_S_MAX:
                raise CallsExhausted("calls of this kind wait for too long", queue_age_s_max=str(QUEUE_AGE_S_MAX))
            return

    async def _fly(self) -> None:
        try:
            while self._waiting:
                await self._fly_group()
        finally:
            self._flying -= 1

    async def _fly_group(self) -> None:
        group = [self._waiting.popitem(last=False)[1] for _ in range(min(len(self._waiting), GROUP_ITEMS_MAX))]
        try:
            outcomes = await self._commit([waiting.call for waiting in group], FAST)
        except UnavailableError as error:
            outcomes = [error] * len(group)
        except Exception:  # noqa: BLE001 - its halves run again, until the culprit stands alone and meets its error
            self._split(group)
            return
        _answer(group, outcomes)

    def _split(self, group: Sequence["_Waiting[I]"]) -> None:
        """Have the halves of a group that failed, or met a locked row, run again beside the groups that follow."""
        middle = len(group) // 2
        for half in filter(None, (group[:middle], group[middle:])):
            _keep(self._apart, self._run_apart(half))

    async def _run_apart(self, group: Sequence["_Waiting[I]"]) -> None:
        """Run what is left of a group. One call alone waits for its rows as long as it must, in lanes of its own."""
        async with self._slow_lanes if len(group) == 1 else self._split_lanes:
            waiting = [each for each in group if not each.future.done()]
            calls = [each.call for each in waiting]
            if len(group) == 1:
                outcomes = await self.settle(calls) if calls else []
            else:
                try:
                    outcomes = await self._commit(calls, FAST) if calls else []
                except UnavailableError as error:
                    outcomes = [error] * len(calls)
                except Exception:  # noqa: BLE001 - as in `_fly_group`
                    self._split(waiting)
                    return
        _answer(waiting, outcomes)

    async def _commit(self, calls: Sequence[Call[I]], lane: Lane, accept: Acceptance | None = None) -> list[Outcome]:
        """Commit, and after a COMMIT without an answer look the calls up by running them again under their claims."""

        async def work(tx: Tx) -> list[Outcome]:
            outcomes = await apply(tx, self._operation, calls)
            if accept is not None:
                accept(calls, outcomes)
            return outcomes

        for lookups_left in range(COMMIT_LOOKUPS_MAX, -1, -1):
            try:
                return await self._database.transaction(work, lane=lane)
            except CommitUnknownError:
                if not lookups_left or any(call.claim is None for call in calls):
                    raise
                await asyncio.sleep(COMMIT_LOOKUP_PAUSE_S)
        raise AssertionError  # The last round returned or raised.


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[I]):
    call: Call[I]
    future: asyncio.Future[Outcome]
    since_s: float

    def answer(self, outcome: Outcome) -> None:
        if not self.future.done():  # A caller past its deadline has gone; its call was carried out all the same.
            self.future.set_result(outcome)


def _answer(group: "Sequence[_Waiting[Any]]", outcomes: Sequence[Outcome]) -> None:
    for waiting, outcome in zip(group, outcomes, strict=True):
        waiting.answer(outcome)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Start a task and hold a reference until it is done, as the event loop holds none."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def log_failure(error: Exception) -> None:
    """Tell of the unexpected error of one item of a batch, whose caller sees only that it failed."""
    _log.error("batch_item_failed", exc_info=error)
