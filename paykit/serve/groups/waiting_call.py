"""A call whose caller waits for its outcome."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from paykit.serve.operations import Call, Outcome

I = TypeVar("I")  # noqa: E741 - item


@dataclass(frozen=True, slots=True)
class WaitingCall(Generic[I]):
    """A call on its way, since a time of the event loop in seconds."""

    call: Call[I]
    future: asyncio.Future[Outcome]
    since_s: float

    def answer(self, outcome: Outcome) -> None:
        """Answer the caller, if it is still there; the call was carried out all the same."""
        if not self.future.done():
            self.future.set_result(outcome)


def answer_all(group: Sequence[WaitingCall[Any]], outcomes: Sequence[Outcome]) -> None:
    """Answer each call by its outcome."""
    for waiting, outcome in zip(group, outcomes, strict=True):
        waiting.answer(outcome)


def answer_decided(group: Sequence[WaitingCall[I]], outcomes: Sequence[Outcome | None]) -> list[WaitingCall[I]]:
    """Answer each call that has an outcome, and return the others, in order."""
    undecided = []
    for waiting, outcome in zip(group, outcomes, strict=True):
        if outcome is None:
            undecided.append(waiting)
        else:
            waiting.answer(outcome)
    return undecided


def keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Start a task and hold a reference until it is done, as the event loop holds none."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
