"""Remembers the ids of applied events, for handlers whose effect has no natural unique key.

Partitioned by the day in which the event was recorded, so that forgetting a day is dropping a table.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from paykit.events.event import Identified
from paykit.postgres.database import Tx
from paykit.postgres.partitions.time_partitions import DatedBy, TimePartitions

RETENTION_DAYS = 14
"""A repetition older than this is not recognised; Kafka's producers repeat within minutes."""
EVENT_ID_CHARACTERS_MAX = 500
"""Of the ids remembered: an index takes 2,700 bytes of day, handler and event_id."""

# Events are dated in business time. Where that was moved, real time decides what is old: a repetition comes within
# minutes that people's clocks show.
INBOX = TimePartitions(table="inbox", kept=timedelta(days=RETENTION_DAYS), dated_by=DatedBy.BUSINESS)

_ADMIT = """
INSERT INTO inbox (day, handler, event_id)
SELECT e.day, $2, e.event_id FROM unnest($1::date[], $3::text[]) AS e (day, event_id) ORDER BY e.day, e.event_id
ON CONFLICT DO NOTHING RETURNING event_id
"""

_FORGET = """
DELETE FROM inbox i USING unnest($1::date[], $3::text[]) AS e (day, event_id)
WHERE (i.day, i.handler, i.event_id) = (e.day, $2, e.event_id)
"""


def takes(event_ids: Sequence[str]) -> bool:
    """Return whether these ids, at least one, can all be remembered."""
    return max(map(len, event_ids)) <= EVENT_ID_CHARACTERS_MAX and "\0" not in "".join(event_ids)


async def admit(tx: Tx, handler: str, events: Sequence[Identified]) -> set[str]:
    """Remember events; the ids of those that were not remembered before."""
    rows = await tx.fetch(_ADMIT, [_day(event) for event in events], handler, [event.event_id for event in events])
    return {row["event_id"] for row in rows}


async def forget(tx: Tx, handler: str, events: Sequence[Identified]) -> None:
    """Forget events that were not applied after all, so that they can be tried again."""
    if events:
        await tx.run(_FORGET, [_day(event) for event in events], handler, [event.event_id for event in events])


def _day(event: Identified) -> date:
    return (event.recorded_at or event.occurred_at).date()
