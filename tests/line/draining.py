"""Waiting until nothing is on its way any more: no event, no call, no callback, no webhook, no mail."""

import asyncio
from collections.abc import Mapping, Sequence

from paykit.base.config import Settings
from paykit.kafka import client as kafka
from paykit.process.catalogue import load_service, schema_names
from tests.line.books import Books
from tests.line.isolation import TOPICS
from tests.line.waiting import until

DRAIN_S_MAX = 180.0
OPEN_CALLS = """
SELECT 'payment attempt ' || attempt_id || ' ' || state FROM payment.attempt
    WHERE state IN ('PENDING', 'STARTED', 'UNKNOWN')
UNION ALL SELECT 'withdrawal attempt ' || a.attempt_id || ' ' || a.state
    FROM withdrawal.attempt a JOIN withdrawal.withdrawal w USING (withdrawal_id)
    WHERE a.state IN ('STARTED', 'UNKNOWN') OR a.state = 'PENDING' AND NOT EXISTS (
        SELECT FROM withdrawal.open_contradiction o
        WHERE o.merchant_id = w.merchant_id AND o.currency_code = w.currency_code AND NOT o.resolved)
UNION ALL SELECT 'callback of ' || attempt_id || ' ' || report || ', try ' || tries FROM channel.callback
UNION ALL SELECT 'sequel of ' || attempt_id || ' ' || kind FROM channel.sequel
"""
OPEN_WEBHOOKS = """
SELECT 'webhook ' || d.event_type || ' to ' || d.endpoint_id || ', try ' || d.attempt_count
FROM notification.webhook_delivery d JOIN notification.webhook_endpoint e USING (endpoint_id)
WHERE d.state = 'PENDING' AND e.state = 'ENABLED'
"""
OPEN_MAILS = """
SELECT 'mail ' || template || ' ' || notification_id || ' ' || state FROM notification.notification
WHERE state IN ('QUEUED', 'SENDING')
"""
PARKED = 'SELECT count(*) FROM "{}".parked_event'
SHOWN_MAX = 5

Place = tuple[str, int]


async def drained(settings: Settings, kept: Books) -> None:
    """Wait until every outbox is empty, every event applied, nothing parked, every call to a channel answered.

    Every webhook is taken by then, and every mail where there is a mail server. What an event leads to may itself be
    an event, and what goes from a place not yet looked at to one already looked at is seen at neither: so two looks in
    a row must find nothing, and nothing may have moved between them.

    Raises:
        TimeoutError: Something stayed on its way.
    """
    before: Mapping[Place, int] | None = None
    left = ["not looked at"]

    async def still() -> bool:
        nonlocal before, left
        ends = await asyncio.to_thread(_ends, settings)
        moved, quiet, before = ends != before, not left, ends
        left = ["events were written"] if moved else await _left(settings, kept, ends)
        return quiet and not left

    try:
        await until(still, seconds=DRAIN_S_MAX)
    except TimeoutError as error:
        raise TimeoutError(f"on its way are still {len(left)}: {left[:SHOWN_MAX]}") from error


async def applied(settings: Settings, kept: Books, name: str) -> bool:
    """Say whether a service has applied all that its topics hold."""
    return not await _unapplied(kept, await asyncio.to_thread(_ends, settings), [name])


async def _left(settings: Settings, kept: Books, ends: Mapping[Place, int]) -> list[str]:
    """Say what is on its way."""
    parked = [f"parked in {name}" for name in schema_names() if await kept.number(PARKED.format(name))]
    unsent = [f"in the outbox of {name}" for name in schema_names() if await kept.outbox(name)]
    return parked or unsent or await _unapplied(kept, ends, schema_names()) or await _open(settings, kept)


async def _open(settings: Settings, kept: Books) -> list[str]:
    """Say what is under way to the outside: calls, callbacks, webhooks, mails."""
    told = [OPEN_WEBHOOKS, OPEN_MAILS] if settings.mail_host else [OPEN_WEBHOOKS]
    return [row[0] for row in await kept.rows(" UNION ALL ".join([OPEN_CALLS, *told]))]


async def _unapplied(kept: Books, ends: Mapping[Place, int], names: Sequence[str]) -> list[str]:
    """Name the services that have not applied their topics to the ends; what was never written to needs no offset."""
    behind = []
    for name in names:
        rows = await kept.rows(f'SELECT topic, partition, next_offset FROM "{name}".consumer_offset')
        stored = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        read = {each.topic for each in load_service(name).subscriptions}
        if any(end > stored.get(place, 0) for place, end in ends.items() if _bare(place[0]) in read):
            behind.append(f"unread by {name}")
    return behind


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
