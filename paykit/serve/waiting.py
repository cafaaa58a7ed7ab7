"""Calls that need what an event is still on its way to tell: they wait a moment before they are refused."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from paykit.base.call import current_call
from paykit.errors import DomainError

T = TypeVar("T")

WAIT_S_MAX = 2.0
"""How long what is not known yet is waited for."""
PAUSE_FIRST_S = 0.02
PAUSE_MAX_S = 0.2
DEADLINE_MARGIN_S = 0.1
"""Left of a call's time when waiting ends, so that the refusal still reaches the caller."""

Missing = tuple[type[DomainError], ...]
"""The refusals that may turn out otherwise once an event has arrived."""


class Pauses:
    """The pauses of a call that waits: short ones first, and never past the call's deadline.

    Meanwhile the call holds no place of those in progress: what waits for news of one merchant keeps out nobody else's
    calls. Where too many wait already, it is not waited at all.
    """

    def __init__(self) -> None:
        call = current_call()
        self._place = call.place
        remaining_s = call.time_remaining()
        waitable_s = WAIT_S_MAX if remaining_s is None else min(WAIT_S_MAX, remaining_s - DEADLINE_MARGIN_S)
        self._until = time.monotonic() + waitable_s
        self._pause_s = PAUSE_FIRST_S

    async def next(self) -> bool:
        """Pause; False when the time is over, or too many wait."""
        if time.monotonic() + self._pause_s > self._until:
            return False
        if self._place is None:
            await asyncio.sleep(self._pause_s)
        elif not self._place.step_aside():
            return False
        else:
            try:
                await asyncio.sleep(self._pause_s)
            finally:
                self._place.step_back()
        self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)
        return True


async def until_known(missing: Missing, call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call that is refused for what is not known yet, while there is time.

    Raises:
        DomainError: Another refusal, or the time is over.
    """
    if not missing:
        return await call()
    pauses: Pauses | None = None
    while True:
        try:
            return await call()
        except missing:
            pauses = pauses or Pauses()
            if not await pauses.next():
                raise


async def until_all_known(
    missing: Missing, call: Callable[[Sequence[int]], Awaitable[Sequence[T | DomainError]]], *, count: int
) -> list[T | DomainError]:
    """Repeat the items of a batch that are refused for what is not known yet, while there is time.

    Args:
        missing: The refusals to wait for.
        call: Carries out the items at these positions, and gives one result or refusal for each, in order.
        count: Items in the batch.
    """
    results = list(await call(range(count)))
    if not missing:
        return results  # A job's batch, which is no call whose deadline could be asked for.
    pauses = Pauses()
    while (unknown := [i for i, result in enumerate(results) if isinstance(result, missing)]) and await pauses.next():
        for i, result in zip(unknown, await call(unknown), strict=True):
            results[i] = result
    return results
