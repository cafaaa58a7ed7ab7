"""How long transactions wait for what others hold."""

from dataclasses import dataclass

from paykit.postgres import connecting

FAST_LANE_LOCK_TIMEOUT_MS = 50
"""How long calls on a row that another transaction holds wait for it together."""
SPLIT_LANE_LOCK_TIMEOUT_MS = 5
"""The same for the parts of a group that is divided until the call on such a row stands alone."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """How long a transaction waits for locks.

    Attributes:
        lock_timeout_ms: For one lock at most, in milliseconds.
        waits_for_rows: Whether rows of a `Table` that another transaction holds are waited for; if not, the first
            statement that meets some tells which they are, by RowsLockedError.
    """

    lock_timeout_ms: int
    waits_for_rows: bool = True


AT_ONCE = Lane(lock_timeout_ms=FAST_LANE_LOCK_TIMEOUT_MS, waits_for_rows=False)
SPLIT = Lane(lock_timeout_ms=SPLIT_LANE_LOCK_TIMEOUT_MS, waits_for_rows=False)
FAST = Lane(lock_timeout_ms=FAST_LANE_LOCK_TIMEOUT_MS)
SLOW = Lane(lock_timeout_ms=connecting.LOCK_TIMEOUT_MS)
