"""One batch call: its items in one transaction, but for those that fail or wait for rows which others hold."""

from collections.abc import Sequence
from itertools import chain
from typing import Generic, TypeVar

from google.protobuf.message import Message

from paykit.base.errors import RowLocked, UnavailableError
from paykit.postgres import faults
from paykit.postgres.contention import RowsLockedError
from paykit.postgres.faults import Fault
from paykit.postgres.lanes import BATCH, BATCH_AT_ONCE, BATCH_SPLIT, Lane
from paykit.serve.groups.commits import Commits, partition
from paykit.serve.operations import Acceptance, Call, Outcome
from paykit.serve.reply_sizes import BatchReplyTooLarge

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
Reply = TypeVar("Reply", bound=Message)

LANES = (BATCH_AT_ONCE, BATCH, BATCH_SPLIT)
"""What is held up is waited for once, all together, and then told apart."""


class Batch(Generic[I, R, Reply]):
    """The calls of a batch, and what became of them.

    Args:
        commits: Of their operation.
        calls: In order.
        accept: Sees outcomes before they are committed; what it refuses has its refusal as outcome, and is undone.
    """

    def __init__(self, commits: Commits[I, R, Reply], calls: Sequence[Call[I]], accept: Acceptance | None) -> None:
        self._commits, self._calls, self._accept = commits, calls, accept
        self._outcomes: dict[int, Outcome] = {}

    async def settle(self) -> list[Outcome]:
        """Carry the calls out; one outcome per call, in order. One whose row stays held is refused by RowLocked."""
        left: Sequence[int] = range(len(self._calls))
        for lane in LANES:
            if left:
                left = await self._run(left, lane)
        for at in left:
            self._outcomes[at] = RowLocked("something else holds what this item changes; repeat it")
        return [self._outcomes[at] for at in range(len(self._calls))]

    async def _run(self, positions: Sequence[int], lane: Lane) -> list[int]:
        """Carry out what can be, in one transaction or in halves where one fails; return what is held up, in order."""
        calls = [self._calls[at] for at in positions]
        commit = self._commits.commit_batch if lane is BATCH_AT_ONCE else self._commits.commit
        try:
            outcomes: Sequence[Outcome] = await commit(calls, lane, self._accept)
        except (BatchReplyTooLarge, UnavailableError) as error:
            outcomes = [error] * len(calls)
        except RowsLockedError as error:
            parts = partition(error, calls)
            if parts.held_up:
                held_up = [positions[at] for at in chain.from_iterable(parts.held_up.values())]
                free = [positions[at] for at in parts.free]
                return sorted([*held_up, *(await self._run(free, lane) if free else ())])
            return await self._run_halves(positions)
        except Exception as error:  # noqa: BLE001 - the culprit's error is its outcome
            is_locked = faults.sort(error) is Fault.LOCKED
            if is_locked and lane is BATCH:
                return list(positions)
            if is_locked or len(calls) > 1:
                return await self._run_halves(positions)
            outcomes = [error]
        self._outcomes.update(zip(positions, outcomes, strict=True))
        return []

    async def _run_halves(self, positions: Sequence[int]) -> list[int]:
        if len(positions) == 1:
            return list(positions)
        middle = len(positions) // 2
        first = await self._run(positions[:middle], BATCH_SPLIT)
        return first + await self._run(positions[middle:], BATCH_SPLIT)
