"""Where to read on in an outbox whose oldest rows are dead, or passed over while what sends their lane is at work.

Deleted rows are in the way for as long as any snapshot of the server may see them: a dump of hours keeps all of them.
So a look begins after what is known to be gone, and it is known, not guessed by the clock: an id is taken under a lock
on the table that is held until the transaction ends. Once all who held one when an id had been seen are gone, no row up
to that id can appear any more.

A row that appears behind the cursor is never of a key that was read past, for ids of one key come in order; it is found
by the next look from the position on.
"""

from collections.abc import Collection, Iterable

Lane = tuple[str, int | None]
"""What is sent in order: a partition of a topic, or with None all of the topic."""


class ReadPosition:
    """Which rows are behind the relay for good, and where it looks next.

    Attributes:
        cursor: The id after which to read next.
    """

    def __init__(self, settled_id: int = -1) -> None:
        """Begin after an id up to which no row is, or can appear."""
        self._final_id = self._passed_id = self._seen_id = self.cursor = settled_id
        self._sweep_final_id = settled_id
        self._candidate_id: int | None = None
        self._writers: set[str] = set()
        self._passed_over: dict[Lane, int] = {}

    def restart(self) -> None:
        """Look from the position on again."""
        self.cursor, self._sweep_final_id = self._passed_id, self._final_id

    def looked(self, last_id: int | None, *, more: bool) -> None:
        """Take note that the rows behind the cursor were read and sent, or passed over.

        Args:
            last_id: Of the rows read; None where there were none.
            more: Whether there may be others behind it; else the next look is from the position on.
        """
        if last_id is not None:
            self._seen_id = max(self._seen_id, last_id)
        if more and last_id is not None:
            self.cursor = last_id
            self._passed_id = max(self._passed_id, min(self._sweep_final_id, last_id))
        else:
            self._passed_id = max(self._passed_id, self._sweep_final_id)
            self.restart()

    def passed_over(self, lane: Lane, row_id: int) -> None:
        """Take note that a row waits for its lane."""
        self._passed_over[lane] = min(row_id, self._passed_over.get(lane, row_id))

    def freed(self, lane: Lane) -> None:
        """Read again what was passed over because of a lane that is free."""
        row_id = self._passed_over.pop(lane, None)
        if row_id is not None:
            self.left(row_id)

    def left(self, row_id: int) -> None:
        """Read again from a row on, which was read and is not settled."""
        self._passed_id = min(self._passed_id, row_id - 1)
        self.restart()

    @property
    def waits_for_writers(self) -> bool:
        """Whether it is of use to know who may be writing rows."""
        return self._candidate_id is not None or self._seen_id > self._final_id

    def writing(self, writers: Collection[str]) -> None:
        """Take note of all transactions that may be writing rows now, by names that never come again."""
        if self._candidate_id is None:
            self._candidate_id, self._writers = self._seen_id, set(writers)
        else:
            self._writers.intersection_update(writers)
        if not self._writers:
            self._final_id, self._candidate_id = max(self._final_id, self._candidate_id), None

    def settled_id(self, on_their_way: Iterable[int]) -> int:
        """Return the id up to which no row is, or can appear.

        Args:
            on_their_way: Ids of rows that were read and are not settled.
        """
        return min([self._passed_id, *(row_id - 1 for row_id in (*self._passed_over.values(), *on_their_way))])
