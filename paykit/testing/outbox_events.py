"""What a service has emitted and no relay has taken yet, however many events a row of its outbox holds."""

from collections.abc import Mapping
from typing import Any

from paykit.postgres.batches.outbox_batches import Packer
from paykit.process.runtime import Runtime


async def outbox_events(runtime: Runtime, key: str | None = None) -> list[Mapping[str, Any]]:
    """Return the events in the outbox, or those of a key, in order, each with the columns of a row of its own."""
    rows = await runtime.read(lambda tx: tx.fetch("SELECT * FROM outbox ORDER BY id"))
    packer = Packer()
    events = [event for row in rows for event in (packer.unpack(row) if row["events"] > 1 else [row])]
    return [event for event in events if key is None or event["key"] == key]
