"""Where to read on in an outbox whose oldest rows are passed over, because the sender of their topic is at work.

Rows become visible in the order of commits, so one with a smaller id can appear behind the position; never of a key
that was read past, for ids of one key come in order. Such a row waits at most until the position is given up.
"""

from collections import deque
from dataclasses import dataclass

LATE_COMMIT_S = 60.0
"""How long after a greater id was seen a smaller one may still be expected: ids are taken just before the commit."""
MARK_EVERY_S = 1.0
MARKS_MAX = 120
"""With MARK_EVERY_S enough for LATE_COMMIT_S; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """At a moment all rows up to an id were of these topics."""

    time_s: float
    row_id: int
    topics: frozenset[str]


class ReadPosition:
    """Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque(maxlen=MARKS_MAX)

    def passed(self, row_id: int, topics: frozenset[str], *, now_s: float) -> None:
        """Take note that the rows up to an id were passed over, or read and sent."""
        if not self._marks or now_s >= self._marks[-1].time_s + MARK_EVERY_S:
            self._marks.append(_Mark(time_s=now_s, row_id=row_id, topics=topics))

    def freed(self, topic: str) -> None:
        """Read again what was passed over because of a topic, whose sender is free."""
        self._marks = deque((mark for mark in self._marks if topic not in mark.topics), maxlen=MARKS_MAX)

    def left(self, row_id: int) -> None:
        """Read again from a row on, which was read and is not settled."""
        self._marks = deque((mark for mark in self._marks if mark.row_id < row_id), maxlen=MARKS_MAX)

    def after(self, *, now_s: float) -> int:
        """Return the id after which to read; -1 for the begin."""
        late = now_s - LATE_COMMIT_S
        while len(self._marks) > 1 and self._marks[1].time_s <= late:
            self._marks.popleft()
        return self._marks[0].row_id if self._marks and self._marks[0].time_s <= late else -1
