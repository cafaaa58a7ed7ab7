"""Tells bad data from a bad deployment: too many unexpected failures halt a partition instead of filling a table."""

from collections import deque

IN_A_ROW_MAX = 5
"""One more unexpected failure in a row halts the partition."""
WINDOW_EVENTS = 1000
IN_WINDOW_MAX = 10
"""One more unexpected failure among the last WINDOW_EVENTS halts the partition (1 %)."""


class FailureWindow:
    """The recent past of one partition."""

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=WINDOW_EVENTS)
        self._in_a_row = 0

    def after(self, failed: list[bool]) -> "FailureWindow":
        """The window after these events (True: failed), in order."""
        later = FailureWindow()
        later._recent = deque(self._recent, maxlen=WINDOW_EVENTS)
        later._in_a_row = self._in_a_row
        later._recent.extend(failed)
        for event_failed in failed:
            later._in_a_row = later._in_a_row + 1 if event_failed else 0
        return later

    @property
    def exceeded(self) -> bool:
        """Whether this looks like a bad deployment."""
        return self._in_a_row > IN_A_ROW_MAX or sum(self._recent) > IN_WINDOW_MAX


def is_defect(*, failed: int, passed: int) -> bool:
    """Whether unexpected failures among at most WINDOW_EVENTS events look like a bad deployment."""
    return failed > IN_WINDOW_MAX or (failed > 1 and not passed)
