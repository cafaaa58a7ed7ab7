"""Row (h): PaymentSuccess on Kafka -> counted, by `paystream serve analytics`; beside row (b), what accounting does.

The clock starts when the first transaction noted which figures it changes, and ends when the last one did.
"""

import asyncio
import time
from typing import Any

from bench import captures, children
from bench.ground import Ground, connected, plot
from paykit.errors import InvariantError

LOOK_EVERY_S = 0.2
COUNTED_S_MAX = 240.0
TOPIC = "payment.events"

_COUNTED = "SELECT coalesce(sum(count), 0)::bigint FROM figure WHERE measure = 'CAPTURED'"
_TOOK = "SELECT extract(epoch FROM max(change_time) - min(change_time))::float8 FROM figure_change"


async def measure(ground: Ground, *, events: int, merchants: int) -> float:
    """Measure counting over this many merchants; events/s.

    Raises:
        InvariantError: Not every event was counted exactly once.
        TimeoutError: It took longer than COUNTED_S_MAX.
    """
    names = captures.merchant_ids(merchants)
    async with plot(ground) as own:
        messages = await captures.encode(own, captures.make(events, merchants=names))
        await asyncio.to_thread(captures.produce, ground.endpoints.kafka, own.prefix + TOPIC, messages)
        async with connected(own.admin_url, schema="analytics") as connection:
            async with children.service(own, "analytics"):
                counted = await _await_counted(connection, events)
            if counted != events:
                raise InvariantError(f"{events} events: {counted} counted")
            seconds: float = await connection.fetchval(_TOOK)
    return events / seconds


async def _await_counted(connection: Any, events: int) -> int:
    give_up = time.monotonic() + COUNTED_S_MAX
    while (counted := int(await connection.fetchval(_COUNTED))) < events:
        if time.monotonic() > give_up:
            raise TimeoutError(f"{counted} of {events} events after {COUNTED_S_MAX:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)
    return counted
