"""Parked events: those whose cause has not arrived, or that wait behind one of their key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from paykit.consume.delivery import Record
from paykit.consume.store.records import columns_of, record_of
from paykit.postgres.database import Tx

SWEEP_LOCK = 0x7061_7270
"""Space of the advisory lock, by service, that whoever tries parked events again holds."""

# How long an event waits is real time, so the database's, however far business time was moved.
_INSERT = """
INSERT INTO parked_event (topic, topic_id, partition, record_offset, key, value, header_names, header_values, record,
                          waits_for, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now())
"""

# What waits for somebody to decide on a dead letter of its key; one that came before the dead letter does not.
_HELD = """
p.key <> '' AND EXISTS (
    SELECT FROM dead_letter d WHERE d.status = 'OPEN' AND d.topic = p.topic AND d.key = p.key
        AND NOT ((d.topic_id, d.partition) = (p.topic_id, p.partition) AND d.record_offset > p.record_offset))
"""

# In arrival order. The keys held are of the same snapshot: a decision afterwards must not let later events of a key,
# on a later page, go before earlier ones that this page left out.
_SELECT = f"""
WITH page AS (
    SELECT * FROM parked_event p WHERE parked_event_id > $1 AND NOT ({_HELD}) ORDER BY parked_event_id LIMIT $2
), held AS (
    SELECT DISTINCT key FROM parked_event p
    WHERE parked_event_id > $1 AND parked_event_id < (SELECT max(parked_event_id) FROM page) AND {_HELD}
)
SELECT *, greatest(0, extract(epoch FROM now() - create_time))::float8 AS parked_s,
    (SELECT array_agg(key) FROM held) AS held_keys
FROM page ORDER BY parked_event_id
"""

_DELETE = "DELETE FROM parked_event WHERE parked_event_id = ANY($1::bigint[])"

_BACKLOG = """
SELECT count(*) AS events, coalesce(now() - min(create_time), interval '0') AS oldest_age,
    coalesce(max(parked_event_id), 0) AS newest_id
FROM parked_event
"""

_TRY_SWEEP_LOCK = "SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS locked"

_ANY_SET_ASIDE = (
    "SELECT EXISTS (SELECT FROM dead_letter WHERE status = 'OPEN') OR EXISTS (SELECT FROM parked_event) AS any"
)

_BLOCKED_KEYS = """
SELECT key FROM dead_letter WHERE status = 'OPEN' AND topic = ANY($1) AND key = ANY($2)
UNION SELECT key FROM parked_event WHERE topic = ANY($1) AND key = ANY($2)
"""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """A parked event; `parked_s` is the real time since it was parked, in seconds."""

    parked_event_id: int
    record: Record
    parked_s: float


@dataclass(frozen=True, slots=True)
class ParkedPage:
    """Parked events that may be tried, in arrival order, and the keys of those before its end that may not."""

    events: Sequence[ParkedEvent]
    held_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many events are parked, how old the oldest is, and the newest one's id (0: none is parked)."""

    events: int
    oldest_age: timedelta
    newest_id: int


async def insert(tx: Tx, record: Record, *, record_name: str, waits_for: str) -> None:
    """Keep an event until what it waits for has come."""
    await tx.run(_INSERT, *columns_of(record), record_name, waits_for)


async def select(tx: Tx, *, after: int, limit: int) -> ParkedPage:
    """Read the next parked events of larger ids than `after` that may be tried, at most so many."""
    rows = await tx.fetch(_SELECT, after, limit)
    events = [ParkedEvent(row["parked_event_id"], record_of(row), row["parked_s"]) for row in rows]
    return ParkedPage(events, frozenset(rows[0]["held_keys"] or ()) if rows else frozenset())


async def delete(tx: Tx, parked_event_ids: Sequence[int]) -> None:
    """Forget parked events that need no further try."""
    if parked_event_ids:
        await tx.run(_DELETE, list(parked_event_ids))


async def backlog(tx: Tx) -> Backlog:
    """Measure what is parked."""
    row = (await tx.fetch(_BACKLOG))[0]
    return Backlog(int(row["events"]), row["oldest_age"], int(row["newest_id"]))


async def try_sweep_lock(tx: Tx, service: str) -> bool:
    """Become the only sweep of a service until the transaction ends: two could take events of one key out of order."""
    return bool((await tx.fetch(_TRY_SWEEP_LOCK, SWEEP_LOCK, service))[0]["locked"])


async def blocked_keys(tx: Tx, topics: Sequence[str], keys: Sequence[str]) -> frozenset[str]:
    """Those of the keys that have an open dead letter or a parked event, so that their later events must wait."""
    if not keys or not (await tx.fetch(_ANY_SET_ASIDE))[0]["any"]:
        return frozenset()  # The usual case, without looking up a thousand keys.
    return frozenset(row["key"] for row in await tx.fetch(_BLOCKED_KEYS, list(topics), list(keys)))
