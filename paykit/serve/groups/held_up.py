"""Calls that wait behind rows which other transactions hold, apart from those that need not wait."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Generic, TypeVar

from paykit.postgres.contention import LockedKey, names_in
from paykit.serve.groups.waiting_call import WaitingCall, answer_all, keep
from paykit.serve.operations import GROUP_ITEMS_MAX, Call, Outcome

I = TypeVar("I")  # noqa: E741 - item

SLOW_LANES_MAX = 4
"""Rows that calls of one operation wait for at the same time; those behind others wait for their turn."""


class HeldUp(Generic[I]):
    """The queues of one operation: one for each row, in the order in which the calls came.

    Args:
        settle: Carries out calls, waiting for their rows as long as anything may, and gives their outcomes.
    """

    def __init__(self, settle: Callable[[Sequence[Call[I]]], Awaitable[Sequence[Outcome]]]) -> None:
        self._settle = settle
        self._queues: dict[LockedKey, deque[WaitingCall[I]]] = {}
        self._claims: dict[tuple[str, str, str], LockedKey] = {}
        self._slow_lanes = asyncio.Semaphore(SLOW_LANES_MAX)
        self._working: set[asyncio.Task[None]] = set()
        self._numbers = count()

    def take_behind(self, waiting: WaitingCall[I]) -> bool:
        """Queue a call that just came behind those for the same row, or with the same request id; False for no such."""
        if not self._queues:
            return False
        key = self._queue_of(waiting.call)
        if key is None:
            return False
        self.add(key, [waiting])
        return True

    def add(self, key: LockedKey, group: Sequence[WaitingCall[I]]) -> None:
        """Have calls wait for a row, behind those that wait for it already."""
        for waiting in group:
            if waiting.call.claim is not None:
                self._claims.setdefault(waiting.call.claim.key, key)
        if key in self._queues:
            self._queues[key].extend(group)
            return
        self._queues[key] = deque(group)
        keep(self._working, self._work(key))

    def add_alone(self, waiting: WaitingCall[I]) -> None:
        """Have a call wait of which is not known for which row."""
        self.add((next(self._numbers),), [waiting])

    def _queue_of(self, call: Call[I]) -> LockedKey | None:
        if call.claim is not None and (key := self._claims.get(call.claim.key)) is not None:
            return key
        names = set(names_in(call.item))
        return next((key for key in self._queues if names.issuperset(key)), None)

    async def _work(self, key: LockedKey) -> None:
        queue = self._queues[key]
        try:
            async with self._slow_lanes:
                while queue:
                    await self._settle_next(queue)
        finally:
            del self._queues[key]

    async def _settle_next(self, queue: deque[WaitingCall[I]]) -> None:
        group = [queue.popleft() for _ in range(min(len(queue), GROUP_ITEMS_MAX))]
        waiting = [each for each in group if not each.future.done()]  # The others' callers have gone.
        outcomes = await self._settle([each.call for each in waiting]) if waiting else []
        for each in group:
            if each.call.claim is not None:
                self._claims.pop(each.call.claim.key, None)
        answer_all(waiting, outcomes)
