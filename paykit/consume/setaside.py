"""Events that were not applied: dead letters, parked events and skipped ones. Rows, so that nothing is lost in silence.

A key with an open dead letter or a parked event is held: its later events are parked behind, in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from paykit.consume.delivery import Record
from paykit.kafka import client as kafka
from paykit.postgres.database import Tx

ERROR_TEXT_CHARACTERS_MAX = 4000
COPY_BYTES_MAX = kafka.MESSAGE_BYTES_MAX - 64 * 1024
"""Value and headers of a dead letter's copy, without its key, its error and Kafka's framing."""

DEAD_LETTERS = Counter("paystream_dead_letters_total", "Events that became dead letters.", ["service", "reason"])
PARKED = Counter("paystream_parked_events_total", "Events parked behind their cause or their key.", ["service"])
SKIPPED = Counter("paystream_skipped_events_total", "Events of a type newer than the build.", ["service", "record"])

_HELD = """
SELECT key FROM dead_letter WHERE status = 'OPEN' AND topic = ANY($1) AND key = ANY($2)
UNION SELECT key FROM parked_event WHERE topic = ANY($1) AND key = ANY($2)
"""

_ANY_SET_ASIDE = (
    "SELECT EXISTS (SELECT FROM dead_letter WHERE status = 'OPEN') OR EXISTS (SELECT FROM parked_event) AS any"
)

_INSERT_DEAD_LETTER = """
INSERT INTO dead_letter (topic, partition, record_offset, key, record, value, header_names, header_values, reason,
                         error, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

# How long an event waits is real time, so the database's, however far business time was moved.
_INSERT_PARKED = """
INSERT INTO parked_event (topic, partition, record_offset, key, record, value, header_names, header_values, waits_for,
                          create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now())
"""

_INSERT_SKIPPED = """
INSERT INTO skipped_event (topic, partition, record_offset, key, record, value, header_names, header_values,
                           create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""

# Parked events in arrival order, without those whose key (if they have one) waits for somebody to decide on a dead
# letter.
_SELECT_PARKED = """
SELECT *, greatest(0, extract(epoch FROM now() - create_time))::float8 AS waited_s FROM parked_event p
WHERE parked_event_id > $1 AND (p.key = '' OR NOT EXISTS (
    SELECT FROM dead_letter d WHERE d.status = 'OPEN' AND d.topic = p.topic AND d.key = p.key))
ORDER BY parked_event_id LIMIT $2
"""

_DELETE_PARKED = "DELETE FROM parked_event WHERE parked_event_id = ANY($1::bigint[])"

_SELECT_SKIPPED = "SELECT * FROM skipped_event WHERE record = $1 ORDER BY topic, partition, record_offset LIMIT $2"

_DELETE_SKIPPED = "DELETE FROM skipped_event WHERE (topic, partition, record_offset) = ($1, $2, $3)"

_LOCK_DEAD_LETTER = "SELECT * FROM dead_letter WHERE dead_letter_id = $1 FOR UPDATE"

_RESOLVE_DEAD_LETTER = "UPDATE dead_letter SET status = $2, actor = $3, resolve_time = $4 WHERE dead_letter_id = $1"

_LIST_DEAD_LETTERS = """
SELECT * FROM dead_letter WHERE status = $1 AND dead_letter_id > $2 ORDER BY dead_letter_id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked event; `waited_s` is the real time since it was parked, in seconds."""

    parked_event_id: int
    record: Record
    waited_s: float


@dataclass(frozen=True, slots=True)
class Fate:
    """Why a record was set aside as a dead letter."""

    reason: str
    error: str


async def held_keys(tx: Tx, topics: Sequence[str], keys: Sequence[str]) -> set[str]:
    """Give those of the keys whose events must wait."""
    if not (await tx.fetch(_ANY_SET_ASIDE))[0]["any"]:
        return set()  # The usual case, without looking up a thousand keys.
    return {row["key"] for row in await tx.fetch(_HELD, list(topics), list(keys))}


async def bury(tx: Tx, *, service: str, record: Record, name: str | None, fate: Fate) -> None:
    """Keep a record as a dead letter, and queue its copy for `<topic>.<service>.dlq`."""
    error = fate.error[:ERROR_TEXT_CHARACTERS_MAX].replace("\x00", "\ufffd")
    await tx.run(
        _INSERT_DEAD_LETTER, *_place(record), name, record.value, *_headers(record), fate.reason, error, tx.now
    )
    _copy(tx, f"{record.topic}.{service}.dlq", record, reason=fate.reason, error=error)
    DEAD_LETTERS.labels(service, fate.reason).inc()


def _copy(tx: Tx, topic: str, record: Record, *, reason: str, error: str) -> None:
    """Queue the copy of a dead letter; one that Kafka would not take goes without the contents, which the row keeps."""
    value, headers = record.value, list(record.headers)
    own: list[tuple[str, bytes | None]] = [
        ("paystream-dlq-reason", reason.encode()),
        ("paystream-dlq-error", error.encode()),
        ("paystream-dlq-source", f"{record.topic}/{record.partition}/{record.offset}".encode()),
    ]
    size = len(value or b"") + sum(len(header) + len(content or b"") for header, content in headers)
    if size > COPY_BYTES_MAX:
        value, headers = None, []
        own.append(("paystream-dlq-omitted-bytes", str(size).encode()))
    tx.emit_raw(topic=topic, key=record.key, value=value, headers=[*headers, *own])


async def park(tx: Tx, *, service: str, record: Record, name: str, waits_for: str) -> None:
    """Keep an event until what it waits for has come."""
    await tx.run(_INSERT_PARKED, *_place(record), name, record.value, *_headers(record), waits_for)
    PARKED.labels(service).inc()


async def skip(tx: Tx, *, service: str, record: Record, name: str) -> None:
    """Keep an event of a type that this build does not know, for a replay after the upgrade."""
    await tx.run(_INSERT_SKIPPED, *_place(record), name, record.value, *_headers(record), tx.now)
    SKIPPED.labels(service, name).inc()


async def select_parked(tx: Tx, *, after: int, limit: int) -> list[Parked]:
    """Give parked events with larger ids that may be tried, in arrival order."""
    rows = await tx.fetch(_SELECT_PARKED, after, limit)
    return [Parked(row["parked_event_id"], _record(row), row["waited_s"]) for row in rows]


async def delete_parked(tx: Tx, ids: Sequence[int]) -> None:
    """Forget parked events that need no further try."""
    await tx.run(_DELETE_PARKED, list(ids))


async def select_skipped(tx: Tx, name: str, limit: int) -> list[Record]:
    """Give skipped events of a type, in order."""
    return [_record(row) for row in await tx.fetch(_SELECT_SKIPPED, name, limit)]


async def delete_skipped(tx: Tx, record: Record) -> None:
    """Forget a skipped event that was applied."""
    await tx.run(_DELETE_SKIPPED, record.topic, record.partition, record.offset)


async def lock_dead_letter(tx: Tx, dead_letter_id: int) -> Any | None:
    """Lock a dead letter and give its row, or None."""
    rows = await tx.fetch(_LOCK_DEAD_LETTER, dead_letter_id)
    return rows[0] if rows else None


async def resolve_dead_letter(tx: Tx, dead_letter_id: int, *, status: str, actor: str) -> None:
    """Close a dead letter; the events parked behind it may go on."""
    await tx.run(_RESOLVE_DEAD_LETTER, dead_letter_id, status, actor, tx.now)


async def list_dead_letters(tx: Tx, *, status: str, after: int, limit: int) -> list[Any]:
    """Give rows of dead letters in order of arrival."""
    return await tx.fetch(_LIST_DEAD_LETTERS, status, after, limit)


def record_of(row: Any) -> Record:
    """Give the record that a row of this module's tables keeps."""
    return _record(row)


def _place(record: Record) -> tuple[str, int, int, str]:
    return record.topic, record.partition, record.offset, record.key


def _headers(record: Record) -> tuple[list[str], list[bytes | None]]:
    return [name for name, _ in record.headers], [content for _, content in record.headers]


def _record(row: Any) -> Record:
    headers = list(zip(row["header_names"], row["header_values"], strict=True))
    return Record(row["topic"], row["partition"], row["record_offset"], row["key"], row["value"], headers)
