"""The lanes of transactions: how long each waits for what others hold, and which connections of the pool it may use.

Each share of the pool has a connection of its own, and takes further ones from those that are common. Whatever all
transactions of one share wait for, the others go on.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from paykit.base.errors import UnavailableError
from paykit.postgres import connecting

FAST_LANE_LOCK_TIMEOUT_MS = 50
"""How long calls on a row that another transaction holds wait for it together."""
SPLIT_LANE_LOCK_TIMEOUT_MS = 5
"""The same for the parts of a group that is divided until the call on such a row stands alone."""
OWN_CONNECTIONS = 1
"""Connections that each share has for itself, if the pool has more connections than there are shares."""


class Share(StrEnum):
    """What uses connections.

    GROUPS: calls that share transactions. HELD_UP: those of them that wait for rows. BATCHES: batch calls.
    """

    READS = "reads"
    GROUPS = "groups"
    HELD_UP = "held_up"
    BATCHES = "batches"
    CONSUMERS = "consumers"
    JOBS = "jobs"


@dataclass(frozen=True, kw_only=True)
class Lane:
    """How a transaction waits.

    Attributes:
        share: Whose connections it uses.
        lock_timeout_ms: For one lock at most, in milliseconds.
        waits_for_rows: Whether rows of a `Table` that another transaction holds are waited for; if not, the first
            statement that meets some tells which they are, by RowsLockedError.
    """

    share: Share
    lock_timeout_ms: int = connecting.LOCK_TIMEOUT_MS
    waits_for_rows: bool = True


READING = Lane(share=Share.READS)
AT_ONCE = Lane(share=Share.GROUPS, lock_timeout_ms=FAST_LANE_LOCK_TIMEOUT_MS, waits_for_rows=False)
SPLIT = Lane(share=Share.GROUPS, lock_timeout_ms=SPLIT_LANE_LOCK_TIMEOUT_MS, waits_for_rows=False)
FAST = Lane(share=Share.HELD_UP, lock_timeout_ms=FAST_LANE_LOCK_TIMEOUT_MS)
HELD_UP = Lane(share=Share.HELD_UP)
BATCH = Lane(share=Share.BATCHES)
BATCH_AT_ONCE = Lane(share=Share.BATCHES, lock_timeout_ms=FAST_LANE_LOCK_TIMEOUT_MS, waits_for_rows=False)
BATCH_SPLIT = Lane(share=Share.BATCHES, lock_timeout_ms=SPLIT_LANE_LOCK_TIMEOUT_MS, waits_for_rows=False)
CONSUMING = Lane(share=Share.CONSUMERS)
JOB = Lane(share=Share.JOBS)
JOB_PART = Lane(share=Share.JOBS, lock_timeout_ms=FAST_LANE_LOCK_TIMEOUT_MS)


class Shares:
    """The connections of a pool, by who may use them.

    Args:
        connections_max: Of the pool. If there are no more than shares, whoever comes first takes one.
    """

    def __init__(self, connections_max: int) -> None:
        own = OWN_CONNECTIONS if connections_max > len(Share) * OWN_CONNECTIONS else 0
        self._own = dict.fromkeys(Share, own)
        self._common = connections_max - own * len(Share)
        self._waiting: deque[tuple[Share, asyncio.Future[bool]]] = deque()

    @contextlib.asynccontextmanager
    async def connection(self, share: Share) -> AsyncIterator[None]:
        """Use one connection, waiting for it for CONNECT_TIMEOUT_S at most.

        Raises:
            UnavailableError: None became free in time.
        """
        is_own = await self._take(share)
        try:
            yield
        finally:
            self._give_back(share, is_own=is_own)

    async def _take(self, share: Share) -> bool:
        """Take a connection, and return whether it is the share's own."""
        if self._own[share]:
            self._own[share] -= 1
            return True
        if self._common:
            self._common -= 1
            return False
        given: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        place = share, given
        self._waiting.append(place)
        try:
            async with asyncio.timeout(connecting.CONNECT_TIMEOUT_S):
                return await given
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif given.done() and not given.cancelled():  # It was given one at the last moment.
                self._give_back(share, is_own=given.result())
            if isinstance(error, TimeoutError):
                raise UnavailableError(f"every connection for {share} is in use", part="postgresql") from error
            raise

    def _give_back(self, share: Share, *, is_own: bool) -> None:
        """Give a connection to whoever has waited longest and may have it, or keep it for whoever comes."""
        for place in self._waiting:
            if (place[0] is share or not is_own) and not place[1].done():
                self._waiting.remove(place)
                place[1].set_result(is_own)
                return
        if is_own:
            self._own[share] += 1
        else:
            self._common += 1
