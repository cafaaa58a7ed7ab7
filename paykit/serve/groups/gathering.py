"""Waiting a moment for calls that are about to come, where many come: a few large groups cost less than many small."""

import asyncio

GATHER_S = 0.005
"""After a group was answered, the next one waits for so long,"""
GATHER_S_PER_CALL = 0.00025
"""and for so long for each call of it: the process takes that time itself to answer one and to take the next."""
GATHER_S_MAX = 0.02
"""In all."""
GATHERED_CALLS_MIN = 8
"""Fewer calls than this at the same time are never waited for: each of them would only be later."""


class Gathering:
    """Decides when a group of one operation is complete enough to start.

    Callers that were answered together call again together. So as many calls are expected as were answered a moment ago
    and as waited by then; the group starts when they are there, or their time is over.
    """

    def __init__(self) -> None:
        self._expected = 0
        self._until_s = 0.0
        self._complete: asyncio.Future[None] | None = None

    def answered(self, calls: int, *, waiting: int, now_s: float) -> None:
        """Take note of a group that was answered while others waited, at a time of the event loop."""
        self._expected = calls + waiting
        self._until_s = now_s + min(GATHER_S + calls * GATHER_S_PER_CALL, GATHER_S_MAX)

    def arrived(self, waiting: int) -> None:
        """Take note of a call that joined, now that so many wait."""
        complete = self._complete
        if complete is not None and waiting >= self._expected and not complete.done():
            complete.set_result(None)

    def expects_more(self, waiting: int, now_s: float) -> bool:
        """Return whether it is worth waiting, beside so many calls that wait, at a time of the event loop."""
        return (
            self._expected >= GATHERED_CALLS_MIN
            and waiting < self._expected
            and now_s < self._until_s
            and self._complete is None  # Else another flight waits for them already.
        )

    async def complete(self) -> None:
        """Wait until the expected calls have come, or their time is over."""
        loop = asyncio.get_running_loop()
        complete = self._complete = loop.create_future()
        timer = loop.call_at(self._until_s, _end, complete)
        try:
            await complete
        finally:
            timer.cancel()
            self._complete = None


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
