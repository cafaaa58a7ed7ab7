"""Writes what a transaction emitted into the outbox: a row for each topic, or for each event where told so."""

import math
import time
from collections.abc import Sequence
from typing import Any

from paykit.clock import from_micros
from paykit.postgres.batches.emitted import Emitted, EventColumns
from paykit.postgres.batches.outbox_batches import DATASCHEMA, EVENT_TYPE, Packer, fitting, parts
from paykit.postgres.fused.writes import Write
from paykit.postgres.outbox import (
    OutboxRow,
    RawRow,
    insert_outbox_rows,
    insert_packed_rows,
    insert_raw_row,
    outbox_write,
    packed_write,
    raw_write,
)

ASK_EVERY_S = 60.0
"""For how long an answer stands whether batches are to be written; `paystream outbox batches` tells so."""

_SELECT_BATCHES = "SELECT batches FROM outbox_format"
_SET_BATCHES = "UPDATE outbox_format SET batches = $1"


class OutboxWriter:
    """The writer of one process and service."""

    def __init__(self) -> None:
        self._packer = Packer()
        self._batches = False
        self._asked_s = -math.inf

    async def write(self, driver: Any, events: Emitted, raw: Sequence[RawRow]) -> None:
        """Append rows; ids follow the order of emission within each topic.

        Raises:
            DefectError: A text of an event holds NUL.
        """
        if len(events) > 1 and await self._batches_are_written(driver):
            await insert_packed_rows(driver, self._packed_all(events))
        elif len(events):
            await insert_outbox_rows(driver, [*events])
        for row in raw:
            await insert_raw_row(driver, row)

    async def writes(self, driver: Any, events: Emitted, raw: Sequence[RawRow]) -> list[Write]:
        """Do as `write`, but leave it to the caller to carry the inserts out, in their order."""
        writes = list(map(raw_write, raw))
        if len(events) > 1 and await self._batches_are_written(driver):
            return [packed_write(self._packed_all(events)), *writes]
        return [outbox_write([*events]), *writes] if len(events) else writes

    async def _batches_are_written(self, driver: Any) -> bool:
        if time.monotonic() >= self._asked_s + ASK_EVERY_S:
            self._batches = bool(await driver.fetchval(_SELECT_BATCHES))
            self._asked_s = time.monotonic()
        return self._batches

    def _packed_all(self, events: Emitted) -> list[tuple[OutboxRow, int]]:
        return [
            self._packed(part)
            for segment in events.segments
            for part in (fitting(segment) if isinstance(segment, EventColumns) else parts(segment))
        ]

    def _packed(self, part: EventColumns) -> tuple[OutboxRow, int]:
        if len(part) == 1:
            return next(part.rows()), 1
        oldest = from_micros(min(part.occurred_us))
        return (part.topic, "", "", EVENT_TYPE, DATASCHEMA, oldest, None, self._packer.pack(part)), len(part)


async def set_batches(tx: Any, *, batches: bool) -> None:
    """Have all processes of the service write batches, or single events, within ASK_EVERY_S."""
    await tx.run(_SET_BATCHES, batches)
