"""The batches of the outbox that one relay has opened: their events are sent as if each was a row.

A batch is deleted when all its events are acknowledged. One of which that cannot be, as an event of it is refused, held
back or of a partition that has stalled, is replaced by rows of the events that are left, under their own ids: so what
has been acknowledged is not sent again for their sake. A relay that dies before repeats the batch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from paykit.postgres import outbox
from paykit.postgres.batches.outbox_batches import Packer

UNPACKED_BYTES_MAX = 16 * 1024 * 1024
"""Of the values of events opened together, but for the last batch of them."""


class OpenBatches:
    """Those of one lead, on its connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._packer = Packer()
        self._missing: dict[int, dict[int, Any]] = {}  # Of each batch the events that are not acknowledged.
        self._batch_of: dict[int, int] = {}
        self._of_topic: dict[str, list[int]] = defaultdict(list)

    async def open(
        self, rows: Sequence[Any], *, stands_apart: Callable[[Any], bool] | None
    ) -> tuple[list[Any], int | None]:
        """Return the events of rows, in the order of ids, and the id of the first row that was not opened, if any.

        Args:
            rows: Of the outbox, in the order of ids.
            stands_apart: Whether an event must not be sent with the others of its batch, which is then replaced; None
                where none does.
        """
        events, replaced, unpacked_bytes = list[Any](), dict[int, list[Any]](), 0
        for row in rows:
            if row["events"] == 1:
                events.append(row)
                continue
            if unpacked_bytes > UNPACKED_BYTES_MAX:
                await self._replace(replaced)
                return events, row["id"]
            own = self._packer.unpack(row)
            unpacked_bytes += sum(len(event["value"]) for event in own)
            events += own
            if stands_apart is not None and any(stands_apart(event) for event in own):
                replaced[row["id"]] = own
            else:
                self._missing[row["id"]] = {event["id"]: event for event in own}
                self._batch_of.update(dict.fromkeys(self._missing[row["id"]], row["id"]))
                self._of_topic[row["topic"]].append(row["id"])
        await self._replace(replaced)
        return events, None

    def rows_of(self, acknowledged: Iterable[int]) -> list[int]:
        """Return the ids of the rows that hold nothing but acknowledged events, these among them."""
        rows = list[int]()
        for event_id in acknowledged:
            batch_id = self._batch_of.pop(event_id, None)
            if batch_id is None:
                rows.append(event_id)
                continue
            missing = self._missing[batch_id]
            del missing[event_id]
            if not missing:
                del self._missing[batch_id]
                rows.append(batch_id)
        return rows

    async def close(self, topics: Iterable[str]) -> None:
        """Replace the batches of topics of which events are left."""
        batch_ids = [batch_id for topic in topics for batch_id in self._of_topic.pop(topic, [])]
        left = {
            batch_id: list(self._missing.pop(batch_id).values()) for batch_id in batch_ids if batch_id in self._missing
        }
        for events in left.values():
            for event in events:
                del self._batch_of[event["id"]]
        await self._replace(left)

    async def _replace(self, batches: dict[int, list[Any]]) -> None:
        if batches:
            await outbox.replace_batches(
                self._connection, [*batches], [event for events in batches.values() for event in events]
            )
