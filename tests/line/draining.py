"""Waiting until nothing is on its way between the services any more: no event, no call, no callback."""

import asyncio
from collections.abc import Mapping

from paykit.base.config import Settings
from paykit.kafka import client as kafka
from paykit.process.catalogue import load_service, schema_names
from tests.line.books import Books
from tests.line.isolation import TOPICS
from tests.line.waiting import until

DRAIN_S_MAX = 90.0
OPEN_CALLS = """
SELECT (SELECT count(*) FROM payment.attempt WHERE state IN ('PENDING', 'STARTED', 'UNKNOWN'))
     + (SELECT count(*) FROM withdrawal.attempt WHERE state IN ('PENDING', 'STARTED', 'UNKNOWN'))
     + (SELECT count(*) FROM channel.callback) + (SELECT count(*) FROM channel.sequel)
"""

Place = tuple[str, int]


async def drained(settings: Settings, kept: Books) -> None:
    """Wait until every outbox is empty, every event applied, nothing parked, every call to a channel answered.

    What an event leads to may itself be an event, so nothing may have moved between two looks.

    Raises:
        TimeoutError: Something stayed on its way.
    """
    before: Mapping[Place, int] | None = None

    async def still() -> bool:
        nonlocal before
        ends = await asyncio.to_thread(_ends, settings)
        moved, before = ends != before, ends
        return not moved and await _at_rest(kept, ends)

    await until(still, seconds=DRAIN_S_MAX)


async def _at_rest(kept: Books, ends: Mapping[Place, int]) -> bool:
    waiting = " UNION ALL ".join(f'SELECT count(*) FROM "{name}".parked_event' for name in schema_names())
    if not await kept.drained(*schema_names()) or any(row[0] for row in await kept.rows(waiting)):
        return False
    return await _applied(kept, ends) and await kept.number(OPEN_CALLS) == 0


async def _applied(kept: Books, ends: Mapping[Place, int]) -> bool:
    """Say whether each service has applied its topics to their ends; what was never written to needs no offset."""
    for name in schema_names():
        rows = await kept.rows(f'SELECT topic, partition, next_offset FROM "{name}".consumer_offset')
        stored = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        read = {each.topic for each in load_service(name).subscriptions}
        if any(end > stored.get(place, 0) for place, end in ends.items() if _bare(place[0]) in read):
            return False
    return True


def _bare(topic: str) -> str:
    """Leave the prefix of a test's topics out, which holds no dot but its last character."""
    return topic.partition(".")[2]


def _ends(settings: Settings) -> dict[Place, int]:
    """Give where each partition of the topics ends."""
    names = [settings.topic_prefix + topic for topic in TOPICS]
    return {
        (name, number): end
        for name in names
        for number, end in enumerate(kafka.end_offsets(settings.kafka_bootstrap, name))
    }
