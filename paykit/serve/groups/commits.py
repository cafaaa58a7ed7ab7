"""The transactions in which calls of one operation are carried out, and what becomes of those that cannot be."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from google.protobuf.message import Message

from paykit.base import tracing
from paykit.base.errors import CommitUnknownError, UnavailableError
from paykit.postgres import faults
from paykit.postgres.contention import LockedKey, RowsLockedError
from paykit.postgres.database import Database, Tx
from paykit.postgres.faults import Fault
from paykit.postgres.lanes import Lane
from paykit.serve.groups import at_once
from paykit.serve.groups.at_once import Confidence, NotAllAtOnceError
from paykit.serve.operations import Acceptance, Call, Operation, Outcome, apply
from paykit.serve.reply_sizes import BatchReplyTooLarge

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
T = TypeVar("T")
Reply = TypeVar("Reply", bound=Message)

COMMIT_LOOKUPS_MAX = 3
"""Times a call is looked up by its request id after the connection broke during COMMIT."""
COMMIT_LOOKUP_PAUSE_S = 0.2

_EXPECTED = (faults.UniqueViolation, NotAllAtOnceError)
"""What keeps calls from being carried out at once, and is no defect."""

_log = structlog.get_logger()


class Commits(Generic[I, R, Reply]):
    """Carries out calls of one operation."""

    def __init__(self, database: Database, operation: Operation[I, R, Reply]) -> None:
        self._database = database
        self._operation = operation
        self._confidence = Confidence(operation.name) if operation.at_once else None

    async def commit_at_once(self, calls: Sequence[Call[I]], lane: Lane) -> Sequence[Outcome | None]:
        """Carry out calls as `commit` does, in fewer statements where nothing speaks against it.

        Returns:
            One outcome per call, in order; None for one that is to be decided anew, by `commit`.

        Raises:
            RowsLockedError, UnavailableError: As `commit`.
        """
        work = partial(at_once.apply, operation=self._operation, calls=calls)
        outcomes = await self._tried(work, calls, lane, possible=True)
        return await self.commit(calls, lane) if outcomes is None else outcomes

    async def commit_batch(self, calls: Sequence[Call[I]], lane: Lane, accept: Acceptance | None) -> Sequence[Outcome]:
        """Carry out the calls of a batch as `commit` does, in fewer statements where each of them succeeds.

        Raises:
            RowsLockedError, BatchReplyTooLarge, UnavailableError: As `commit`.
        """
        work = partial(at_once.apply_all, operation=self._operation, calls=calls, accept=accept)
        outcomes = await self._tried(work, calls, lane, possible=at_once.are_apart(calls))
        return await self.commit(calls, lane, accept) if outcomes is None else outcomes

    async def _tried(
        self, work: Callable[[Tx], Awaitable[Sequence[T]]], calls: Sequence[Call[I]], lane: Lane, *, possible: bool
    ) -> Sequence[T] | None:
        """Carry out calls in a transaction that writes at its end, if possible; None where they go under claims."""
        confidence = self._confidence
        if confidence is None:
            return None
        if possible and confidence.tries():
            try:
                with self._span(calls):
                    outcomes = await self._database.write_at_end(work, lane=lane)
            except CommitUnknownError:
                await asyncio.sleep(COMMIT_LOOKUP_PAUSE_S)
            except (UnavailableError, RowsLockedError, BatchReplyTooLarge):
                raise
            except Exception as error:  # noqa: BLE001 - nothing was done, and the same calls meet it again under claims
                confidence.failed()
                if not isinstance(error, _EXPECTED) and faults.sort(error) is Fault.UNEXPECTED:
                    _log.warning("group_failed_at_once", operation=self._operation.name, exc_info=error)
            else:
                confidence.succeeded()
                return outcomes
        confidence.passed_by()
        return None

    async def commit(self, calls: Sequence[Call[I]], lane: Lane, accept: Acceptance | None = None) -> list[Outcome]:
        """Carry out calls in one transaction; one outcome per call, in order.

        After a COMMIT without an answer the calls are looked up, by running them again under their claims.

        Raises:
            RowsLockedError: They need rows that others hold, and the lane does not wait.
            BatchReplyTooLarge: `accept` refuses the outcomes; nothing was done.
            UnavailableError: PostgreSQL cannot be reached.
        """

        async def work(tx: Tx) -> list[Outcome]:
            outcomes = await apply(tx, self._operation, calls)
            if accept is not None:
                accept(calls, outcomes)
            return outcomes

        for lookups_left in range(COMMIT_LOOKUPS_MAX, -1, -1):
            try:
                with self._span(calls):
                    return await self._database.transaction(work, lane=lane)
            except CommitUnknownError:
                if not lookups_left or any(call.claim is None for call in calls):
                    raise
                await asyncio.sleep(COMMIT_LOOKUP_PAUSE_S)
        raise AssertionError  # The last round returned or raised.

    def _span(self, calls: Sequence[Call[I]]) -> AbstractContextManager[None]:
        return tracing.shared(f"commit {self._operation.name}", _traceparents(calls), paystream__calls=len(calls))

    async def settle(self, calls: Sequence[Call[I]], *, lane: Lane) -> list[Outcome]:
        """Carry out calls in one transaction, or in halves where one of them fails; one outcome per call, in order.

        Rows are waited for as long as the lane says.
        """
        try:
            return await self.commit(calls, lane)
        except Exception as error:  # noqa: BLE001 - the culprit's error is its outcome
            if faults.sort(error) is Fault.LOCKED:
                error = UnavailableError("a row stayed locked for too long", part="postgresql")
            if len(calls) == 1 or isinstance(error, UnavailableError):
                return [error] * len(calls)
        middle = len(calls) // 2
        halves = (calls[:middle], calls[middle:])
        return [outcome for half in halves for outcome in await self.settle(half, lane=lane)]


@dataclass(frozen=True, slots=True)
class Partition:
    """Calls by what they wait for, as positions in order.

    Attributes:
        free: Those that need no row which is held.
        held_up: The others, by the row.
    """

    free: list[int] = field(default_factory=list)
    held_up: dict[LockedKey, list[int]] = field(default_factory=dict)


def partition(error: RowsLockedError, calls: Sequence[Call[I]]) -> Partition:
    """Divide calls into those that wait for held rows and those that do not; one with the same request id waits too."""
    keys = [error.awaited_by(call.item) for call in calls]
    claimed = {call.claim.key: key for call, key in zip(calls, keys, strict=True) if call.claim and key is not None}
    parts = Partition()
    for at, (call, key) in enumerate(zip(calls, keys, strict=True)):
        held_by = key if key is not None or call.claim is None else claimed.get(call.claim.key)
        if held_by is None:
            parts.free.append(at)
        else:
            parts.held_up.setdefault(held_by, []).append(at)
    return parts


def _traceparents(calls: Sequence[Call[Any]]) -> Iterator[str | None]:
    """Give the traces of calls; what an operation takes has its cause where it changes anything."""
    return (cause.traceparent for call in calls if (cause := getattr(call.item, "cause", None)) is not None)
