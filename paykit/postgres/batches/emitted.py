"""What a transaction has emitted: events one by one, and many of one class in columns, in the order of emission."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from paykit.base.errors import DefectError
from paykit.clock import from_micros, micros_since_epoch
from paykit.postgres.outbox import OutboxRow

EVENT_BYTES_MAX = 512 * 1024
"""The largest encoded event; a larger one fails the call that would emit it."""

EventKind = tuple[str, str, str | None]
"""event_type, dataschema, traceparent."""


@dataclass(slots=True, frozen=True, eq=False)
class EventColumns:
    """Events of one topic; each column has as many values as there are events.

    Attributes:
        occurred_us: Microseconds since 1970.
    """

    topic: str
    keys: Sequence[str]
    event_ids: Sequence[str]
    kinds: Sequence[EventKind]
    occurred_us: Sequence[int]
    values: Sequence[bytes]

    @classmethod
    def of(cls, rows: Sequence[OutboxRow]) -> "EventColumns":
        """Return rows of one topic, at least one, in columns."""
        topics, keys, event_ids, types, schemas, moments, parents, values = zip(*rows, strict=True)
        kinds = [*zip(types, schemas, parents, strict=True)]
        return cls(topics[0], keys, event_ids, kinds, [*map(micros_since_epoch, moments)], values)

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.keys)

    def part(self, begin: int, end: int) -> "EventColumns":
        """Return the events from one place to before another."""
        return EventColumns(
            self.topic,
            self.keys[begin:end],
            self.event_ids[begin:end],
            self.kinds[begin:end],
            self.occurred_us[begin:end],
            self.values[begin:end],
        )

    def rows(self) -> Iterator[OutboxRow]:
        """Yield each event as a row of its own."""
        columns = zip(self.keys, self.event_ids, self.kinds, self.occurred_us, self.values, strict=True)
        for key, event_id, (event_type, schema, parent), micros, value in columns:
            yield self.topic, key, event_id, event_type, schema, from_micros(micros), parent, value


Mark = tuple[int, int]
"""How many segments there are, and how many rows the last of them has."""


class Emitted:
    """Events in the order of emission; iterating gives each as a row."""

    def __init__(self) -> None:
        self._rows: list[OutboxRow] = []
        # The last are the rows that are added to.
        self._segments: list[list[OutboxRow] | EventColumns] = [self._rows]

    def append(self, row: OutboxRow) -> None:
        """Add an event."""
        self._rows.append(row)

    def extend(self, columns: EventColumns) -> None:
        """Add events in columns."""
        self._rows = []
        self._segments += (columns, self._rows)

    def clear(self) -> None:
        """Forget all."""
        self._rows = []
        self._segments = [self._rows]

    def mark(self) -> Mark:
        """Return where it stands."""
        return len(self._segments), len(self._rows)

    def undo(self, mark: Mark) -> None:
        """Forget what was added since."""
        segments, rows = mark
        del self._segments[segments:]
        [*_, last] = self._segments
        if isinstance(last, list):  # As the last always is.
            self._rows = last
        del self._rows[rows:]

    @property
    def segments(self) -> Iterator[list[OutboxRow] | EventColumns]:
        """Those that hold something, in their order."""
        return (segment for segment in self._segments if len(segment))

    @property
    def records(self) -> set[str]:
        """The full names of the records emitted."""
        types: set[str] = set()
        for segment in self.segments:
            if isinstance(segment, EventColumns):
                types.update(event_type for event_type, _, _ in set(segment.kinds))
            else:
                types.update(row[3] for row in segment)
        return types

    def __iter__(self) -> Iterator[OutboxRow]:
        """Yield each event as a row."""
        for segment in self.segments:
            yield from segment.rows() if isinstance(segment, EventColumns) else segment

    def __len__(self) -> int:
        """Return how many events there are."""
        return sum(map(len, self._segments))


def require_queueable(record: str, keys: Sequence[str], held: set[Hashable], *, largest: int) -> None:
    """Accept events of a record whose keys are held, and of which the largest has so many bytes.

    Raises:
        DefectError: A key is not held, so that its order could not be kept, or an event exceeds EVENT_BYTES_MAX.
    """
    if not held.issuperset(keys):
        key = next(key for key in keys if key not in held)
        raise DefectError(f"{record} emitted under key {key!r}, which this transaction does not hold")
    if largest > EVENT_BYTES_MAX:
        raise DefectError(f"{record} of {largest} bytes exceeds {EVENT_BYTES_MAX}")
