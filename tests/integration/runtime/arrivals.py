"""Records as they would arrive from Kafka, without Kafka."""

import itertools
from collections.abc import Sequence

from paykit.consume.application import BatchResult
from paykit.consume.delivery import Record
from paykit.events.event import Event
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from tests import probe

TOPIC = "payment.events"

_offsets = itertools.count()


def arrival(runtime: Runtime, event: Event, *, key: str | None = None) -> Record:
    """Give the record of an event, with the next offset of partition 0."""
    stamps = {
        "event_id": new_id("evt"),
        "recorded_at": probe.NOON,
        "correlation_id": "cor_1",
        "causation_id": None,
        "actor": None,
    }
    value = runtime.codec.encode(event, stamps=stamps)
    return Record(TOPIC, 0, next(_offsets), getattr(event, event.KEY) if key is None else key, value, [])


def garbage(key: str) -> Record:
    """Give a record that is no event."""
    return Record(TOPIC, 0, next(_offsets), key, b"garbage", [])


async def deliver(runtime: Runtime, records: Sequence[Record], *, isolate: bool = False) -> BatchResult:
    """Apply records in one transaction, as the consumer would."""
    prepared = [event for event in map(runtime.application.prepare, records) if event is not None]
    return await runtime.transaction(lambda tx: runtime.application.apply(tx, prepared, isolate=isolate))


async def keys_of(runtime: Runtime, table: str) -> list[str]:
    """Give the keys of a table's rows, in order."""
    order = {"seen": "seen_id", "parked_event": "parked_event_id", "dead_letter": "dead_letter_id"}
    sql = f"SELECT key FROM {table} ORDER BY {order.get(table, 'record_offset')}"
    return [row["key"] for row in await runtime.read(lambda tx: tx.fetch(sql))]
