"""Where to read on in an outbox whose oldest rows are dead, or passed over while the sender of their topic is at work.

Deleted rows are in the way for as long as any snapshot of the server may see them: a dump of hours keeps all of them.

Rows become visible in the order of commits, so one with a smaller id can appear behind the position; never of a key
that was read past, for ids of one key come in order. Such a row waits at most until the position is given up.
"""

import math
from collections import deque
from dataclasses import dataclass

LATE_COMMIT_S = 10.0
"""How long after a greater id was seen a smaller one is to be expected: ids are taken just before the commit. One that
comes later is found when all is looked at."""
WHOLE_LOOK_EVERY_S = 60.0
"""How often all is looked at, from the first row on."""
WHOLE_LOOK_SHARE = 20.0
"""At least so many times as long as the last look at all took goes by before the next."""
MARK_EVERY_S = 1.0
MARKS_MAX = 120
"""With MARK_EVERY_S enough for LATE_COMMIT_S; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """At a moment all rows up to an id were of these topics; without any, there were none."""

    time_s: float
    row_id: int
    topics: frozenset[str]


class ReadPosition:
    """Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque(maxlen=MARKS_MAX)
        self._whole_due_s = -math.inf

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

    def settled(self, *, now_s: float) -> int:
        """Return the id up to which there are no rows any more; -1 where none is known."""
        late = now_s - LATE_COMMIT_S
        return max((mark.row_id for mark in self._marks if not mark.topics and mark.time_s <= late), default=-1)

    def whole_is_due(self, *, now_s: float) -> bool:
        """Whether it is time to look at all."""
        return now_s >= self._whole_due_s

    def looked_at_whole(self, *, now_s: float, took_s: float) -> None:
        """Take note of a look at all."""
        self._whole_due_s = now_s + max(WHOLE_LOOK_EVERY_S, WHOLE_LOOK_SHARE * took_s)
