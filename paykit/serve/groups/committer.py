"""Groups concurrent calls of one operation into shared transactions.

An idle operation runs a call at once; while a group commits, the calls that arrive form the next one, which waits a
moment for those of callers that were just answered, if these are many. A refusal concerns its own call only; an error
divides the group in halves until the culprit stands alone. Calls on a row that another transaction holds are put aside
at once, and the others go on without them. What was refused without its claim is decided anew beside the groups that
follow (`at_once`).
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Generic, TypeVar

from google.protobuf.message import Message

from paykit.base.errors import CallsExhausted, UnavailableError
from paykit.postgres import faults
from paykit.postgres.contention import RowsLockedError
from paykit.postgres.database import Database
from paykit.postgres.faults import Fault
from paykit.postgres.lanes import AT_ONCE, FAST, HELD_UP, SPLIT, Lane
from paykit.serve.groups.batch import Batch
from paykit.serve.groups.commits import Commits, partition
from paykit.serve.groups.gathering import Gathering
from paykit.serve.groups.held_up import HeldUp
from paykit.serve.groups.waiting_call import WaitingCall, answer_all, answer_decided, keep
from paykit.serve.operations import GROUP_ITEMS_MAX, Acceptance, Call, Operation, Outcome

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
Reply = TypeVar("Reply", bound=Message)

GROUPS_IN_FLIGHT_MAX = 2
"""Group transactions of one operation at the same time: one computes while the other waits for PostgreSQL."""
GROUP_AHEAD_CALLS_MIN = 64
"""Calls that must wait before a second group flies beside the first: fewer are cheaper in one group after it."""
QUEUE_AGE_S_MAX = 5.0
"""A call that would stand behind one which has waited for so long is refused: whoever asks again later waits less."""
SPLIT_LANES_MAX = 4
"""Parts of groups of one operation that run at the same time, after their group failed or met a locked row."""


class Committer(Generic[I, R, Reply]):
    """Groups the concurrent calls of one operation into shared transactions."""

    def __init__(self, database: Database, operation: Operation[I, R, Reply]) -> None:
        self._commits = Commits(database, operation)
        # In the order in which they came; one whose caller goes away is taken out wherever it stands.
        self._waiting: OrderedDict[asyncio.Future[Outcome], WaitingCall[I]] = OrderedDict()
        self._flights: set[asyncio.Task[None]] = set()
        self._flying = 0
        self._gathering = Gathering()
        self._apart: set[asyncio.Task[None]] = set()
        # Calls on rows that were held, in the order in which they came.
        self._aside: deque[WaitingCall[I]] = deque()
        self._trying_again = False
        self._split_lanes = asyncio.Semaphore(SPLIT_LANES_MAX)
        self._held_up: HeldUp[I] = HeldUp(partial(self._commits.settle, lane=HELD_UP))

    async def submit(self, call: Call[I]) -> Outcome:
        """Carry out one call together with those that wait; give its outcome once committed.

        A caller that goes away while its call waits, as one past its deadline does, takes it along.

        Raises:
            CallsExhausted: Calls have waited for too long already.
        """
        loop = asyncio.get_running_loop()
        self._require_moving_queue(loop.time())
        waiting = WaitingCall(call, loop.create_future(), loop.time())
        if not self._held_up.take_behind(waiting):
            self._queue(waiting)
        try:
            return await waiting.future
        finally:
            self._waiting.pop(waiting.future, None)

    async def settle(self, calls: Sequence[Call[I]], *, accept: Acceptance | None = None) -> list[Outcome]:
        """Carry out a batch, as `Batch.settle` does."""
        return await Batch(self._commits, calls, accept).settle()

    def _queue(self, waiting: WaitingCall[I]) -> None:
        self._waiting[waiting.future] = waiting
        self._gathering.arrived(len(self._waiting))
        crowded = len(self._waiting) >= GROUP_AHEAD_CALLS_MIN
        if not self._flying or (crowded and self._flying < GROUPS_IN_FLIGHT_MAX):
            # Counted here and by the flight itself: its task is seen as done only later, when a call could be stranded.
            self._flying += 1
            keep(self._flights, self._fly())

    def _require_moving_queue(self, now_s: float) -> None:
        for oldest in self._waiting.values():
            if now_s - oldest.since_s > QUEUE_AGE_S_MAX:
                raise CallsExhausted("calls of this kind wait for too long", queue_age_s_max=str(QUEUE_AGE_S_MAX))
            return

    async def _fly(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if self._gathering.expects_more(len(self._waiting), loop.time()):
                    await self._gathering.complete()
                group = [self._waiting.popitem(last=False)[1] for _ in range(min(len(self._waiting), GROUP_ITEMS_MAX))]
                await self._run(group)
        finally:
            self._flying -= 1

    async def _run(self, group: Sequence[WaitingCall[I]]) -> None:
        """Run a group, those of its calls put aside that would wait for rows: these wait together, but not for long."""
        while group:
            try:
                outcomes = await self._commit_at_once(group)
            except RowsLockedError as error:
                parts = partition(error, [waiting.call for waiting in group])
                # Where nobody names what is held, it may be anybody who needs it.
                held_up = sorted(chain.from_iterable(parts.held_up.values())) or parts.free
                self._put_aside(group[at] for at in held_up)
                group = [group[at] for at in parts.free] if parts.held_up else []
                continue
            except Exception:  # noqa: BLE001 - its halves run again, until the culprit stands alone and meets its error
                self._split(group)
                return
            undecided = answer_decided(group, outcomes)
            if undecided:
                keep(self._apart, self._run_apart(undecided))
            now_s = asyncio.get_running_loop().time()
            self._gathering.answered(len(group), waiting=len(self._waiting), now_s=now_s)
            return

    def _put_aside(self, group: Iterable[WaitingCall[I]]) -> None:
        self._aside.extend(group)
        if not self._trying_again:
            self._trying_again = True
            keep(self._apart, self._try_again())

    async def _try_again(self) -> None:
        """Run calls on rows that were held a moment ago: as a rule they are free by now. In the order they came in."""
        try:
            while self._aside:
                group = [self._aside.popleft() for _ in range(min(len(self._aside), GROUP_ITEMS_MAX))]
                still_ours = [each for each in group if not (each.future.done() or self._held_up.take_behind(each))]
                if still_ours:
                    await self._run_together(still_ours)
        finally:
            self._trying_again = False

    async def _run_together(self, group: Sequence[WaitingCall[I]]) -> None:
        try:
            outcomes = await self._commit(group, FAST)
        except Exception as error:  # noqa: BLE001 - as in `_run`
            if faults.sort(error) is Fault.LOCKED:
                # Awaited, so that what comes later finds them waiting for their rows, and waits behind.
                await self._run_apart(group)
            else:
                self._split(group)
            return
        answer_all(group, outcomes)

    def _split(self, group: Sequence[WaitingCall[I]]) -> None:
        """Have the halves of a group that failed, or met a locked row, run again beside the groups that follow.

        A call alone meets its error, or its row, with all the time that there is.
        """
        if len(group) == 1:
            self._held_up.add_alone(group[0])
            return
        middle = len(group) // 2
        for half in (group[:middle], group[middle:]):
            keep(self._apart, self._run_apart(half))

    async def _run_apart(self, group: Sequence[WaitingCall[I]]) -> None:
        """Run what is left of a group; calls whose rows are still held wait for them, each row by itself."""
        async with self._split_lanes:
            while group:
                group = [waiting for waiting in group if not waiting.future.done()]
                try:
                    outcomes = await self._commit(group, SPLIT) if group else []
                except RowsLockedError as error:
                    group = self._without_held_up(group, error)
                    continue
                except Exception:  # noqa: BLE001 - as in `_run`
                    self._split(group)
                    return
                answer_all(group, outcomes)
                return

    def _without_held_up(self, group: Sequence[WaitingCall[I]], error: RowsLockedError) -> Sequence[WaitingCall[I]]:
        """Have calls wait that are held up, or halves run where nobody names what is held; return the others."""
        parts = partition(error, [waiting.call for waiting in group])
        if not parts.held_up:
            self._split(group)
            return []
        for key, positions in parts.held_up.items():
            self._held_up.add(key, [group[at] for at in positions])
        return [group[at] for at in parts.free]

    async def _commit_at_once(self, group: Sequence[WaitingCall[I]]) -> Sequence[Outcome | None]:
        try:
            return await self._commits.commit_at_once([waiting.call for waiting in group], AT_ONCE)
        except UnavailableError as error:
            return [error] * len(group)

    async def _commit(self, group: Sequence[WaitingCall[I]], lane: Lane) -> Sequence[Outcome]:
        try:
            return await self._commits.commit([waiting.call for waiting in group], lane)
        except UnavailableError as error:
            return [error] * len(group)
